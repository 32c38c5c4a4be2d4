"""How much is held: patients and facilities.

In:     the facilities to look at (None: all).
Out:    `Census`; by name, the facilities that follow anybody.
Source: docs/api.md: a key that is bound to facilities sees nothing of others, not even in totals.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlmodel import col

from service.store.tables import RecordedEvent, StratumRow


class Census(NamedTuple):
    """Patients of whom any event was received, and the facilities that sent them."""

    patients: int
    facilities: int


def take_census(connection: Connection, facilities: Collection[str] | None = None) -> Census:
    """Count the patients and facilities, of those named or of all."""
    facility, patient = col(RecordedEvent.facility), col(RecordedEvent.patient)
    query = select(facility, patient).distinct()
    if facilities is not None:
        query = query.where(facility.in_(list(facilities)))
    known = query.subquery()
    counted = select(func.count(), func.count(known.c.facility.distinct())).select_from(known)
    return Census(*connection.execute(counted).one())


def followed_facilities(connection: Connection) -> list[str]:
    """Where anybody was ever followed after a transplant: read from the few strata there are."""
    facility = col(StratumRow.facility)
    return list(connection.execute(select(facility).distinct().order_by(facility)).scalars())
