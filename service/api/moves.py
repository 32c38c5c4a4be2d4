"""Moves of patients between facilities: offered by the one, accepted by the other.

In:     an offer with the facility and the day, and its acceptance with a pseudonym there.
Out:    the move as it stands; each side is told its own pseudonym only.
Source: docs/patients.md; docs/decisions/0014-who-a-patient-is.md.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api.access import Principal
from service.api.dependencies import EventWriter, SurveillanceDep
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.errors import BadQuery, Detail, NotFound
from service.ingest.fields import Identifier, LaterDay
from service.ingest.wire import Strict
from service.pipeline.moves import accept_move, end_move, offer_move
from service.store import moves as move_store
from service.store.events import PatientKey
from service.store.moves import ACCEPTED, OFFERED, KeptMove, Page

EXAMPLE: dict[str, Any] = {
    "id": "5c1d90b3a7e2f468",
    "state": "accepted",
    "from_facility": "ucd-01",
    "to_facility": "ucsf-02",
    "patient": None,
    "to_patient": "p-7rk2",
    "on": "2026-03-01",
    "offered_at": "2026-03-02T09:00:00Z",
    "expires_at": "2026-03-16T09:00:00Z",
    "position": 4211,
}


class Offer(Strict):
    """Where a patient moves to, and when."""

    to_facility: Identifier = Field(description="The new facility.", examples=["ucsf-02"])
    on: LaterDay = Field(
        description="The first day there; the day before is the last one here.",
        examples=["2026-03-01"],
    )


class Acceptance(Strict):
    """Who the patient is at the new facility."""

    patient: Identifier = Field(
        description="The pseudonym there, known already or new.", examples=["p-7rk2"]
    )


class Move(BaseModel):
    """A move as it stands, told to one of its sides."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: str
    state: Literal["offered", "expired", "accepted", "withdrawn", "declined", "taken_back"]
    from_facility: str
    to_facility: str
    patient: str | None = Field(
        description="The pseudonym at the old facility; null for a key that does not reach it, "
        "and after an erasure."
    )
    to_patient: str | None = Field(
        description="The pseudonym at the new facility; null likewise, and before acceptance."
    )
    on: date | None = Field(
        description="The first day at the new facility, to which it is told upon acceptance."
    )
    offered_at: datetime
    expires_at: datetime = Field(description="Until when the offer may be accepted.")
    position: int | None = Field(description="The ledger's position with the move.")


class Moves(BaseModel):
    """Moves, the newest first."""

    items: list[Move]
    next: str | None


State = Literal["offered", "accepted", "withdrawn", "declined", "taken_back"]

router = APIRouter(tags=["patients"])


@router.post("/v1/facilities/{facility}/patients/{patient}/moves", status_code=201)
def offer_patient(
    facility: str,
    patient: str,
    offer: Offer,
    surveillance: SurveillanceDep,
    principal: EventWriter,
) -> Move:
    """Offer a patient to another facility. Nothing changes, and nothing of the patient is shown
    there, until a key of that facility accepts the offer by its id; it stands for 14 days. Done
    again, the offer is the one there is. Needs the scope `events:write`."""
    principal.require_facility(facility)
    if offer.to_facility == facility:
        _refuse("/to_facility", "same_facility", "Must be another facility: merge patients of one.")
    if offer.on > surveillance.latest_date_on_earth():
        _refuse("/on", "future_date", "Must not lie in the future.")
    kept = offer_move(
        surveillance,
        PatientKey(facility, patient),
        offer.to_facility,
        offer.on,
        principal.actor,
    )
    return _told(kept, principal, surveillance.clock())


@router.get("/v1/moves", dependencies=[only_parameters("state", "limit", "cursor")])
def list_moves(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    principal: EventWriter,
    state: Annotated[list[State], Query(description="Repeatable; default all.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> Moves:
    """List the moves from and to the key's facilities, the newest first. Needs the scope
    `events:write`."""
    with surveillance.database.read() as connection:
        found = move_store.moves(
            connection, principal.facilities, state, limit=limit + 1, after=key_in(cursor, Page)
        )
    more = found[limit - 1 : limit] if len(found) > limit else []
    after = next((Page(move.offered_at, move.id) for move in more), None)
    following = next_page(request, after)
    response.headers.update(link_to(following))
    now = surveillance.clock()
    return Moves(items=[_told(move, principal, now) for move in found[:limit]], next=following)


@router.get("/v1/moves/{move}")
def show_move(move: str, surveillance: SurveillanceDep, principal: EventWriter) -> Move:
    """Show one move to a key of either facility. Needs the scope `events:write`."""
    with surveillance.database.read() as connection:
        found = move_store.find_move(connection, move, principal.facilities)
    if found is None:
        raise NotFound("No such move is known, or none of this key's facilities.")
    return _told(found, principal, surveillance.clock())


@router.post("/v1/moves/{move}/accept")
def accept_patient(
    move: str, acceptance: Acceptance, surveillance: SurveillanceDep, principal: EventWriter
) -> Move:
    """Take an offered patient in, with a key of the new facility. From the day of the move the
    patient counts there, with the transplants, regimens and infections known so far; the days
    before stay with the old facility. Needs the scope `events:write`."""
    with surveillance.database.read() as connection:
        found = move_store.find_move(connection, move, principal.facilities)
    if found is not None:
        principal.require_facility(found.to_facility)
    kept = accept_move(
        surveillance, move, acceptance.patient, principal.facilities, principal.actor
    )
    return _told(kept, principal, surveillance.clock())


@router.delete("/v1/moves/{move}")
def end_patient_move(move: str, surveillance: SurveillanceDep, principal: EventWriter) -> Move:
    """Withdraw an offer, decline it, or take an accepted move back as if it had never been; either
    facility may. What was known meanwhile stays in `as_of`. Needs the scope `events:write`."""
    kept = end_move(surveillance, move, principal.facilities, principal.actor)
    return _told(kept, principal, surveillance.clock())


def _told(move: KeptMove, principal: Principal, now: datetime) -> Move:
    gives, receives = principal.reaches(move.from_facility), principal.reaches(move.to_facility)
    has_expired = move.state == OFFERED and move.expires_at <= now
    return Move(
        id=move.id,
        state="expired" if has_expired else move.state,  # type: ignore[arg-type]
        from_facility=move.from_facility,
        to_facility=move.to_facility,
        patient=move.from_patient if gives else None,
        to_patient=move.to_patient if receives else None,
        on=move.moved_on if gives or move.state == ACCEPTED else None,
        offered_at=move.offered_at,
        expires_at=move.expires_at,
        position=move.position,
    )


def _refuse(pointer: str, code: str, message: str) -> None:
    raise BadQuery(message, details=(Detail(pointer, code, message),))
