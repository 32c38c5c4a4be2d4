"""Open the surveillance that the settings describe, and see that it can be used.

In:     the settings.
Out:    a `Surveillance`, connected to nothing yet; `NotMigrated` or `LedgerOutOfDate` where its
        database is not this release's.
Source: docs/operations.md.
"""

from zoneinfo import ZoneInfo

from service.domain.rules import FollowUpRules
from service.errors import GraftwatchError
from service.pipeline.surveillance import Surveillance
from service.reference.case_definitions import read_rows, shipped_case_definitions
from service.settings import Settings, SettingsError
from service.store.engine import Database
from service.store.migrate import is_at_head


class NotMigrated(GraftwatchError):
    """The database has not the shape that this release needs."""

    code = "not_migrated"


def open_surveillance(settings: Settings) -> Surveillance:
    """The surveillance that the settings describe; nothing is connected yet."""
    return Surveillance(
        database=Database(settings.database_url, pool_size=settings.database_pool_size),
        rules=rules_of(settings),
        zone=ZoneInfo(settings.timezone),
        provisional_share=settings.provisional_share,
    )


def rules_of(settings: Settings) -> FollowUpRules:
    """How silence ends follow-up and how records become episodes."""
    definitions = shipped_case_definitions()
    if settings.case_definitions_file is not None:
        try:
            definitions = definitions.replaced_by(
                read_rows(settings.case_definitions_file.read_bytes())
            )
        except (OSError, ValueError) as fault:
            raise SettingsError(
                f"GRAFTWATCH_CASE_DEFINITIONS_FILE cannot be used: {type(fault).__name__}"
            ) from fault
    return FollowUpRules(settings.followup_grace_days, definitions)


def require_ready(surveillance: Surveillance) -> None:
    """Refuse a database of another shape, or a ledger counted under other rules."""
    with surveillance.database.read() as connection:
        if not is_at_head(connection):
            raise NotMigrated(
                "The database has not the shape this release needs: run `graftwatch migrate`."
            )
    surveillance.require_ledger_under_these_rules()
