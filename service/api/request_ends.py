"""How each request ended, told to whoever keeps count of it.

In:     requests as they end.
Out:    an `Ended` for each listener: the route's template, never the path as called.
Source: docs/operations.md: no log line and no metric holds a patient's identifier.
"""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
CLIENT_GONE = 499
UNMATCHED = "unmatched"


class Ended(NamedTuple):
    """A request once its answer is out; status 499 means that the client went away before.

    `traceparent` names the caller's span, by W3C Trace Context, as it was sent.
    """

    method: str
    route: str
    status: int
    seconds: float
    traceparent: str = ""


class TellEnds:
    """Times every request and tells the listeners how it ended."""

    def __init__(self, app: ASGIApp, listeners: Sequence[Callable[[Ended], None]]) -> None:
        self.app = app
        self.listeners = listeners

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
                status = int(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            parent = Headers(scope=scope).get("traceparent", "")
            ended = Ended(method, route_template(scope), status, perf_counter() - began, parent)
            for tell in self.listeners:
                tell(ended)


def route_template(scope: Scope) -> str:
    """The route as declared, never as called: a path may hold a patient's pseudonym."""
    declared = getattr(scope.get("route"), "path", None)
    if declared is not None:
        return str(declared)
    if "app_root_path" in scope:  # files under one address
        return f"{scope['root_path'].removeprefix(scope['app_root_path'])}/{{path}}"
    # Of a route that is not FastAPI's only the parameters are told; without any, path is template.
    is_fixed = "endpoint" in scope and not scope.get("path_params")
    return str(scope["path"]) if is_fixed else UNMATCHED
