"""No request body larger than the settings allow, except streams that are read line by line.

In:     requests on their way in.
Out:    the same, or 413 as soon as the body is known to be too large.
Source: docs/api.md: limits are stated and answered 413. FastAPI's own `max_body_size` answers in
        plain text and knows no exception by content type.
"""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem_of
from service.errors import Unreadable


class BodyLimit:
    """Counts the bytes of each body; `is_unbounded` tells which requests are not counted."""

    def __init__(
        self, app: ASGIApp, max_body_bytes: int, is_unbounded: Callable[[Scope], bool]
    ) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.is_unbounded = is_unbounded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse at once where the length is told, else as soon as too much has come."""
        if scope["type"] != "http" or self.is_unbounded(scope):
            await self.app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > self.max_body_bytes:
            await problem_of(too_large(self.max_body_bytes))(scope, receive, send)
            return
        come = 0

        async def count() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > self.max_body_bytes:
                # FastAPI tells any other exception from a body as 400.
                raise HTTPException(413)
            return message

        await self.app(scope, count, send)


def too_large(max_body_bytes: int) -> Unreadable:
    """The refusal, which names the bound."""
    return Unreadable(
        f"The body is larger than {max_body_bytes} bytes. Send it in parts; events may also be "
        "streamed as application/x-ndjson, which has no upper bound.",
        code="too_large",
    )
