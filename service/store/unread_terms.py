"""Terms that nobody could read: which events hold them, and those events as they count.

In:     events as recorded.
Out:    the same as they count by what was decided; how often each term came, and from where.
Source: docs/decisions/0013-terms-that-wait.md; docs/terms.md.

The term itself stands in the event alone; here it is a digest, and a label fit to be listed.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select
from sqlmodel import col

from service.domain.terms import KINDS, read, shown, term_id, terms_of
from service.store.bulk import insert_rows
from service.store.events import PatientKey, ReceivedEvent
from service.store.tables import UnreadTermRow
from service.store.term_decisions import Meanings, forget_decisions


class Sighting(NamedTuple):
    """How often a term came from a facility."""

    kind: str
    term_id: str
    facility: str
    label: str
    events: int
    first_seen: date
    last_seen: date


def as_they_count(
    connection: Connection, rows: Sequence[ReceivedEvent], position: int | None = None
) -> list[ReceivedEvent]:
    """The events, with their terms read as was decided up to a position (None: now)."""
    unread = {term for row in rows for term in terms_of(row.event)}
    if not unread:
        return list(rows)
    meanings = Meanings(connection, unread, position)
    return [
        row._replace(
            event=read(row.event, meanings.of(PatientKey(row.event.facility, row.event.patient)))
        )
        for row in rows
    ]


def add_unread(connection: Connection, rows: Iterable[ReceivedEvent]) -> None:
    """Note the terms of new events that nobody could read."""
    found = {
        (row.event.facility, row.event.event_id, term_id(term)): (
            term.kind,
            shown(term.text),
            row.event.patient,
            row.recorded_at.date(),
        )
        for row in rows
        for term in terms_of(row.event)
    }
    if found:
        columns = ("facility", "event_id", "term_id", "kind", "label", "patient", "seen_on")
        insert_rows(
            connection, UnreadTermRow, columns, [(*key, *rest) for key, rest in found.items()]
        )


def sightings(
    connection: Connection,
    *,
    facilities: Collection[str] | None = None,
    kinds: Collection[str] = KINDS,
    term_ids: Collection[str] | None = None,
) -> list[Sighting]:
    """Each term by facility (None: all of them)."""
    row = UnreadTermRow
    of = (col(row.kind), col(row.term_id), col(row.facility))
    query = select(
        *of,
        func.min(col(row.label)),
        func.count(),
        func.min(col(row.seen_on)),
        func.max(col(row.seen_on)),
    ).where(col(row.kind).in_(list(kinds)))
    if facilities is not None:
        query = query.where(col(row.facility).in_(list(facilities)))
    if term_ids is not None:
        query = query.where(col(row.term_id).in_(list(term_ids)))
    return [Sighting(*found) for found in connection.execute(query.group_by(*of).order_by(*of))]


def patients_with(connection: Connection, term: str, facility: str | None) -> list[PatientKey]:
    """Whoever has an event with the term, at a facility or (None) anywhere."""
    row = UnreadTermRow
    query = select(col(row.facility), col(row.patient)).where(col(row.term_id) == term).distinct()
    if facility is not None:
        query = query.where(col(row.facility) == facility)
    return sorted(PatientKey(*found) for found in connection.execute(query))


def forget_terms(connection: Connection, patient: PatientKey) -> None:
    """Remove a patient's terms, and of those that nobody else brought all that was decided."""
    row = UnreadTermRow
    of_patient = (
        col(row.facility) == patient.facility,
        col(row.patient) == patient.patient,
    )
    theirs = set(connection.execute(select(col(row.term_id)).where(*of_patient)).scalars())
    connection.execute(delete(row).where(*of_patient))
    if theirs:
        left = select(col(row.term_id)).where(col(row.term_id).in_(sorted(theirs))).distinct()
        forget_decisions(connection, theirs.difference(connection.execute(left).scalars()))
