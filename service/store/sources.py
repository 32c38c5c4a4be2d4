"""Which events came of which source, so that a source may say something else later.

In:     sources by name, and the events recorded for them.
Out:    the same events, in order of receipt.
Source: docs/decisions/0016-sources-restate.md.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, delete, select
from sqlmodel import col

from service.domain.events import AnyEvent
from service.store.bulk import insert_rows, select_rows
from service.store.events import EventKey, PatientKey, find_events
from service.store.tables import SourceEventRow


def events_of_sources(
    connection: Connection, facility: str, names: Iterable[str]
) -> dict[str, list[AnyEvent]]:
    """All events that came of each source, in order of receipt; an unknown source has none."""
    keys = [(facility, name) for name in sorted(set(names))]
    wanted = ("source", "event_id")
    rows = select_rows(connection, SourceEventRow, ("facility", "source"), keys, wanted)
    source_of = {EventKey(facility, event_id): source for source, event_id in rows}
    found: dict[str, list[AnyEvent]] = defaultdict(list)
    for key, row in find_events(connection, source_of).items():
        found[source_of[key]].append(row.event)
    return found


def patients_of_sources(
    connection: Connection, facility: str, names: Iterable[str]
) -> dict[str, str]:
    """Of whom each known source has spoken."""
    keys = [(facility, name) for name in sorted(set(names))]
    wanted = ("source", "patient")
    return dict(select_rows(connection, SourceEventRow, ("facility", "source"), keys, wanted))


def add_source_events(connection: Connection, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Note which events came of which source: facility, source, event_id, patient."""
    columns = ("facility", "source", "event_id", "patient")
    insert_rows(connection, SourceEventRow, columns, list(rows), on_conflict="DO NOTHING")


def sources_of(connection: Connection, patient: PatientKey) -> list[str]:
    """The names of the documents from which the patient's events came."""
    query = select(col(SourceEventRow.source)).where(
        col(SourceEventRow.facility) == patient.facility,
        col(SourceEventRow.patient) == patient.patient,
    )
    return sorted(set(connection.execute(query).scalars()))


def forget_sources(connection: Connection, patient: PatientKey) -> None:
    """Remove what is known of the sources of a patient's events."""
    connection.execute(
        delete(SourceEventRow).where(
            col(SourceEventRow.facility) == patient.facility,
            col(SourceEventRow.patient) == patient.patient,
        )
    )
