"""One log line for every request: what was asked for, how it ended, how long it took.

In:     requests as they end.
Out:    a line with the route's template; no path, no parameter, no key.
Source: docs/operations.md: no log line holds a patient's identifier.
"""

from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.metrics import CLIENT_GONE, METHODS, route_template

log = structlog.stdlib.get_logger(__name__)
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: told only at level debug."""


class RequestLog:
    """Writes the line when the answer is out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and tell how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = CLIENT_GONE

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            route = route_template(scope)
            tell = log.debug if route in QUIET and status < 400 else log.info
            tell(
                "request",
                method=scope["method"] if scope["method"] in METHODS else "OTHER",
                route=route,
                status=status,
                duration_ms=round((perf_counter() - began) * 1000, 1),
            )
