"""The evidence of each monitor at each place when it was last evaluated.

In:     `Reading`s of one evaluation.
Out:    the readings as they stand; a place without one has no evidence of anything.
Source: docs/decisions/0009-many-monitors-at-once.md.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlmodel import col

from service.store.bulk import change_rows, insert_rows
from service.store.tables import MonitorReadingRow


class Reading(NamedTuple):
    """The natural log of an e-value as of the end of a day, at a position of the ledger."""

    monitor_id: str
    scope_key: str
    log_e: float
    day: int
    position: int


def all_readings(connection: Connection) -> list[Reading]:
    """Every reading as it stands."""
    columns = [col(getattr(MonitorReadingRow, name)) for name in Reading._fields]
    return [Reading(*row) for row in connection.execute(select(*columns))]


def put_readings(connection: Connection, readings: Iterable[Reading]) -> None:
    """Keep readings, each in place of the last of its place."""
    latest = ", ".join(f"{name} = excluded.{name}" for name in ("log_e", "day", "position"))
    conflict = f"(monitor_id, scope_key) DO UPDATE SET {latest}"
    insert_rows(
        connection, MonitorReadingRow, Reading._fields, list(readings), on_conflict=conflict
    )


def forget_readings_of(connection: Connection, places: Iterable[tuple[str, str]]) -> None:
    """Forget what was read at some places, each a monitor and a scope key."""
    columns = ("monitor_id", "scope_key")
    change_rows(
        connection, MonitorReadingRow, columns, sorted(places), "DELETE FROM monitor_readings {of}"
    )


def forget_readings(
    connection: Connection, monitor_id: str, scope_keys: Collection[str] | None = None
) -> None:
    """Forget what a monitor read at some places, or everywhere (None)."""
    query = delete(MonitorReadingRow).where(col(MonitorReadingRow.monitor_id) == monitor_id)
    if scope_keys is not None:
        query = query.where(col(MonitorReadingRow.scope_key).in_(list(scope_keys)))
    connection.execute(query)
