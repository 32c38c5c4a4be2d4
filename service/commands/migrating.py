"""`graftwatch migrate`: bring the database to the shape this release needs, or back.

In:     the database that the settings name.
Out:    the database at the revision asked for, with the shipped baselines and monitors.
Source: docs/operations.md, "Upgrades".
"""

import sys
from typing import Annotated

import typer

from service.commands.console import say
from service.errors import GraftwatchError
from service.settings import Settings, read_settings

HEAD = "head"
BASE = "base"


class CannotMigrate(GraftwatchError):
    """There is no such revision, or no way to it."""

    code = "cannot_migrate"


def migrate(
    to: Annotated[
        str,
        typer.Option(
            help="Revision to go to, forward or back. `base` removes every table and all data."
        ),
    ] = HEAD,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the whole upgrade as SQL, and change nothing.")
    ] = False,
) -> None:
    """Bring the database to the shape this release needs; harmless if there is nothing to do.

    Two at once wait for each other.
    """
    from service.store.migrate import upgrade_sql

    settings = read_settings()
    if sql:
        sys.stdout.write(upgrade_sql(settings.database_url))
        return
    if to != HEAD and sys.stdin.isatty():
        typer.confirm(f"Going to revision {to} may remove data for good. Go on?", abort=True)
    go_to(settings, to)
    say(f"The database is at revision {to}.")


def go_to(settings: Settings, revision: str) -> None:
    """Migrate forward or back; at the newest revision, add what this release ships."""
    from alembic.util.exc import CommandError

    from service.store.migrate import downgrade, upgrade

    try:
        # One of the two finds nothing to do: which one depends on where the database stands.
        if revision != BASE:
            upgrade(settings.database_url, revision)
        if revision != HEAD:
            downgrade(settings.database_url, revision)
    except CommandError as fault:
        raise CannotMigrate(str(fault)) from None
    if revision == HEAD:
        add_what_is_shipped(settings)


def add_what_is_shipped(settings: Settings) -> None:
    """Add the baselines and monitors of this release that the database does not hold yet."""
    from service.monitors.shipped import shipped_monitors
    from service.pipeline.surveillance import utc_now
    from service.reference.baselines import shipped_baselines
    from service.store.catalogue import add_shipped
    from service.store.engine import Database

    baselines = shipped_baselines()
    database = Database(settings.database_url)
    try:
        with database.write() as connection:
            add_shipped(connection, baselines, shipped_monitors(baselines), utc_now())
    finally:
        database.close()
