"""The running surveillance: the store, the rules and the clock that every step is given.

In:     the settings.
Out:    `Surveillance`, and the refusal to run on a ledger that was built under other rules.
Source: CONTRIBUTING.md: nothing happens at import; clock and chance come in as arguments.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import RLock
from typing import Any
from zoneinfo import ZoneInfo

from service.domain.rules import FollowUpRules
from service.errors import LedgerOutOfDate
from service.pipeline.counted import Memory
from service.pipeline.growing import Growing
from service.pipeline.kept_series import KeptSeries
from service.pipeline.posted import AnyQuestion, Place
from service.store import ledger
from service.store.engine import Connection, Database

EARLIEST_ZONE = timedelta(hours=14)
"""Kiribati's clocks are 14 hours ahead of UTC."""


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Surveillance:
    """What every step needs: where to keep things, how to count, and what time it is."""

    database: Database
    rules: FollowUpRules = field(default_factory=FollowUpRules)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    clock: Callable[[], datetime] = utc_now
    provisional_share: float = 0.05
    """A rate with more than this share of its reports still to come is provisional."""
    kept_series: KeptSeries = field(default_factory=KeptSeries, compare=False, repr=False)
    memory: Memory = field(default_factory=Memory, compare=False, repr=False)
    _turn: RLock = field(default_factory=RLock, compare=False, repr=False)
    lags: dict[tuple[date, int], Any] = field(default_factory=dict, compare=False, repr=False)
    """What `pipeline.reporting_lags` read, by the day before which it was recorded and the last
    position at which the past was rewritten."""

    def today(self) -> date:
        """The calendar date where the network is."""
        return self.clock().astimezone(self.zone).date()

    def latest_date_on_earth(self) -> date:
        """The date where a day begins first, 14 hours ahead of UTC: a later one is the future."""
        return (self.clock().astimezone(UTC) + EARLIEST_ZONE).date()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that changes the ledger or what is watched; one at a time.

        What is kept of the ledger goes back to where it was where the transaction fails.
        """
        with self.turn():
            try:
                with self.database.write() as connection:
                    yield connection
            except BaseException:
                self.kept_series.revert()
                raise
            self.kept_series.publish()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While nobody else in this process changes what is kept of the ledger."""
        with self._turn:
            yield

    def offer(self, question: AnyQuestion, place: Place, growing: Growing, position: int) -> None:
        """Keep a series that a reader found at a position, for those who ask after it."""
        with self.turn():
            self.kept_series.offer(question, place, growing, position)

    def require_ledger_under_these_rules(self) -> None:
        """Raise `LedgerOutOfDate` where the ledger's sums were counted under other rules."""
        with self.database.write() as connection:
            built_under = ledger.rules_fingerprint(connection)
            if ledger.head_position(connection) == 0:
                ledger.set_rules_fingerprint(connection, self.rules.fingerprint)
            elif built_under != self.rules.fingerprint:
                raise LedgerOutOfDate
