"""The API's description, with every problem on every route.

In:     the routes' own descriptions.
Out:    OpenAPI 3.1; FastAPI's own validation errors are replaced by the problem documents that
        are really sent.
Source: RFC 9457; docs/api.md: the description says all of it.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.event_documents import event_schemas
from service.api.fhir_answers import FHIR_JSON
from service.api.fhir_errors import is_fhir
from service.api.problem_types import MEDIA_TYPE, PROBLEMS, Problem, ProblemDetail

REFERENCE = "#/components/schemas/{model}"
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
PROBLEM = {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}
OPERATION_OUTCOME = {FHIR_JSON: {"schema": {"type": "object", "title": "OperationOutcome"}}}
UNUSED = ("HTTPValidationError", "ValidationError")
WAIT_AND_COME_AGAIN = ("429", "503")
RETRY_AFTER = {
    "description": "Seconds to wait before the same request is sent again.",
    "schema": {"type": "integer", "minimum": 1},
}
TAGS = [
    {"name": "events", "description": "Reports from the hospitals, in."},
    {"name": "imports", "description": "Files of registers and of REDCap, in."},
    {"name": "fhir", "description": "FHIR R4: resources in; rates and alerts out."},
    {"name": "patients", "description": "One patient's timeline, as received and as computed."},
    {"name": "terms", "description": "Terms that nobody could read, and what they mean."},
    {"name": "rates", "description": "Incidence rates, from the ledger's running sums."},
    {"name": "baselines", "description": "Published figures, and the observed ones beside them."},
    {"name": "monitors", "description": "What is watched, and how."},
    {"name": "alerts", "description": "Signals as kept, and their life."},
    {"name": "service", "description": "The service itself."},
]
DESCRIPTION = """\
Watches infections after transplantation: events in, incidence rates out, alerts when they rise.

Dates are `YYYY-MM-DD`, instants RFC 3339 in UTC, and units stand in names. Every error is a
problem document (`application/problem+json`). Every whole answer to a GET has a strong `ETag`;
sent back in `If-None-Match` it is answered 304 where nothing changed. An answer to a write means
that it is on disk and that every later answer knows of it.
"""


def describe(app: FastAPI) -> None:
    """Let the application describe itself with its problems; made once, when first asked for."""
    app.description = DESCRIPTION
    app.openapi_tags = TAGS
    made: dict[str, Any] = {}

    def description() -> dict[str, Any]:
        if not made:
            made.update(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    description=app.description,
                    tags=app.openapi_tags,
                    routes=app.routes,
                )
            )
            _add_problems(made)
        return made

    app.openapi = description  # type: ignore[method-assign]


def _add_problems(made: dict[str, Any]) -> None:
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in UNUSED:
        schemas.pop(name, None)
    for model in (Problem, ProblemDetail):
        schema = model.model_json_schema(ref_template=REFERENCE)
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    schemas.update(event_schemas())
    for path, operations in made["paths"].items():
        for operation in operations.values():
            _complete(path, operation)


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Give every error of an operation its document, and add those that any route may send."""
    responses = operation["responses"]
    for status in _possible(path, operation):
        responses.setdefault(status, {})
    for status, response in responses.items():
        if status >= "400" and not _has_own_document(response):
            response["description"] = _words(status, response.get("description", ""))
            response["content"] = OPERATION_OUTCOME if is_fhir(path) else PROBLEM
        if status in WAIT_AND_COME_AGAIN:
            response.setdefault("headers", {})["Retry-After"] = RETRY_AFTER
    operation["responses"] = dict(sorted(responses.items()))


def _possible(path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield "500"
    yield "503"
    if all(operation.get("security", [{}])):
        yield from ("401", "403", "429")
    if "requestBody" in operation:
        yield from ("400", "413", "415", "422")
    if operation.get("parameters"):
        yield "422"
    if "{" in path:
        yield "404"


def _has_own_document(response: dict[str, Any]) -> bool:
    """Was another document than FastAPI's own validation error declared?"""
    content = response.get("content", {})
    return bool(content) and "HTTPValidationError" not in str(content)


def _words(status: str, own: str) -> str:
    if own and own not in ("Validation Error",):
        return own
    return "; ".join(kind.title for kind in PROBLEMS.values() if str(kind.status) == status)
