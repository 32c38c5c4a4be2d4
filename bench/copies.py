"""A large ledger out of a small one: the same facilities with many times as many patients.

In:     a database with some events.
Out:    the same database with so many times as many events, their ledger with them.
Source: docs/performance.md. To count 10^7 events one by one would take hours; what a read costs
        depends on what the ledger holds, not on how it came to hold it.
"""

from contextlib import closing

from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from service.store.engine import Database
from service.store.holdings import facilities_with_sums, sum_up_again
from service.store.tables import EpisodeRow, RecordedEvent, SegmentRow

TABLES: tuple[type[SQLModel], ...] = (RecordedEvent, SegmentRow, EpisodeRow)
NAMES = ("patient", "event_id", "episode_id")
"""A copy is another patient, whose events have other names."""
DAYS = ("day", "start_day", "end_day", "index_day", "onset_day", "course_index_day")
POSITIONS = ("position", "posted_at", "withdrawn_at")
APART_DAYS = 37
"""Each copy lies so many days before the one before it, within a year."""


def multiply(url: str, times: int) -> None:
    """Let every patient be `times` of them."""
    with closing(Database(url)) as database:
        with database.write() as connection:
            head = connection.execute(text("SELECT position FROM ledger_head")).scalar_one()
            for copy in range(1, times):
                for table in TABLES:
                    _copy(connection, table, copy, head)
            for facility in facilities_with_sums(connection):
                sum_up_again(connection, facility)
            last = {"last": head * times}
            connection.execute(text("UPDATE ledger_head SET position = :last"), last)
            connection.execute(
                text(
                    "INSERT INTO ledger_commits SELECT :last, recorded_at FROM ledger_commits "
                    "ORDER BY position DESC LIMIT 1"
                ),
                last,
            )
        if not database.is_sqlite:
            with database.migrate() as connection:
                connection.execute(text("ANALYZE"))


def _copy(connection: Connection, table: type[SQLModel], copy: int, head: int) -> None:
    name = str(table.__tablename__)
    columns = [column.name for column in table.metadata.tables[name].columns]
    told = ", ".join(_expression(column, copy, head) for column in columns)
    originals = f"SELECT {told} FROM {name} WHERE patient NOT LIKE '%/copy-%'"  # noqa: S608
    connection.execute(text(f"INSERT INTO {name} ({', '.join(columns)}) {originals}"))


def _expression(column: str, copy: int, head: int) -> str:
    """What stands in a column of a copy; every number is ours."""
    if column in NAMES:
        return f"{column} || '/copy-{copy}'"
    if column in DAYS:
        return f"{column} - {copy * APART_DAYS % 365}"
    return f"{column} + {copy * head}" if column in POSITIONS else column
