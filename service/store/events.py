"""The event store: what was received, kept for good.

In:     events in the vocabulary's terms beside the words in which they were sent.
Out:    the same, by event_id or by patient in order of receipt.
Source: CONTRIBUTING.md: add, never amend.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, tuple_, union
from sqlmodel import col

from service.domain.events import AnyEvent, decode, encode
from service.store.bulk import insert_rows, select_rows
from service.store.tables import PatientMergeRow, RecordedEvent


class PatientKey(NamedTuple):
    """A patient: the pseudonym is unique within its facility only."""

    facility: str
    patient: str


class EventKey(NamedTuple):
    """An event: the sender's own name for it is unique within its facility only."""

    facility: str
    event_id: str


class ReceivedEvent(NamedTuple):
    """An event with the words in which it was sent, the place it took and when."""

    event: AnyEvent
    received: str
    position: int
    recorded_at: datetime


def find_events(connection: Connection, keys: Iterable[EventKey]) -> dict[EventKey, ReceivedEvent]:
    """Those of the named events that are known."""
    return {
        EventKey(row.event.facility, row.event.event_id): row
        for row in _found(connection, EventKey._fields, keys)
    }


def events_of_patients(
    connection: Connection, patients: Iterable[PatientKey]
) -> dict[PatientKey, list[ReceivedEvent]]:
    """All events of the named patients, in order of receipt; an unknown patient has none."""
    found: dict[PatientKey, list[ReceivedEvent]] = defaultdict(list)
    for row in _found(connection, PatientKey._fields, patients):
        found[PatientKey(row.event.facility, row.event.patient)].append(row)
    return found


def add_events(connection: Connection, events: Iterable[ReceivedEvent]) -> None:
    """Keep new events."""
    rows = [
        (
            row.event.facility,
            row.event.event_id,
            row.event.patient,
            row.position,
            row.recorded_at,
            type(row.event).__struct_config__.tag,
            row.event.occurred_on,
            row.received,
            encode(row.event).decode(),
        )
        for row in events
    ]
    insert_rows(connection, RecordedEvent, tuple(RecordedEvent.model_fields), rows)


def erase_events(connection: Connection, patient: PatientKey) -> int:
    """Remove a patient's events for good; returns how many there were."""
    return connection.execute(
        delete(RecordedEvent).where(
            col(RecordedEvent.facility) == patient.facility,
            col(RecordedEvent.patient) == patient.patient,
        )
    ).rowcount


def patient_keys(connection: Connection, after: PatientKey | None, limit: int) -> list[PatientKey]:
    """The next patients in order of facility and pseudonym, for walking through all of them.

    Those too into whom others were merged before anything came under their own pseudonym.
    """

    def next_of(facility: Any, patient: Any) -> Any:
        query = select(facility.label("facility"), patient.label("patient")).distinct()
        if after is not None:
            # Compared as one row, they are a range of the index, and not a filter on all of it.
            query = query.where(tuple_(facility, patient) > tuple_(*after))
        return select(query.order_by(facility, patient).limit(limit).subquery())

    known = next_of(col(RecordedEvent.facility), col(RecordedEvent.patient))
    merged = next_of(col(PatientMergeRow.facility), col(PatientMergeRow.merged_into))
    both = union(known, merged).order_by("facility", "patient").limit(limit)
    return [PatientKey(*row) for row in connection.execute(both)]


def count_events(connection: Connection, facilities: Collection[str] | None = None) -> int:
    """How many events are held, of the named facilities or of all."""
    query = select(func.count()).select_from(RecordedEvent)
    if facilities is not None:
        query = query.where(col(RecordedEvent.facility).in_(facilities))
    return connection.execute(query).scalar_one()


def _found(
    connection: Connection, columns: tuple[str, ...], keys: Iterable[tuple[str, str]]
) -> list[ReceivedEvent]:
    wanted = ("resolved", "received", "position", "recorded_at")
    rows = select_rows(connection, RecordedEvent, columns, sorted(set(keys)), wanted)
    found = [ReceivedEvent(decode(resolved), *others) for resolved, *others in rows]
    return sorted(found, key=attrgetter("position"))
