"""Reporting lags per facility and type of event, and what they leave to come of a rate.

In:     the day of the state of knowledge: what was recorded before it.
Out:    `ReportingLags`, kept in memory for that day; `share_still_to_come` of a window.
Source: docs/methods.md 9.

What was recorded before a day does not change in its course, unless somebody is erased: one reading
serves every figure until then, and a past `as_of` has the lags as they were known then. Imported
history must not pass for slow reporting: what occurred before its facility's first recording day is
left out.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from service.domain.days import Days
from service.pipeline.surveillance import Surveillance
from service.stats.reporting_lag import LagDistribution, lag_distribution
from service.store import ledger, recordings
from service.store.engine import Connection

WINDOW_DAYS = 365
INFECTION = "infection"


class Lag(NamedTuple):
    """A lag, and the longest one that could have been seen of an event of that day."""

    days: int
    limit: int


Counts = Mapping[Lag, int]


@dataclass
class ReportingLags:
    """The lags known at the start of a day, by facility and type; estimates are made once."""

    before: date
    counts: Mapping[tuple[str, str], Counts]
    _estimated: dict[tuple[tuple[str, ...] | None, str], LagDistribution | None] = field(
        default_factory=dict
    )

    def distribution(
        self, event_type: str, facilities: Collection[str] | None = None
    ) -> LagDistribution | None:
        """The lag of a type at some facilities together, or at all; None where too few tell."""
        named = None if facilities is None else tuple(sorted(facilities))
        key = (named, event_type)
        if key not in self._estimated:
            added: dict[Lag, int] = defaultdict(int)
            for (facility, type_), counts in self.counts.items():
                if type_ == event_type and (named is None or facility in named):
                    for lag, count in counts.items():
                        added[lag] += count
            lags = list(added)
            self._estimated[key] = lag_distribution(
                [lag.days for lag in lags], [lag.limit for lag in lags], list(added.values())
            )
        return self._estimated[key]

    def share_still_to_come(
        self, window: Days, facilities: Collection[str] | None, facility: str | None = None
    ) -> float | None:
        """What of a window's infections is not yet reported; None where no lag is known.

        A facility with too few reports of its own is judged by all those asked for.
        """
        own = self.distribution(INFECTION, [facility]) if facility else None
        found = own or self.distribution(INFECTION, facilities)
        if found is None or window.end_day < window.start_day:
            return None
        known_day = max(self.before.toordinal(), window.end_day)
        return found.share_still_to_come(window.start_day, window.end_day, known_day)


def reporting_lags(
    connection: Connection, surveillance: Surveillance, before: date
) -> ReportingLags:
    """The lags of what occurred in the year before a day and was recorded before it."""
    memory: dict[tuple[date, int], ReportingLags] = surveillance.lags
    known = (before, ledger.head(connection).rewritten_at)
    lags = memory.get(known)
    if lags is None:
        if len(memory) >= MOST_DAYS:
            memory.clear()
        lags = memory[known] = _read(connection, surveillance, before)
    return lags


MOST_DAYS = 32


def _read(connection: Connection, surveillance: Surveillance, before: date) -> ReportingLags:
    def midnight(day: date) -> datetime:
        return datetime.combine(day, time.min, surveillance.zone)

    since = before - timedelta(days=WINDOW_DAYS)
    counts: dict[tuple[str, str], dict[Lag, int]] = defaultdict(lambda: defaultdict(int))
    for facility, first in recordings.first_recordings(connection).items():
        earliest = max(since, first.astimezone(surveillance.zone).date())
        # A day earlier: where the facility's day begins before the network's, so do its reports.
        begin = midnight(earliest - timedelta(days=1))
        for row in recordings.recordings(connection, facility, begin, midnight(before)):
            if earliest <= row.occurred_on < before:
                limit = (before - row.occurred_on).days - 1
                recorded_on = row.recorded_at.astimezone(surveillance.zone).date()
                days = min(max(0, (recorded_on - row.occurred_on).days), limit)
                counts[facility, row.type][Lag(days, limit)] += row.reports
    return ReportingLags(before, {key: dict(of_key) for key, of_key in counts.items()})
