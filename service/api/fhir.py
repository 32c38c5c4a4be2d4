"""FHIR R4 in: Bundles and single resources.

In:     `application/fhir+json`, plain or gzip.
Out:    response Bundles, OperationOutcomes.
Source: docs/fhir.md; FHIR R4, RESTful API.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.access import Principal
from service.api.dependencies import EventWriter
from service.api.fhir_answers import (
    FHIR_JSON,
    document,
    of_bundle,
    of_single,
    operation_outcome,
)
from service.api.request_bodies import media_type_of, whole_body
from service.api.state import running
from service.errors import BadRequest, Conflict, Detail, Unreadable
from service.ingest.faults import DocumentFault
from service.ingest.fhir.elements import Malformed
from service.ingest.fhir.interactions import Parcel, bundle, single
from service.ingest.fields import IDENTIFIER
from service.ingest.json_text import parse
from service.ingest.pseudonyms import Pseudonyms
from service.pipeline.fhir import Taken, take_in

MEDIA_TYPES = (FHIR_JSON, "application/json")
OUTCOME: dict[str, Any] = {
    "content": {FHIR_JSON: {"schema": {"type": "object", "title": "OperationOutcome"}}}
}
EXAMPLE = {
    "resourceType": "Procedure",
    "id": "tx-1",
    "status": "completed",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "70536003"}]},
    "subject": {"reference": "Patient/17"},
    "performedDateTime": "2024-03-01",
}


def _body(example: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"type": "object"}, "example": example}
    return {"requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, content)}}


BUNDLE_BODY = _body(
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": EXAMPLE, "request": {"method": "PUT", "url": "Procedure/tx-1"}}],
    }
)
RESOURCE_BODY = _body(EXAMPLE)

Kind = Annotated[str, Path(pattern="^[A-Z][A-Za-z]{2,40}$", examples=["Procedure"])]
Id = Annotated[str, Path(pattern="^[A-Za-z0-9.-]{1,64}$", examples=["tx-1"])]
AskedFacility = Annotated[
    str | None,
    Query(
        description="The reporting facility; the header Graftwatch-Facility says the same. Not "
        "needed for a key that is bound to one."
    ),
]
HeaderFacility = Annotated[str | None, Header(alias="Graftwatch-Facility")]
AskedIdentifier = Annotated[
    str | None, Query(description="Instead of an id: system|value.", examples=["urn:mrn|17"])
]
Prefer = Annotated[
    str, Header(description="`return=minimal`, `representation`, `OperationOutcome`")
]

router = APIRouter(prefix="/fhir", tags=["fhir"])


@router.post("/", include_in_schema=False)
@router.post(
    "",
    summary="Send a Bundle",
    responses={200: OUTCOME, 422: {"description": "Refused; nothing of it was kept.", **OUTCOME}},
    openapi_extra=BUNDLE_BODY,
)
async def post_bundle(
    request: Request,
    principal: EventWriter,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
) -> Response:
    """A `transaction` or `message` is recorded whole or not at all, of a `batch` or `collection`
    whatever is sound. What is not used is accepted, and the answer says so. Needs the scope
    `events:write`."""
    sender = FhirSender(request, principal, facility or facility_header)
    try:
        parcel = bundle(await sender.sent())
    except Malformed as fault:
        return document(operation_outcome([fault.issue]), 400)
    taken, position = await sender.take(parcel)
    return of_bundle(parcel, taken, position, sender.service.surveillance.clock())


@router.post("/$process-message", summary="Send a message", openapi_extra=BUNDLE_BODY)
async def process_message(
    request: Request,
    principal: EventWriter,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
) -> Response:
    """The same as a Bundle of type `message` sent to the base."""
    return await post_bundle(request, principal, facility, facility_header)


@router.post(
    "/{kind}",
    summary="Create a resource",
    status_code=201,
    responses={201: OUTCOME, 422: OUTCOME},
    openapi_extra=RESOURCE_BODY,
)
async def create(
    request: Request,
    principal: EventWriter,
    kind: Kind,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
    if_none_exist: Annotated[str, Header()] = "",
    prefer: Prefer = "",
) -> Response:
    """A resource with an `id` or identifier of its own keeps it, so that sending it again is
    harmless. `If-None-Exist: identifier=system|value` leaves what is known as it is."""
    sender = FhirSender(request, principal, facility or facility_header)
    return await sender.take_one("create", kind, none_exist=if_none_exist, prefer=prefer)


@router.put(
    "/{kind}/{resource_id}",
    summary="Say what a resource says now",
    responses={200: OUTCOME, 201: OUTCOME, 422: OUTCOME},
    openapi_extra=RESOURCE_BODY,
)
async def update(
    request: Request,
    principal: EventWriter,
    kind: Kind,
    resource_id: Id,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
    prefer: Prefer = "",
) -> Response:
    """What it said before is corrected, and what it no longer says is withdrawn."""
    sender = FhirSender(request, principal, facility or facility_header)
    return await sender.take_one("update", kind, resource_id, prefer=prefer)


@router.put(
    "/{kind}",
    summary="Say what the resource of an identifier says now",
    responses={200: OUTCOME, 201: OUTCOME, 422: OUTCOME},
    openapi_extra=RESOURCE_BODY,
)
async def conditional_update(
    request: Request,
    principal: EventWriter,
    kind: Kind,
    identifier: AskedIdentifier = None,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
    prefer: Prefer = "",
) -> Response:
    """The same as an update, by `?identifier=system|value` instead of an id."""
    sender = FhirSender(request, principal, facility or facility_header)
    return await sender.take_one("update", kind, identifier=identifier or "", prefer=prefer)


@router.delete("/{kind}/{resource_id}", summary="Withdraw a resource", responses={200: OUTCOME})
async def delete(
    request: Request,
    principal: EventWriter,
    kind: Kind,
    resource_id: Id,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
    prefer: Prefer = "",
) -> Response:
    """Whatever it said counts no longer. To withdraw what is not known is harmless."""
    sender = FhirSender(request, principal, facility or facility_header)
    return await sender.take_one("delete", kind, resource_id, prefer=prefer)


@router.delete(
    "/{kind}", summary="Withdraw the resource of an identifier", responses={200: OUTCOME}
)
async def conditional_delete(
    request: Request,
    principal: EventWriter,
    kind: Kind,
    identifier: AskedIdentifier = None,
    facility: AskedFacility = None,
    facility_header: HeaderFacility = None,
    prefer: Prefer = "",
) -> Response:
    """The same as a delete, by `?identifier=system|value` instead of an id."""
    sender = FhirSender(request, principal, facility or facility_header)
    return await sender.take_one("delete", kind, identifier=identifier or "", prefer=prefer)


class FhirSender:
    """Whoever sends resources, for which facility, and what takes them in."""

    def __init__(self, request: Request, principal: Principal, asked: str | None) -> None:
        """Raise where the facility is not said or not reached, or no pseudonyms can be made."""
        self.request = request
        self.service = running(request)
        self.facility = facility_of(principal, asked)
        self.actor = principal.actor
        secret = self.service.settings.pseudonym_key
        if secret is None:
            raise Conflict(
                "FHIR is not read without GRAFTWATCH_PSEUDONYM_KEY: whoever runs the service must "
                "set it, so that no identifier of a patient is kept.",
                code="no_pseudonym_key",
            )
        self.pseudonyms = Pseudonyms(secret)

    async def sent(self) -> Any:
        """The body as plain values."""
        if media_type_of(self.request.scope) not in MEDIA_TYPES:
            message = f"Send {FHIR_JSON}."
            detail = Detail("header Content-Type", "unsupported_type", message)
            raise Unreadable(
                "The body is of a type that is not read here.",
                code="unsupported_media_type",
                details=(detail,),
            )
        body = await whole_body(self.request, self.service.settings.max_body_bytes)
        value = await run_in_threadpool(parse, body)
        if isinstance(value, DocumentFault):
            where = f" ({value.position})" if value.position else ""
            raise Unreadable(f"{value.message}{where}", code=value.code)
        return value

    async def take(self, parcel: Parcel) -> tuple[tuple[Taken, ...], int]:
        """Record what a parcel says."""
        return await run_in_threadpool(
            take_in,
            self.service.surveillance,
            self.pseudonyms,
            self.facility,
            parcel,
            self.actor,
        )

    async def take_one(
        self,
        does: str,
        kind: str,
        name: str = "",
        *,
        identifier: str = "",
        none_exist: str = "",
        prefer: str = "",
    ) -> Response:
        """Record what one resource says, or that it is withdrawn."""
        resource = None if does == "delete" else await self.sent()
        condition = f"identifier={identifier}" if identifier else ""
        try:
            parcel = single(does, kind, name, resource, condition, none_exist)
        except Malformed as fault:
            return document(operation_outcome([fault.issue]), 400)
        (taken,), position = await self.take(parcel)
        return of_single(taken, position, self.service.surveillance.clock(), prefer)


def facility_of(principal: Principal, asked: str | None) -> str:
    """The facility that speaks: the one asked for, else the only one that the key reaches."""
    if asked:
        if not re.fullmatch(IDENTIFIER, asked):
            message = "A facility is named by 1 to 64 of A-Z a-z 0-9 . _ : -"
            raise BadRequest(message, details=(Detail("?facility", "malformed", message),))
        principal.require_facility(asked)
        return asked
    if principal.facilities is not None and len(principal.facilities) == 1:
        return principal.facilities[0]
    message = "Say which facility is sending: ?facility=…, or the header Graftwatch-Facility."
    raise BadRequest(message, details=(Detail("?facility", "missing", message),))
