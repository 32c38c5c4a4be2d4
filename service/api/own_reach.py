"""Each request reaches what its key reaches, and begins with nothing said of that.

In:     an ASGI application.
Out:    the same, in which `service.store.reach.bind` holds for one request.
Source: docs/decisions/0022-second-wall.md.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.store.reach import own_reach


class OwnReach:
    """Gives every request a reach of its own, which all its threads share."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        with own_reach():
            await self._app(scope, receive, send)
