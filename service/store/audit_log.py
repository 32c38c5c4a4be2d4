"""The audit trail read: page by page, along the chain, or what is about one patient.

In:     a connection, and what is asked for.
Out:    `ChainedEntry`s with the digests of those whom they are about.
Source: docs/audit.md; `service.store.audit` writes them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, func, select
from sqlmodel import col

from service.domain.audit_chain import ChainedEntry
from service.store.bulk import select_rows
from service.store.tables import AuditMentionRow, AuditRow

READ_AT_ONCE = 2_000
FIELDS = ("sequence", "recorded_at", "actor", "key_id", "action", "position", "detail")


def entries(
    connection: Connection,
    *,
    limit: int | None = 100,
    before: int | None = None,
    actions: Collection[str] = (),
    actors: Collection[str] = (),
    subjects: Collection[str] = (),
) -> list[ChainedEntry]:
    """The latest entries, newest first; `before` an entry's number, of these actions and actors."""
    query = _all_fields().order_by(col(AuditRow.sequence).desc()).limit(limit)
    if before is not None:
        query = query.where(col(AuditRow.sequence) < before)
    if actions:
        query = query.where(col(AuditRow.action).in_(actions))
    if actors:
        query = query.where(col(AuditRow.actor).in_(actors))
    if subjects:
        about = select(col(AuditMentionRow.sequence)).where(
            col(AuditMentionRow.subject).in_(subjects)
        )
        query = query.where(col(AuditRow.sequence).in_(about))
    return _found(connection, connection.execute(query).all())


def chain(connection: Connection) -> Iterator[tuple[ChainedEntry, str]]:
    """Every entry from the first on, with the hash that is kept of it, in flat memory."""
    last: int | None = None
    while True:
        query = _all_fields().order_by(col(AuditRow.sequence)).limit(READ_AT_ONCE)
        if last is not None:
            query = query.where(col(AuditRow.sequence) > last)
        rows = connection.execute(query).all()
        if not rows:
            return
        about_whom = _mentions(connection, [row[0] for row in rows])
        for row in rows:
            yield _entry(row, about_whom[row[0]]), row[-1]
        last = rows[-1][0]


def mentions_without_entry(connection: Connection) -> list[int]:
    """Numbers under which patients are named but nothing is entered."""
    entered = select(col(AuditRow.sequence))
    query = select(col(AuditMentionRow.sequence)).distinct()
    query = query.where(col(AuditMentionRow.sequence).not_in(entered))
    return sorted(connection.execute(query.limit(READ_AT_ONCE)).scalars())


def subjects_mentioned(connection: Connection) -> Iterator[tuple[str, int]]:
    """Every digest there is and the first entry that has it."""
    subject, sequence = col(AuditMentionRow.subject), func.min(col(AuditMentionRow.sequence))
    yield from (
        (found, first)
        for found, first in connection.execute(select(subject, sequence).group_by(subject))
    )


def entries_that_reached(connection: Connection, action: str, position: int) -> list[ChainedEntry]:
    """The entries of the transaction that took the ledger to a position or past it.

    None where it was before entries of this action were kept.
    """
    reached = col(AuditRow.position)
    of_action = col(AuditRow.action) == action
    first = select(func.min(reached)).where(of_action, reached >= position).scalar_subquery()
    query = _all_fields().where(of_action, reached == first).order_by(col(AuditRow.sequence))
    return _found(connection, connection.execute(query).all())


def _found(connection: Connection, rows: Sequence[Any]) -> list[ChainedEntry]:
    about_whom = _mentions(connection, [row[0] for row in rows])
    return [_entry(row, about_whom[row[0]]) for row in rows]


def _entry(row: Sequence[Any], subjects: tuple[str, ...]) -> ChainedEntry:
    *fields, _ = row
    return ChainedEntry(*fields)._replace(subjects=subjects)


def _all_fields() -> Any:
    return select(*(getattr(AuditRow, name) for name in (*FIELDS, "sha256")))


def _mentions(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The digests that stand under each number, in order."""
    found: dict[int, list[str]] = defaultdict(list)
    keys = [(number,) for number in numbers]
    wanted = ("sequence", "subject")
    for number, name in select_rows(connection, AuditMentionRow, ("sequence",), keys, wanted):
        found[number].append(name)
    return defaultdict(tuple, {number: tuple(sorted(names)) for number, names in found.items()})
