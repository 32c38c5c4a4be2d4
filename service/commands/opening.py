"""Open the surveillance that the settings describe, for the length of one command.

In:     the settings.
Out:    a `Surveillance` on a database of this release's shape, closed again at the end.
Source: `service.pipeline.opening`, as for the service.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from service.errors import LedgerOutOfDate
from service.settings import Settings

if TYPE_CHECKING:
    from service.pipeline.surveillance import Surveillance


@contextmanager
def opened(settings: Settings, *, under_any_rules: bool = False) -> "Iterator[Surveillance]":
    """The surveillance; refuses a database not migrated, or a ledger counted under other rules."""
    from service.pipeline.opening import open_surveillance, require_ready

    require_existing_file(settings)
    surveillance = open_surveillance(settings)
    try:
        with suppress(*((LedgerOutOfDate,) if under_any_rules else ())):
            require_ready(surveillance)
        yield surveillance
    finally:
        surveillance.database.close()


def require_existing_file(settings: Settings) -> None:
    """Refuse a SQLite file that is not there, which opening it would make."""
    from service.pipeline.opening import NotMigrated

    if is_missing_file(settings):
        raise NotMigrated(
            "There is no database yet: run `graftwatch migrate`, or name another in "
            "GRAFTWATCH_DATABASE_URL."
        )


def is_missing_file(settings: Settings) -> bool:
    """Do the settings name a SQLite file that does not exist?"""
    from service.store.engine import Database

    return Database(settings.database_url).is_missing_file  # connects to nothing
