"""Under /fhir every error is an OperationOutcome, whoever raised it.

In:     problem documents on their way out of the FHIR routes.
Out:    the same as OperationOutcome, with the same status and headers.
Source: FHIR R4, RESTful API: status codes; docs/fhir.md.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.fhir_answers import FHIR_JSON, operation_outcome
from service.api.problem_types import MEDIA_TYPE
from service.ingest.fhir.elements import Issue

BASE = "/fhir"
CODES: Mapping[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    409: "conflict",
    413: "too-costly",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    500: "exception",
    503: "transient",
}


class OperationOutcomes:
    """Turns the problems of the FHIR routes into OperationOutcomes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else through untouched."""
        if scope["type"] != "http" or not is_fhir(scope["path"]):
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def translate(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
                return
            if held is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                content = msgspec.json.encode(translated(msgspec.json.decode(bytes(body))))
                headers = MutableHeaders(raw=list(held["headers"]))
                headers["content-type"] = FHIR_JSON
                headers["content-length"] = str(len(content))
                await send({**held, "headers": headers.raw})
                await send({"type": "http.response.body", "body": content})

        await self.app(scope, receive, translate)


def is_fhir(path: str) -> bool:
    """Is this a path of the FHIR routes?"""
    return path == BASE or path.startswith(f"{BASE}/")


def translated(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem document as an OperationOutcome; its details are issues of their own."""
    code = CODES.get(problem["status"], "processing")
    issues = [Issue("error", code, problem["detail"], "")]
    issues += [
        Issue("error", code, fault["message"], fault["pointer"]) for fault in problem["errors"]
    ]
    return operation_outcome(issues)


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE)
