"""The event store: what was received, kept for good.

In:     events in the vocabulary's terms beside the words in which they were sent.
Out:    the same, by event_id or by patient in order of receipt.
Source: CONTRIBUTING.md: add, never amend.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select
from sqlmodel import col

from service.domain.events import AnyEvent, decode, encode
from service.store.tables import RecordedEvent

VALUES_PER_STATEMENT = 1000


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
    found = {}
    for facility, event_ids in _by_facility(keys):
        wanted = col(RecordedEvent.event_id).in_(event_ids)
        for row in _select(connection, facility, wanted):
            found[EventKey(facility, row.event.event_id)] = row
    return found


def events_of_patients(
    connection: Connection, patients: Iterable[PatientKey]
) -> dict[PatientKey, list[ReceivedEvent]]:
    """All events of the named patients, in order of receipt; an unknown patient has none."""
    found: dict[PatientKey, list[ReceivedEvent]] = defaultdict(list)
    for facility, names in _by_facility(patients):
        wanted = col(RecordedEvent.patient).in_(names)
        for row in _select(connection, facility, wanted):
            found[PatientKey(facility, row.event.patient)].append(row)
    return found


def add_events(connection: Connection, events: Sequence[ReceivedEvent]) -> None:
    """Keep new events."""
    if not events:
        return
    connection.execute(
        insert(RecordedEvent),
        [
            {
                "facility": row.event.facility,
                "event_id": row.event.event_id,
                "patient": row.event.patient,
                "position": row.position,
                "recorded_at": row.recorded_at,
                "type": type(row.event).__struct_config__.tag,
                "occurred_on": row.event.occurred_on,
                "received": row.received,
                "resolved": encode(row.event).decode(),
            }
            for row in events
        ],
    )


def erase_events(connection: Connection, patient: PatientKey) -> int:
    """Remove a patient's events for good; returns how many there were."""
    return connection.execute(
        delete(RecordedEvent).where(
            col(RecordedEvent.facility) == patient.facility,
            col(RecordedEvent.patient) == patient.patient,
        )
    ).rowcount


def patient_keys(connection: Connection, after: PatientKey | None, limit: int) -> list[PatientKey]:
    """The next patients in order of facility and pseudonym, for walking through all of them."""
    facility, patient = col(RecordedEvent.facility), col(RecordedEvent.patient)
    query = select(facility, patient).distinct().order_by(facility, patient).limit(limit)
    if after is not None:
        later_patient = (facility == after.facility) & (patient > after.patient)
        query = query.where((facility > after.facility) | later_patient)
    return [PatientKey(*row) for row in connection.execute(query)]


def count_events(connection: Connection, facilities: Collection[str] | None = None) -> int:
    """How many events are held, of the named facilities or of all."""
    query = select(func.count()).select_from(RecordedEvent)
    if facilities is not None:
        query = query.where(col(RecordedEvent.facility).in_(facilities))
    return connection.execute(query).scalar_one()


def _by_facility(keys: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    names: dict[str, set[str]] = defaultdict(set)
    for facility, name in keys:
        names[facility].add(name)
    for facility in sorted(names):
        ordered = sorted(names[facility])
        for start in range(0, len(ordered), VALUES_PER_STATEMENT):
            yield facility, ordered[start : start + VALUES_PER_STATEMENT]


def _select(
    connection: Connection, facility: str, wanted: ColumnElement[bool]
) -> Iterator[ReceivedEvent]:
    query = (
        select(
            col(RecordedEvent.resolved),
            col(RecordedEvent.received),
            col(RecordedEvent.position),
            col(RecordedEvent.recorded_at),
        )
        .where(col(RecordedEvent.facility) == facility, wanted)
        .order_by(col(RecordedEvent.position))
    )
    for resolved, received, position, recorded_at in connection.execute(query):
        yield ReceivedEvent(decode(resolved), received, position, recorded_at)
