"""Files that were sent, and what became of each.

In:     `KeptImport`s as they begin and go on; faults.
Out:    the same, the newest first.
Source: docs/imports.md; docs/decisions/0021-files-wait-in-the-store.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlmodel import col

from service.store.tables import ImportFaultRow, ImportRow, ImportWaitingRow

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
UNFINISHED = (WAITING, RUNNING)
MOST_KEPT = 1_000
MOST_FAULTS = 100_000
"""Of one import; the count goes on."""


class KeptImport(NamedTuple):
    """An import as it stands."""

    id: str
    created_at: datetime
    actor: str
    key_id: str | None
    facilities: list[str] | None
    mapping: str | None
    dry_run: bool
    state: str
    holder: str | None
    seen_at: datetime
    finished_at: datetime | None
    rows_sent: int
    taken: int
    counts: Mapping[str, int]
    warnings: Mapping[str, int]
    faults: int
    position: int | None
    note: str | None


class KeptFault(NamedTuple):
    """A fault by its number within the import, from 1."""

    number: int
    line: int
    field: str
    code: str
    message: str


_imports = [col(getattr(ImportRow, name)) for name in KeptImport._fields]
_faults = [col(getattr(ImportFaultRow, name)) for name in KeptFault._fields]
IS_UNFINISHED = col(ImportRow.state).in_(UNFINISHED)


def add_import(connection: Connection, begun: KeptImport) -> None:
    """Keep an import that begins; the oldest beyond `MOST_KEPT` are forgotten."""
    connection.execute(insert(ImportRow).values(**begun._asdict()))
    identity = col(ImportRow.id)
    oldest_kept = connection.execute(
        select(identity).order_by(identity.desc()).offset(MOST_KEPT - 1).limit(1)
    ).scalar_one_or_none()
    if oldest_kept is not None:
        for of_import in (ImportFaultRow.import_id, ImportWaitingRow.import_id, ImportRow.id):
            table = of_import.class_  # type: ignore[attr-defined]  # a column of SQLAlchemy's
            connection.execute(delete(table).where(col(of_import) < oldest_kept))


def change_import(connection: Connection, import_id: str, **values: Any) -> None:
    """Put down how far an import is."""
    connection.execute(update(ImportRow).where(col(ImportRow.id) == import_id).values(**values))


def number_unfinished(connection: Connection) -> int:
    """How many imports wait or are being worked on."""
    query = select(func.count()).select_from(ImportRow).where(IS_UNFINISHED)
    return connection.execute(query).scalar_one()


def find_import(connection: Connection, import_id: str) -> KeptImport | None:
    """The import of that name."""
    row = connection.execute(select(*_imports).where(col(ImportRow.id) == import_id)).one_or_none()
    return None if row is None else KeptImport(*row)


def newest_imports(connection: Connection, before: str | None = None) -> list[KeptImport]:
    """All imports, the newest first; with `before`, those older than one."""
    query = select(*_imports).order_by(col(ImportRow.id).desc())
    if before is not None:
        query = query.where(col(ImportRow.id) < before)
    return [KeptImport(*row) for row in connection.execute(query)]


def claim(
    connection: Connection, holder: str, now: datetime, silent_since: datetime
) -> KeptImport | None:
    """The import whose turn it is, held from now on; None where there is none, or another process
    works on it and has said so after `silent_since`.

    One at a time and in the order of their coming, because a later file corrects an earlier one.
    """
    query = select(*_imports).where(IS_UNFINISHED)
    row = connection.execute(
        query.order_by(col(ImportRow.created_at), col(ImportRow.id)).limit(1)
    ).one_or_none()
    if row is None:
        return None
    found = KeptImport(*row)
    if found.holder not in (None, holder) and found.seen_at >= silent_since:
        return None
    was = col(ImportRow.holder)
    taken = connection.execute(
        update(ImportRow)
        .where(
            col(ImportRow.id) == found.id,
            IS_UNFINISHED,
            was.is_(None) if found.holder is None else was == found.holder,
            col(ImportRow.seen_at) == found.seen_at,
        )
        .values(holder=holder, seen_at=now, state=RUNNING)
    )
    return found._replace(holder=holder, state=RUNNING) if taken.rowcount else None


def held(connection: Connection, import_id: str, holder: str, now: datetime) -> KeptImport | None:
    """The import as it stands, where the holder holds it still; nobody else changes it until the
    transaction ends."""
    still = connection.execute(
        update(ImportRow)
        .where(col(ImportRow.id) == import_id, col(ImportRow.holder) == holder, IS_UNFINISHED)
        .values(seen_at=now)
    )
    return find_import(connection, import_id) if still.rowcount else None


def let_go(connection: Connection, holder: str | None = None) -> None:
    """Leave what is unfinished to others: what a holder held, or all there is."""
    query = update(ImportRow).where(IS_UNFINISHED).values(holder=None, state=WAITING)
    if holder is not None:
        query = query.where(col(ImportRow.holder) == holder)
    connection.execute(query)


def begin_anew(connection: Connection, import_id: str) -> None:
    """Forget how far an import was."""
    anew = {"taken": 0, "counts": {}, "warnings": {}, "faults": 0}
    change_import(connection, import_id, **anew)
    connection.execute(delete(ImportFaultRow).where(col(ImportFaultRow.import_id) == import_id))


def add_faults(connection: Connection, import_id: str, faults: Sequence[KeptFault]) -> None:
    """Keep the faults of an import, up to `MOST_FAULTS`."""
    rows = [
        {"import_id": import_id, **fault._asdict()}
        for fault in faults
        if fault.number <= MOST_FAULTS
    ]
    if rows:
        connection.execute(insert(ImportFaultRow), rows)


def faults_of(connection: Connection, import_id: str, *, after: int, limit: int) -> list[KeptFault]:
    """The faults of an import after a number, in order."""
    number = col(ImportFaultRow.number)
    query = (
        select(*_faults)
        .where(col(ImportFaultRow.import_id) == import_id, number > after)
        .order_by(number)
        .limit(limit)
    )
    return [KeptFault(*row) for row in connection.execute(query)]
