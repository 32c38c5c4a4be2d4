"""A database that cannot be used says so soon, whichever way it cannot."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from service.store.engine import POSTGRES_PATIENCE, Database
from service.store.unavailable import NO_ANSWER, NO_ROOM, READ_ONLY, UNAVAILABLE, reason_of


def test_a_server_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://x@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
        with (
            closing(Database(url)) as database,
            pytest.raises(OperationalError) as raised,
            database.read(),
        ):
            pass
    assert reason_of(raised.value) == NO_ANSWER
    assert POSTGRES_PATIENCE["connect_timeout"] > 2, "the URL's own was not heeded"


LONG = "INSERT INTO t VALUES (zeroblob(100000))"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """One table in a file, over one connection."""
    with closing(Database(f"sqlite:///{tmp_path}/x.db")) as database:
        run(database, "CREATE TABLE t (x BLOB)")
        yield database


def run(database: Database, *statements: str) -> None:
    with database.migrate() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_file_that_may_not_grow_has_no_room(database):
    with pytest.raises(UNAVAILABLE) as raised:
        run(database, "PRAGMA max_page_count = 4", LONG)
    assert reason_of(raised.value) == NO_ROOM
    run(database, "PRAGMA max_page_count = 1000000", LONG)


def test_a_file_that_may_only_be_read_is_told_apart(database):
    with pytest.raises(UNAVAILABLE) as raised:
        run(database, "PRAGMA query_only = ON", LONG)
    assert reason_of(raised.value) == READ_ONLY
