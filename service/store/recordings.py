"""When events were recorded, beside when they occurred.

In:     an instant up to which to look, and how far back.
Out:    `Recording` counts, and each facility's first instant.
Source: docs/methods.md 9.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlmodel import col

from service.store.tables import RecordedEvent


class Recording(NamedTuple):
    """How many first reports of a type, of one day, were recorded at one instant."""

    facility: str
    type: str
    occurred_on: date
    recorded_at: datetime
    reports: int


def first_recordings(connection: Connection) -> Mapping[str, datetime]:
    """When each facility recorded its first event."""
    facility, recorded_at = col(RecordedEvent.facility), col(RecordedEvent.recorded_at)
    rows = connection.execute(select(facility, func.min(recorded_at)).group_by(facility))
    return {row[0]: row[1] for row in rows}


def recordings(
    connection: Connection, facility: str, since: datetime, before: datetime
) -> Iterator[Recording]:
    """A facility's first reports recorded in a time: no voids, and no corrections, whose delay
    says nothing of the report they correct.
    """
    kind, occurred_on = col(RecordedEvent.type), col(RecordedEvent.occurred_on)
    recorded_at = col(RecordedEvent.recorded_at)
    query = (
        select(kind, occurred_on, recorded_at, func.count())
        .where(
            col(RecordedEvent.facility) == facility,
            recorded_at >= since,
            recorded_at < before,
            kind != "void",
            # Inside a value JSON writes the quotes as \\", so only the field itself matches.
            ~col(RecordedEvent.resolved).contains('"replaces":', autoescape=True),
        )
        .group_by(kind, occurred_on, recorded_at)
    )
    for type_, on, at, reports in connection.execute(query):
        yield Recording(facility, type_, on, at, reports)
