"""No address with a NUL character: no name holds one, and PostgreSQL's text cannot.

In:     requests on their way in.
Out:    the same, or 422.
Source: PostgreSQL, "Character Types"; found by schemathesis.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import problem_of
from service.errors import BadQuery

NUL = "\x00"
NUL_SENT = b"%00"


class RefuseNul:
    """Answers for the routes, so that none has to look."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what can be meant."""
        if scope["type"] == "http" and (NUL in scope["path"] or NUL_SENT in scope["query_string"]):
            fault = BadQuery("An address holds no NUL character (%00): leave it out.")
            await problem_of(fault)(scope, receive, send)
            return
        await self._app(scope, receive, send)
