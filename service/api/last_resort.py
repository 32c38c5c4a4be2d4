"""The answer to an exception that nobody expected.

In:     a request that a route failed on.
Out:    a problem document without a word of the exception, and a log line with its place.
Source: pure ASGI, so that nothing is held back on the way.
"""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problem_types import PROBLEMS
from service.api.problems import problem

log = structlog.stdlib.get_logger(__name__)


class LastResort:
    """Turns an exception that nobody expected into a problem, and logs where it happened."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; once an answer has begun, only break it off."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def note_start(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except Exception:
            log.exception("unexpected fault")
            if begun:
                raise
            await problem("internal", PROBLEMS["internal"].meaning)(scope, receive, send)
