"""The database, opened one way for reading and one way for writing.

In:     a database URL.
Out:    `Database`, whose `read()` sees one consistent state and whose `write()` is alone.
Source: docs/decisions/0006-one-writer-at-a-time.md.

Every write transaction first takes the ledger head. Writers therefore come one after the other:
two writers on one patient cannot lose an update, positions are given out in the order of commit
so that a reader who follows them never skips a late one, and a rule that needs to see all
facilities (a cluster) sees them. Speed comes from putting many events into one transaction.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection as Connection  # handed on: only the store knows SQL
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

from service.store import wall
from service.store.citus import is_citus, wait_for_the_last_writer
from service.store.reach import reached
from service.store.running_sums import RunningSums
from service.store.sums_loader import SumsLoader

LOCK_HEAD = """
SELECT position, set_config('plan_cache_mode', 'force_custom_plan', true)
FROM ledger_head FOR UPDATE
"""
"""A plan made while the tables were empty must not be kept while a long import fills them."""
SQLITE_BUSY_TIMEOUT_SECONDS = 30
LOCKED_PAUSE_SECONDS = 0.01
POSTGRES_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A server that went away without a word is given up after seconds, not after hours; what the URL
says of the same counts more."""


class Database:
    """One store; safe to share between threads."""

    def __init__(self, url: str, *, pool_size: int = 10, sums: RunningSums | None = None) -> None:
        """Open lazily: nothing is connected before the first transaction."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url, pool_size)
        self.sums = sums or RunningSums()
        self.is_ready = Event()
        self.is_ready.set()
        self._loader: SumsLoader | None = None
        event.listen(self._engine, "connect", self._hand_on_sums)
        self._reader = self._engine.execution_options(
            **({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._writer = self._engine.execution_options(writes=True)

    @property
    def is_missing_file(self) -> bool:
        """Is it a SQLite file that does not exist, which opening it would make?"""
        file = self.url.database
        return self.is_sqlite and file not in (None, "", ":memory:") and not Path(file).exists()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state throughout and changes nothing.

        On behalf of a bound key PostgreSQL itself shows it no row of another facility.
        """
        facilities = reached()
        with self._reader.connect() as connection, connection.begin():
            if facilities is not None and wall.stands(connection):
                wall.step_down(connection, facilities)
            yield connection

    @contextmanager
    def migrate(self) -> Iterator[Connection]:
        """A transaction that may change tables; it takes no ledger head, which may not exist."""
        with self._writer.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside; committed at the end, or not at all."""
        with self._writer.connect() as connection, connection.begin():
            if is_citus(connection):
                wait_for_the_last_writer(connection)
            if not self.is_sqlite:
                connection.execute(text(LOCK_HEAD))
            yield connection

    @contextmanager
    def note(self) -> Iterator[Connection]:
        """A short transaction beside the writers, for what no figure is made of."""
        with self._writer.connect() as connection, connection.begin():
            yield connection

    def load_sums(self) -> None:
        """Read the ledger's sums into memory, from where they are answered from now on."""
        with self.read() as connection:
            self.sums.load(connection)

    def keep_sums(self, then: Callable[[], None]) -> None:
        """Load the sums in the background, and again whenever the past was rewritten.

        Whenever they were loaded, `then` is called; `is_ready` says that it was. Not on Citus,
        where a snapshot is one node's: docs/scaling.md, "Reads".
        """
        with self.read() as connection:
            if is_citus(connection):
                return

        def load() -> None:
            self.load_sums()
            then()

        self.is_ready.clear()
        self._loader = SumsLoader(load, self.sums.missing, self.is_ready)
        self._loader.start()

    def _hand_on_sums(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[RunningSums] = self.sums

    def close(self) -> None:
        """Give back every connection."""
        if self._loader:
            self._loader.stop()
        self._engine.dispose()


def _postgres_engine(url: str, pool_size: int) -> Engine:
    said = make_url(url).query
    patience = {name: value for name, value in POSTGRES_PATIENCE.items() if name not in said}
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=patience,
    )


def _sqlite_engine(url: str) -> Engine:
    asked = {"check_same_thread": False, "factory": _SqliteConnection}
    engine = create_engine(url, connect_args=asked, hide_parameters=True)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "checkin", _close_cursors)
    return engine


def _configure_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Durable and concurrent: acknowledged means on disk, and readers do not wait for a writer."""
    connection.isolation_level = None  # the driver's own BEGIN comes too late to take the lock
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_SECONDS * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # an erased patient leaves no row in free pages
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Keep a write-ahead log. While another process closes the last connection of its own, SQLite
    answers "locked" at once, whatever the busy timeout: then ask again."""
    until = monotonic() + SQLITE_BUSY_TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if monotonic() > until:
                raise
            sleep(LOCKED_PAUSE_SECONDS)
        else:
            return


class _SqliteConnection(sqlite3.Connection):
    """Knows its cursors."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """No cursor yet."""
        super().__init__(*arguments, **named)
        self.cursors = WeakSet[sqlite3.Cursor]()

    def cursor(self, *arguments: Any, **named: Any) -> Any:
        """A new cursor, remembered for as long as somebody holds it."""
        made = super().cursor(*arguments, **named)
        self.cursors.add(made)
        return made


def _close_cursors(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Rows that nobody read to the end would keep the old state for all who come after."""
    for cursor in list(connection.cursors if connection is not None else ()):
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
