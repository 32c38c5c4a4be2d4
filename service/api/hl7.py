"""HL7 v2 over HTTP: a message or a batch in, an ACK out.

In:     `application/hl7-v2`, plain or gzip, in the charset of the Content-Type or MSH-18.
Out:    AA, AE or AR with MSA and ERR; the HTTP status says the same unless the sender's bridge
        needs 200 always.
Source: docs/hl7.md; HAPI's "HL7 over HTTP" for the media type.
"""

import re
from datetime import UTC, datetime
from email.message import Message as Headers
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.access import Principal
from service.api.dependencies import EventWriter
from service.api.openapi import PROBLEM
from service.api.parameters import only_parameters
from service.api.request_bodies import media_type_of, whole_body
from service.api.state import Running, running
from service.errors import Conflict, Detail, Unreadable
from service.ingest.fields import IDENTIFIER
from service.ingest.hl7.acknowledgement import (
    ACCEPTED,
    IN_ERROR,
    REJECTED,
    Fate,
    acknowledgement,
    batch,
)
from service.ingest.hl7.faults import Refused
from service.ingest.hl7.syntax import Message, Parcel, read_parcel
from service.ingest.pseudonyms import Pseudonyms
from service.pipeline.hl7 import take_message

HL7 = "application/hl7-v2"
MEDIA_TYPES = frozenset({HL7, "application/hl7-v2+er7", "x-application/hl7-v2+er7"})
STATUS = {ACCEPTED: 200, IN_ERROR: 422, REJECTED: 400}
SOME_REFUSED = 207
ACK: dict[str, Any] = {HL7: {"schema": {"type": "string"}}}

router = APIRouter(tags=["hospital formats"])


@router.post(
    "/hl7/v2",
    response_class=Response,
    responses={
        200: {
            "description": "AA: what the message says is on disk; of a batch, of every message.",
            "content": {HL7: {"example": "MSH|^~\\&|…\rMSA|AA|17\r"}},
        },
        207: {
            "description": "Of a batch, some were taken and others answered AE or AR.",
            "content": ACK,
        },
        400: {
            "description": "AR: such a message is not read. A problem where it is no HL7.",
            "content": ACK | PROBLEM,
        },
        409: {"description": "No pseudonyms can be made: GRAFTWATCH_PSEUDONYM_KEY is not set"},
        422: {
            "description": "AE: the message cannot be used; ERR says what to correct.",
            "content": ACK | PROBLEM,
        },
    },
    dependencies=[only_parameters("facility", "always_200")],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                HL7: {
                    "schema": {"type": "string"},
                    "example": "MSH|^~\\&|LAB|ucd-01|||20240301||ORU^R01|17|P|2.5.1\rPID|…\r",
                }
            },
        }
    },
)
async def post_hl7(
    request: Request,
    principal: EventWriter,
    facility: Annotated[
        str | None,
        Query(
            pattern=IDENTIFIER,
            description="The facility; without it that of MSH-4, else the one of the key.",
        ),
    ] = None,
    always_200: Annotated[
        bool, Query(description="Answer 200 whatever MSA says: for bridges that need it.")
    ] = False,
) -> Response:
    """Send HL7 v2 messages: ORU^R01 (microbiology) and ADT (contacts, death, merges). Identifiers
    are hashed with the facility's key, names and addresses are not read. What a message says takes
    the place of what the same order, visit or person said before. Needs `events:write`."""
    service = running(request)
    if media_type_of(request.scope) not in MEDIA_TYPES:
        detail = Detail("header Content-Type", "unsupported_type", f"Send {HL7}.")
        raise Unreadable(
            "The body is of a type that is not read here.",
            code="unsupported_media_type",
            details=(detail,),
        )
    secret = service.settings.pseudonym_key
    if secret is None:
        raise Conflict(
            "HL7 is not read without GRAFTWATCH_PSEUDONYM_KEY: whoever runs the service must set "
            "it, so that no identifier of a patient is kept.",
            code="no_pseudonym_key",
        )
    body = await whole_body(request, service.settings.max_body_bytes)
    parcel = read_parcel(body, _charset(request.headers.get("content-type", "")))
    fates = [
        await _take(service, Pseudonyms(secret), principal, facility, message)
        for message in parcel.messages
    ]
    is_always_200 = always_200 or service.settings.hl7_always_200
    return _answer(parcel, fates, is_always_200=is_always_200)


async def _take(
    service: Running,
    pseudonyms: Pseudonyms,
    principal: Principal,
    asked: str | None,
    message: Message,
) -> Fate:
    try:
        facility = facility_of(message, principal, asked)
    except Refused as refused:
        return Fate(REJECTED, (refused.flaw,))
    return await run_in_threadpool(
        take_message, service.surveillance, pseudonyms, facility, message, principal.actor
    )


def facility_of(message: Message, principal: Principal, asked: str | None) -> str:
    """The facility that a message is of: as asked, as MSH-4 says, else the key's only one.

    Raises `Forbidden` for one asked for that the key does not reach, `Refused` where none is known.
    """
    if asked is not None:
        principal.require_facility(asked)
        return asked
    named = message.header.text(4)
    if re.fullmatch(IDENTIFIER, named) and principal.reaches(named):
        return named
    if principal.facilities is not None and len(principal.facilities) == 1:
        return principal.facilities[0]
    text = "MSH-4 names no facility that the key may write; name one by `?facility=`."
    raise Refused("MSH^1^4", "103", text, is_rejected=True)


def _answer(parcel: Parcel, fates: list[Fate], *, is_always_200: bool) -> Response:
    now = datetime.now(UTC)
    told = [
        acknowledgement(message, fate, now)
        for message, fate in zip(parcel.messages, fates, strict=True)
    ]
    statuses = {STATUS[fate.code] for fate in fates}
    status = statuses.pop() if len(statuses) == 1 else SOME_REFUSED
    content = batch(told, now) if parcel.is_batch or len(told) != 1 else told[0]
    media_type = f"{HL7}; charset=utf-8"
    return Response(content, 200 if is_always_200 else status, media_type=media_type)


def _charset(content_type: str) -> str:
    headers = Headers()
    headers["content-type"] = content_type
    return str(headers.get_param("charset") or "")
