"""Each read sees the newest state, whatever became of the read before it."""

from contextlib import closing
from datetime import UTC, datetime

from sqlalchemy import text

from service.store import ledger
from service.store.engine import Database


def move_to(database: Database, position: int) -> None:
    with database.write() as connection:
        ledger.advance(connection, position, datetime.now(UTC))


def test_rows_that_nobody_read_to_the_end_hold_no_old_state(migrated_url: str) -> None:
    """They are still held: as by the traceback of an error that somebody keeps."""
    with closing(Database(migrated_url)) as database, closing(Database(migrated_url)) as other:
        for position in (1, 2, 3):
            move_to(other, position)
        with database.read() as connection:
            rows = connection.execute(text("SELECT position FROM ledger_commits"))
            assert rows.fetchone() is not None
        move_to(other, 4)
        with database.read() as connection:
            assert ledger.head_position(connection) == 4
        del rows
