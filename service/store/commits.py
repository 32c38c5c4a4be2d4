"""The states the ledger has been in.

In:     a position.
Out:    `Commit`: the last whole transaction at or before it.
Source: CONTRIBUTING.md: events of one transaction become known together, so no state lies between.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlmodel import col

from service.store.tables import LedgerCommit


class Commit(NamedTuple):
    """A state of the ledger; `recorded_at` is None before the first event."""

    position: int
    recorded_at: datetime | None


NO_COMMIT = Commit(0, None)


def instants_of(connection: Connection, positions: Collection[int]) -> dict[int, datetime]:
    """When the transactions that ended at these positions were recorded."""
    query = select(col(LedgerCommit.position), col(LedgerCommit.recorded_at)).where(
        col(LedgerCommit.position).in_(positions)
    )
    return dict(connection.execute(query).all())


def commit_at(connection: Connection, position: int) -> Commit:
    """The last transaction whose events all lie at or before a position."""
    query = (
        select(col(LedgerCommit.position), col(LedgerCommit.recorded_at))
        .where(col(LedgerCommit.position) <= position)
        .order_by(col(LedgerCommit.position).desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return Commit(*found) if found else Commit(0, None)
