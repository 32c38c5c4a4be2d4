"""FHIR documents as answers: OperationOutcome, response Bundles, and their media type.

In:     what became of each interaction.
Out:    responses in application/fhir+json.
Source: FHIR R4, RESTful API (create, update, delete, transaction and batch responses, Prefer),
        MessageHeader.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from service.ingest.fhir.elements import Element, Issue
from service.ingest.fhir.interactions import Parcel
from service.pipeline.fhir import Taken

FHIR_JSON = "application/fhir+json"
MOST_ISSUES = 1_000
ALL_OK = Issue("information", "informational", "All was taken.", "")
NOT_KEPT = Issue(
    "error",
    "business-rule",
    "Nothing of it was kept, because another entry was refused and all or none are.",
    "",
)


def document(
    body: Mapping[str, Any] | None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A resource as an answer; None is an empty body."""
    content = b"" if body is None else msgspec.json.encode(body)
    return Response(content, status, headers=dict(headers or {}), media_type=FHIR_JSON)


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """The issues; where there is none, that all is well."""
    told = list(issues)[:MOST_ISSUES] or [ALL_OK]
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": issue.severity,
                "code": issue.code,
                "details": {"text": issue.text},
                **({"expression": [issue.expression]} if issue.expression else {}),
            }
            for issue in told
        ],
    }


def status_of(one: Taken) -> int:
    """The status of an interaction."""
    if not one.is_kept:
        return 422
    if one.interaction.does == "delete" or (one.interaction.only_if_new and not one.is_new):
        return 200
    return 201 if one.is_new else 200


def of_single(one: Taken, position: int, now: datetime, prefer: str) -> Response:
    """The answer to a request about one resource."""
    status = status_of(one)
    if not one.is_kept:
        return document(operation_outcome(one.issues), status)
    headers = _version(one, position, now)
    resource = one.interaction.resource
    if "return=minimal" in prefer:
        return document(None, 204 if one.interaction.does == "delete" else status, headers)
    if "return=representation" in prefer and resource is not None:
        echoed = {**_plain(resource), "id": one.name}
        content = json.dumps(echoed, separators=(",", ":"), default=lambda _: None)
        return Response(content, status, headers, FHIR_JSON)
    return document(operation_outcome(one.issues), status, headers)


def of_bundle(parcel: Parcel, taken: tuple[Taken, ...], position: int, now: datetime) -> Response:
    """The answer to a Bundle: a transaction that was refused is answered by its faults alone."""
    if parcel.kind == "message":
        return _of_message(parcel, taken, now)
    if parcel.is_atomic and not all(one.is_kept for one in taken):
        faults = [issue for one in taken for issue in one.issues if issue.severity == "error"]
        return document(operation_outcome(faults), 422)
    kind = "transaction" if parcel.kind == "transaction" else "batch"
    entries = [{"response": _entry(one, position, now)} for one in taken]
    return document({"resourceType": "Bundle", "type": f"{kind}-response", "entry": entries})


def _entry(one: Taken, position: int, now: datetime) -> dict[str, Any]:
    status = status_of(one)
    words = {200: "OK", 201: "Created", 422: "Unprocessable Entity"}[status]
    response: dict[str, Any] = {"status": f"{status} {words}"}
    if one.is_kept:
        if one.interaction.does != "delete":
            response["location"] = _location(one)
        response["etag"] = f'W/"{position}"'
        response["lastModified"] = _instant(now)
    if one.issues:
        response["outcome"] = operation_outcome(one.issues)
    return response


def _of_message(parcel: Parcel, taken: tuple[Taken, ...], now: datetime) -> Response:
    is_kept = all(one.is_kept for one in taken)
    header: dict[str, Any] = _plain(parcel.header) if parcel.header else {}
    issues = [issue for one in taken for issue in one.issues]
    event: dict[str, Any] = {
        name: header[name] for name in ("eventCoding", "eventUri") if name in header
    }
    answer = {
        "resourceType": "MessageHeader",
        **event,
        "source": {"name": "Graftwatch", "endpoint": "urn:graftwatch"},
        "response": {
            "identifier": str(header.get("id", "unknown")),
            "code": "ok" if is_kept else "fatal-error",
            "details": {"reference": "urn:graftwatch:outcome"},
        },
    }
    entries = [
        {"fullUrl": "urn:graftwatch:header", "resource": answer},
        {"fullUrl": "urn:graftwatch:outcome", "resource": operation_outcome(issues)},
    ]
    body = {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": _instant(now),
        "entry": entries,
    }
    return document(body, 200 if is_kept else 422)


def _version(one: Taken, position: int, now: datetime) -> dict[str, str]:
    headers = {
        "etag": f'W/"{position}"',
        "last-modified": now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    return headers if one.interaction.does == "delete" else headers | {"location": _location(one)}


def _location(one: Taken) -> str:
    return f"/fhir/{one.interaction.kind}/{one.name}/_history/1"


def _plain(resource: Element) -> dict[str, Any]:
    return resource.value


def _instant(now: datetime) -> str:
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")
