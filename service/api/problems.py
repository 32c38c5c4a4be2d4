"""Everything that goes wrong, as an RFC 9457 problem document.

In:     the errors of `service.errors`, those of FastAPI, those of the database, and any other.
Out:    `application/problem+json`; never a stack trace, never a patient's value.
Source: RFC 9457; docs/api.md.

`type` is a path of this service that explains the problem (`GET /problems/{name}`); `code` is the
finer reason where there is one. Both are stable, the words are for people.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from service import errors
from service.api.problem_types import MEDIA_TYPE, PROBLEMS
from service.api.request_ends import CLIENT_GONE
from service.errors import Detail, GraftwatchError, Unavailable
from service.store.unavailable import UNAVAILABLE, reason_of

RETRY_AFTER_SECONDS = 5
MOST_DETAILS = 1000
"""A caller who sends a thousand faults learns nothing from the thousand-and-first."""

log = structlog.stdlib.get_logger(__name__)


NAMES: Mapping[type[GraftwatchError], str] = {
    errors.BadRequest: "bad_request",
    errors.Unreadable: "unreadable",
    errors.BadQuery: "bad_query",
    errors.MeasureMismatch: "measure_mismatch",
    errors.NotFound: "not_found",
    errors.Conflict: "conflict",
    errors.Unauthorised: "unauthorised",
    errors.Forbidden: "forbidden",
    errors.TooManyRequests: "too_many_requests",
    errors.Overloaded: "overloaded",
    errors.Unavailable: "unavailable",
    errors.LedgerOutOfDate: "ledger_out_of_date",
}
"""The one table from errors to problems; a class without a row is told as its parent."""

BY_CODE: Mapping[str, str] = {
    "too_large": "too_large",
    "too_many_events": "too_large",
    "unsupported_media_type": "unsupported_media_type",
}
"""Codes of an unreadable body that are problems of their own."""

BY_STATUS: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "bad_query",
    429: "too_many_requests",
    503: "unavailable",
}


def problem(
    name: str,
    detail: str,
    *,
    code: str | None = None,
    details: Iterable[Detail] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem document of a kind named in `PROBLEMS`; `more` adds members to it."""
    kind = PROBLEMS[name]
    body = {
        "type": f"/problems/{name}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": code or name,
        "errors": [fault._asdict() for fault in list(details)[:MOST_DETAILS]],
        **more,
    }
    sent = {"cache-control": "no-store", **(headers or {})}
    if kind.status == HTTPStatus.UNAUTHORIZED:
        sent["www-authenticate"] = 'Bearer realm="graftwatch"'
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        sent["retry-after"] = str(RETRY_AFTER_SECONDS)
    return Response(
        msgspec.json.encode(body), status_code=kind.status, media_type=MEDIA_TYPE, headers=sent
    )


def name_of(fault: GraftwatchError) -> str:
    """The kind of problem an error is told as."""
    if fault.code in BY_CODE:
        return BY_CODE[fault.code]
    return next((NAMES[base] for base in type(fault).__mro__ if base in NAMES), "internal")


def problem_of(fault: GraftwatchError) -> Response:
    """The problem document for one of the service's own errors."""
    return problem(name_of(fault), fault.message, code=fault.code, details=fault.details)


def unavailable(fault: Exception) -> Unavailable:
    """The service's own error for one of `UNAVAILABLE`, which is logged."""
    reason = reason_of(fault)
    log.error("database unavailable", reason=reason.code, exc_info=fault)
    return Unavailable(reason.message, code=reason.code)


def report_problems(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(GraftwatchError, _own)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)


def _own(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, GraftwatchError)  # noqa: S101 - the table above says so
    return problem_of(fault)


def _validation(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)  # noqa: S101
    details = [
        Detail(_pointer(found["loc"]), str(found["type"]), _message(found))
        for found in fault.errors()
    ]
    if any(found["type"] == "json_invalid" for found in fault.errors()):
        return problem("unreadable", "The body is no valid JSON.", code="malformed_json")
    noun = "parameter or field" if len(details) == 1 else "parameters or fields"
    return problem("bad_query", f"{len(details)} {noun} cannot be used.", details=details)


def _pointer(location: Iterable[Any]) -> str:
    """`("query", "level")` is `?level`; `("body", 0, "name")` is `/0/name`."""
    place, *rest = [str(part) for part in location]
    if place == "body":
        return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in rest)
    return f"?{'.'.join(rest)}" if place == "query" else f"{place} {'.'.join(rest)}"


def _message(found: Mapping[str, Any]) -> str:
    """Pydantic's words, except where they would repeat the input."""
    if found["type"] == "value_error":
        return str(found["msg"]).removeprefix("Value error, ")
    return str(found["msg"])


def _http(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101
    name = BY_STATUS.get(fault.status_code)
    if name is None:
        name = (
            "internal" if fault.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request"
        )
    return problem(name, PROBLEMS[name].meaning, headers=_with_head(fault.headers or {}))


def _with_head(headers: Mapping[str, str]) -> dict[str, str]:
    """Whatever answers GET answers HEAD (`service.api.head`), and `Allow` says so."""
    return {name: "GET, HEAD" if value == "GET" else value for name, value in headers.items()}


def _gone(_request: Request, _fault: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)  # nobody reads it; the log and the metrics do


def _unavailable(_request: Request, fault: Exception) -> Response:
    return problem_of(unavailable(fault))
