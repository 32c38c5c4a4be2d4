"""HEAD, answered as GET without the body, on every route that answers GET.

In:     requests on their way in.
Out:    the status and the headers that GET would have; of a stream no part is waited for.
Source: RFC 9110, 9.3.2. Pure ASGI: FastAPI's routes answer the methods they name and no other.
"""

from anyio import CancelScope
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Asks what lies within for GET; whoever stands around it still sees HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything but HEAD on as it is."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if answering.cancel_called:
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            if message.get("more_body", False):
                answering.cancel()  # a stream may go on for as long as somebody listens
            await send({"type": "http.response.body", "body": b""})

        try:
            with CancelScope() as answering:
                await self.app(asked, receive, send_head)
        finally:
            scope.update(asked, method="HEAD")  # the route, for those who count requests
