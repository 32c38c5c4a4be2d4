"""Bring a database to the shape this release needs, or back.

In:     a database URL.
Out:    the database at a revision of `migrations/`; `revision` tells where it stands.
Source: alembic; docs/operations.md. Where Citus is, the tables are spread: docs/scaling.md.

Two processes may run this at once: the second waits for the first and finds nothing to do.
"""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.store import citus, wall
from service.store.engine import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
log = structlog.stdlib.get_logger(__name__)

MIGRATION_LOCK = 0x67726166  # "graf"; any number that nothing else in the database uses


def upgrade(database_url: str, revision: str = "head") -> None:
    """Apply the migrations up to `revision`, all of them by default.

    At the newest revision the tables are spread over the nodes of Citus, where that is, and
    PostgreSQL is told which rows a bound key may read.
    """

    def step(connection: Connection, config: Config) -> None:
        command.upgrade(config, revision)
        if is_at_head(connection):
            citus.place(connection)
            if not wall.build(connection):
                log.warning("second_wall_missing", advice="docs/access.md, A second wall")

    _migrate(database_url, step)


def downgrade(database_url: str, revision: str) -> None:
    """Take migrations back to `revision`; `base` empties the database."""
    _migrate(database_url, lambda _, config: command.downgrade(config, revision))


def upgrade_sql(database_url: str) -> str:
    """The whole upgrade as SQL, for a reader or a checker."""
    written = StringIO()
    config = _config()
    config.output_buffer = written
    config.attributes["url"] = database_url
    command.upgrade(config, "head", sql=True)
    return written.getvalue()


def is_at_head(connection: Connection) -> bool:
    """Does the database have the shape this release needs?"""
    return revision(connection) == newest_revision()


def revision(connection: Connection) -> str | None:
    """Where the database stands; None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Where this release needs it."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows_revision(name: str) -> bool:
    """Is this one of the revisions that this release has?"""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return name in {one.revision for one in known}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _migrate(database_url: str, step: Callable[[Connection, Config], None]) -> None:
    database = Database(database_url)
    try:
        with database.migrate() as connection:
            if not database.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            config = _config()
            config.attributes["connection"] = connection
            step(connection, config)
    finally:
        database.close()
