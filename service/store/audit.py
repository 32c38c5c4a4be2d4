"""The audit trail: who did what that leaves no other trace.

In:     an actor (the key's name), an action and harmless facts of it; never a patient's data.
Out:    rows in the order in which they were written.
Source: docs/api.md, erasure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select
from sqlmodel import col

from service.store.tables import AuditRow


class AuditEntry(NamedTuple):
    """One thing done, by whom and when."""

    recorded_at: datetime
    actor: str
    action: str
    detail: Mapping[str, Any]


def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """Note what was done, in the transaction that does it."""
    connection.execute(insert(AuditRow), {**entry._asdict(), "detail": dict(entry.detail)})


def entries(connection: Connection, *, limit: int = 100) -> list[AuditEntry]:
    """The latest entries, newest first."""
    query = (
        select(
            col(AuditRow.recorded_at),
            col(AuditRow.actor),
            col(AuditRow.action),
            col(AuditRow.detail),
        )
        .order_by(col(AuditRow.sequence).desc())
        .limit(limit)
    )
    return [AuditEntry(*row) for row in connection.execute(query)]
