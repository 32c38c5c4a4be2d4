"""Moves of patients between facilities: offers, and what became of them.

In:     a move, or the facilities that may see it.
Out:    `KeptMove`s, the newest first.
Source: docs/decisions/0014-who-a-patient-is.md.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, insert, or_, select, tuple_, update
from sqlmodel import col

from service.store.events import PatientKey
from service.store.tables import PatientMoveRow

OFFERED, ACCEPTED, WITHDRAWN, DECLINED, TAKEN_BACK = STATES = (
    "offered",
    "accepted",
    "withdrawn",
    "declined",
    "taken_back",
)


class Page(NamedTuple):
    """After which move a page begins."""

    offered_at: datetime
    id: str


class KeptMove(NamedTuple):
    """A move as it stands; a pseudonym is None before it is known and after an erasure."""

    id: str
    from_facility: str
    from_patient: str | None
    to_facility: str
    to_patient: str | None
    moved_on: date
    offered_at: datetime
    expires_at: datetime
    state: str
    position: int | None = None


COLUMNS = [getattr(PatientMoveRow, name) for name in KeptMove._fields]


def add_move(connection: Connection, move: KeptMove) -> None:
    """Keep an offer."""
    connection.execute(insert(PatientMoveRow), move._asdict())


def change_move(connection: Connection, move_id: str, **values: Any) -> None:
    """Note what became of a move."""
    row = PatientMoveRow
    connection.execute(update(row).where(col(row.id) == move_id).values(**values))


def find_move(
    connection: Connection, move_id: str, facilities: Collection[str] | None
) -> KeptMove | None:
    """The move, where one of the facilities (None: all) is a side of it."""
    query = _visible(facilities).where(col(PatientMoveRow.id) == move_id)
    found = connection.execute(query).first()
    return KeptMove(*found) if found else None


def moves(
    connection: Connection,
    facilities: Collection[str] | None,
    states: Collection[str] = (),
    *,
    limit: int,
    after: Page | None = None,
) -> list[KeptMove]:
    """The moves that the facilities (None: all) are a side of, the newest first."""
    row = PatientMoveRow
    query = _visible(facilities)
    if states:
        query = query.where(col(row.state).in_(states))
    if after:
        query = query.where(tuple_(col(row.offered_at), col(row.id)) < tuple_(*after))
    newest = query.order_by(col(row.offered_at).desc(), col(row.id).desc()).limit(limit)
    return [KeptMove(*found) for found in connection.execute(newest)]


def open_offer(connection: Connection, patient: PatientKey, now: datetime) -> KeptMove | None:
    """An offer of the patient that somebody may still accept."""
    row = PatientMoveRow
    query = select(*COLUMNS).where(
        col(row.from_facility) == patient.facility,
        col(row.from_patient) == patient.patient,
        col(row.state) == OFFERED,
        col(row.expires_at) > now,
    )
    found = connection.execute(query).first()
    return KeptMove(*found) if found else None


def forget_moves(connection: Connection, patient: PatientKey) -> None:
    """Remove a pseudonym from all moves, and those that would name nobody any more."""
    row = PatientMoveRow
    for facility, name in (
        (row.from_facility, row.from_patient),
        (row.to_facility, row.to_patient),
    ):
        of_patient = and_(col(facility) == patient.facility, col(name) == patient.patient)
        change: dict[Any, None] = {name: None}
        connection.execute(update(row).where(of_patient).values(change))
    nobody = and_(col(row.from_patient).is_(None), col(row.to_patient).is_(None))
    connection.execute(delete(row).where(nobody))


def _visible(facilities: Collection[str] | None) -> Select[Any]:
    query = select(*COLUMNS)
    if facilities is None:
        return query
    row = PatientMoveRow
    return query.where(
        or_(col(row.from_facility).in_(facilities), col(row.to_facility).in_(facilities))
    )
