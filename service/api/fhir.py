"""FHIR R4 in: Bundles and single resources.

In:     `application/fhir+json`, plain or gzip.
Out:    response Bundles, OperationOutcomes.
Source: docs/fhir.md; FHIR R4, RESTful API.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from service.api.dependencies import EventWriter
from service.api.fhir_answers import FHIR_JSON
from service.api.fhir_sending import MEDIA_TYPES, FhirSender

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

NOT_TAKEN: dict[int | str, dict[str, Any]] = {
    400: {"description": "Nobody can tell of which facility it is, or what is to be done"},
    409: {"description": "No pseudonyms can be made: GRAFTWATCH_PSEUDONYM_KEY is not set"},
}

router = APIRouter(prefix="/fhir", tags=["fhir"], responses=NOT_TAKEN)


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
    return await FhirSender(request, principal, facility or facility_header).take_bundle()


@router.post(
    "/$process-message",
    summary="Send a message",
    responses={200: OUTCOME, 422: {"description": "Refused; nothing of it was kept.", **OUTCOME}},
    openapi_extra=BUNDLE_BODY,
)
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
    responses={200: {"description": "It was known", **OUTCOME}, 201: OUTCOME, 422: OUTCOME},
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
