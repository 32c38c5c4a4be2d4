"""Move a patient to another facility, with the consent of both.

In:     an offer by the facility that has the patient, and its acceptance by the other one.
Out:    a departure there, an arrival and copies of what was known here, in one transaction.
Source: docs/decisions/0014-who-a-patient-is.md; docs/patients.md.
"""

import json
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from secrets import token_hex

from service.domain import moves as rules
from service.domain.audit_chain import Actor
from service.domain.days import FAR_FUTURE_DAY
from service.domain.events import AnyEvent, Move, encode
from service.domain.follow_up import elsewhere
from service.domain.history import standing_events
from service.domain.moves import Moved
from service.errors import Conflict, NotFound
from service.ingest.faults import Draft
from service.pipeline.decide import Batch
from service.pipeline.record import record_within
from service.pipeline.surveillance import Surveillance
from service.store import audit, ledger, merges
from service.store import moves as move_store
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.events import PatientKey, ReceivedEvent
from service.store.moves import ACCEPTED, DECLINED, OFFERED, TAKEN_BACK, WITHDRAWN, KeptMove

OFFER_DAYS = 14
"""How long an offer may be accepted."""
Facilities = Collection[str] | None
"""Those that somebody reaches; None is all."""


def offer_move(
    surveillance: Surveillance, patient: PatientKey, to_facility: str, on: date, actor: Actor
) -> KeptMove:
    """Offer a patient to another facility, whose the patient is from the day `on`.

    Raises `NotFound` for an unknown patient, and `Conflict` where the patient is elsewhere that
    day already or another offer is open; the same offer again is the one there is.
    """
    now = surveillance.clock()
    with surveillance.write() as connection:
        received = _received(connection, patient)
        if not received:
            raise NotFound("No such patient is known.")
        _require_here(_standing(received), on)
        present = move_store.open_offer(connection, patient, now)
        if present and (present.to_facility, present.moved_on) == (to_facility, on):
            return present
        if present:
            raise Conflict(
                "Another offer of this patient is open. Withdraw it first: DELETE it.",
                code="already_offered",
            )
        move = KeptMove(
            id=token_hex(8),
            from_facility=patient.facility,
            from_patient=patient.patient,
            to_facility=to_facility,
            to_patient=None,
            moved_on=on,
            offered_at=now,
            expires_at=now + timedelta(days=OFFER_DAYS),
            state=OFFERED,
        )
        move_store.add_move(connection, move)
        _enter(connection, surveillance, "move_offered", move, actor)
    return move


def accept_move(
    surveillance: Surveillance, move_id: str, patient: str, facilities: Facilities, actor: Actor
) -> KeptMove:
    """Take an offered patient in, under a pseudonym of the receiving facility.

    Raises `NotFound` for whom the offer does not reach, and `Conflict` for one that is not open.
    """
    with surveillance.write() as connection:
        offer = _found(connection, move_id, facilities)
        if offer.state == ACCEPTED and offer.to_patient == patient:
            return offer
        if offer.state != OFFERED or offer.from_patient is None:
            raise Conflict("This offer was accepted or withdrawn already.", code="offer_closed")
        if offer.expires_at <= surveillance.clock():
            raise Conflict("This offer has expired. Ask for a new one.", code="offer_expired")
        moved = Moved(
            move_id=move_id,
            from_facility=offer.from_facility,
            from_patient=offer.from_patient,
            to_facility=offer.to_facility,
            to_patient=patient,
            on=offer.moved_on,
        )
        _record(connection, surveillance, moved, actor)
        position = ledger.head_position(connection)
        move_store.change_move(
            connection, move_id, state=ACCEPTED, to_patient=patient, position=position
        )
        accepted = offer._replace(state=ACCEPTED, to_patient=patient, position=position)
        _enter(connection, surveillance, "patient_moved", accepted, actor)
    return accepted


def end_move(
    surveillance: Surveillance, move_id: str, facilities: Facilities, actor: Actor
) -> KeptMove:
    """Withdraw or decline an offer, or take a move back as if it had never been.

    Raises `NotFound` for whom the move does not reach, and `Conflict` for one that has ended.
    """
    with surveillance.write() as connection:
        move = _found(connection, move_id, facilities)
        if move.state not in (OFFERED, ACCEPTED):
            raise Conflict("This move has ended already.", code="offer_closed")
        position = None
        if move.state == ACCEPTED:
            state, action = TAKEN_BACK, "move_taken_back"
            _strike(connection, surveillance, move, actor)
            position = ledger.head_position(connection)
        elif facilities is None or move.from_facility in facilities:
            state, action = WITHDRAWN, "move_withdrawn"
        else:
            state, action = DECLINED, "move_declined"
        move_store.change_move(connection, move_id, state=state)
        ended = move._replace(state=state)
        _enter(connection, surveillance, action, ended._replace(position=position), actor)
    return ended


def _record(connection: Connection, surveillance: Surveillance, move: Moved, actor: Actor) -> None:
    giver = _received(connection, PatientKey(move.from_facility, move.from_patient))
    standing = _standing(giver)
    _require_here(standing, move.on)
    receiver = _standing(_received(connection, PatientKey(move.to_facility, move.to_patient)))
    _require_may_arrive(receiver, move.on)
    rows = {
        row.event.event_id: row.received
        for row in giver
        if _origin(row.received) != move.to_facility
    }
    known = [event for event in standing if event.event_id in rows]
    copies = [
        Draft(0, copy, _in_their_words(rows[event.event_id], copy, move.from_facility))
        for event, copy in rules.passed_on(move, known)
    ]
    left, came = rules.departure(move), rules.arrival(move, standing)
    _record_all(connection, surveillance, [*copies, _draft(left), _draft(came)], actor)


def _strike(
    connection: Connection, surveillance: Surveillance, move: KeptMove, actor: Actor
) -> None:
    """Void all that the move wrote; of an erased patient nothing is left to void."""
    drafts = [
        _draft(void)
        for patient in _sides(move)
        for void in rules.taken_back(move.id, _standing(_received(connection, patient)))
    ]
    _record_all(connection, surveillance, drafts, actor)


def _record_all(
    connection: Connection, surveillance: Surveillance, drafts: Sequence[Draft], actor: Actor
) -> None:
    """Both sides in one batch: no state of the ledger lies between."""
    batch = Batch(drafts, atomic=True, actor=actor, is_of_move=True)
    (receipt,) = record_within(connection, surveillance, [batch])
    if not batch.keeps(receipt.verdicts):
        raise Conflict(
            "An event that the move would write is there already under its name.",
            code="event_id_conflict",
        )


def _draft(event: AnyEvent) -> Draft:
    return Draft(0, event, encode(event).decode())


def _received(connection: Connection, patient: PatientKey) -> list[ReceivedEvent]:
    known = merges.persons(connection, [patient])
    return merges.events_of_persons(connection, known)[known.person_of[patient]]


def _standing(rows: Sequence[ReceivedEvent]) -> list[AnyEvent]:
    return standing_events([row.event for row in rows])


def _require_here(standing: Sequence[AnyEvent], on: date) -> None:
    if any(run.end_day >= on.toordinal() - 1 for run in elsewhere(standing)):
        raise Conflict(
            "The patient was at another facility on the day before the move, or is there now.",
            code="patient_elsewhere",
        )


def _require_may_arrive(standing: Sequence[AnyEvent], on: date) -> None:
    """Who came or left before must be away now, and since that day at the latest."""
    has_moved = any(isinstance(event, Move) for event in standing)
    is_away = any(
        run.end_day == FAR_FUTURE_DAY and on.toordinal() in run for run in elsewhere(standing)
    )
    if has_moved and not is_away:
        raise Conflict(
            "The patient of this pseudonym has moved before, and is not away on that day.",
            code="patient_not_away",
        )


def _origin(received: str) -> str | None:
    """Where a copy was first received; None for what was received here."""
    origin: str | None = json.loads(received).get("moved_from")
    return origin


def _in_their_words(received: str, copy: AnyEvent, from_facility: str) -> str:
    """What was sent, under the names of the copy, with where it comes from."""
    told = json.loads(received)
    told.pop("replaces", None)
    named = {"event_id": copy.event_id, "facility": copy.facility, "patient": copy.patient}
    told = {"moved_from": from_facility} | told | named
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _found(connection: Connection, move_id: str, facilities: Facilities) -> KeptMove:
    move = move_store.find_move(connection, move_id, facilities)
    if move is None:
        raise NotFound("No such move is known, or none of this key's facilities.")
    return move


def _sides(move: KeptMove) -> list[PatientKey]:
    """The patient at either facility, as far as known and not erased."""
    sides = ((move.from_facility, move.from_patient), (move.to_facility, move.to_patient))
    return [PatientKey(facility, name) for facility, name in sides if name is not None]


def _enter(
    connection: Connection, surveillance: Surveillance, action: str, move: KeptMove, actor: Actor
) -> None:
    facts = {
        "move": move.id,
        "from_facility": move.from_facility,
        "to_facility": move.to_facility,
    }
    now = surveillance.clock()
    entry = AuditEntry(now, actor, action, facts, move.position, _sides(move))
    audit.append(connection, [entry])
