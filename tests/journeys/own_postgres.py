"""A PostgreSQL of a test's own, that may be killed, stopped and filled up.

In:     a folder.
Out:    `OwnPostgres`, and a database on it.
Source: tests/conftest.py, whose server all other tests share.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import psycopg
from sqlalchemy import make_url

from tests.conftest import migrate, start_server


class OwnPostgres:
    """One server on one data directory, however often it is killed."""

    def __init__(self, home: Path) -> None:
        """Start it."""
        (home / "runtime" / "python_PostgresServer").mkdir(parents=True)
        (home / "runtime").chmod(0o700)
        self._server = start_server(home)

    def url(self, name: str, role: str = "postgres") -> str:
        """The address of one of its databases, for the service."""
        url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        return url.set(database=name, username=role).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run a statement of the server's keeper."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as keeper:
            keeper.execute(statement)

    def create(self) -> str:
        """Make a migrated database with an owner of the same name, and tell its address."""
        name = f"graftwatch_{token_hex(8)}"
        self.execute(f"CREATE ROLE {name} LOGIN")
        self.execute(f"CREATE DATABASE {name} OWNER {name}")
        migrate(self.url(name, name))
        return self.url(name, name)

    def give(self, folder: Path) -> None:
        """Make a folder the server's own."""
        if user := self._server.system_user:
            shutil.chown(folder, user)

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its children, none of which may begin another."""
        postmaster = self._server.get_postmaster_info().process
        postmaster.suspend()
        processes = [*postmaster.children(recursive=True), postmaster]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(20)

    def stop(self) -> None:
        """Stop it as its keeper would: connections are told so and closed."""
        self._server.stop()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop it for as long as the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def start(self) -> None:
        """Start it again on the same data directory; what was killed is recovered first."""
        self._server.ensure_postgres_running()
