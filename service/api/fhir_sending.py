"""Whoever sends FHIR resources: for which facility, and through what they are taken in.

In:     a request, the key's holder, and the facility asked for.
Out:    parcels recorded, and their answers; errors of the service's own where nothing can be read.
Source: docs/fhir.md.
"""

import re
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.access import Principal
from service.api.fhir_answers import FHIR_JSON, document, of_bundle, of_single, operation_outcome
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

    async def take_bundle(self) -> Response:
        """Record what a Bundle says."""
        try:
            parcel = bundle(await self.sent())
        except Malformed as fault:
            return document(operation_outcome([fault.issue]), 400)
        taken, position = await self.take(parcel)
        return of_bundle(parcel, taken, position, self.service.surveillance.clock())

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
