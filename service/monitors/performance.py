"""How a monitor has done: what its closed alerts turned out to be, and how soon it signalled.

In:     one `Record` for each alert of the monitor.
Out:    `Performance`: outcomes, the positive predictive value, days to the signal.
Source: docs/methods.md 8.8; Clopper & Pearson 1934 (doi 10.1093/biomet/26.4.404); quartiles as
        Hyndman & Fan 1996, type 7 (doi 10.2307/2684934).

An alert is a true one if it was closed as `outbreak`, a false one with any other outcome; what is
not closed does not count yet. An alert that an older one took over is left out: that one speaks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import quantiles
from typing import NamedTuple

from service.monitors.actions import OUTCOMES
from service.stats.interval import Interval
from service.stats.proportions import proportion_interval

TRUE_OUTCOME = "outbreak"


class Record(NamedTuple):
    """What counts of one alert; `signalled_day` is by onsets, `opened_day` by the calendar."""

    status: str
    outcome: str | None
    first_onset_day: int | None
    signalled_day: int | None
    opened_day: int

    @property
    def is_true(self) -> bool:
        """Did it turn out to be an outbreak?"""
        return self.status == "closed" and self.outcome == TRUE_OUTCOME


class Delay(NamedTuple):
    """Days from the first onset, over so many alerts; None where there are none."""

    alerts: int
    lower_quartile: float | None
    median: float | None
    upper_quartile: float | None


@dataclass(frozen=True, slots=True)
class Predictive:
    """True alerts among those closed; `value` and its limits are None where none is closed."""

    true: int
    closed: int
    value: float | None
    interval: Interval


@dataclass(frozen=True, slots=True)
class Performance:
    """How a monitor has done; `outcomes` names every outcome, those that never came too.

    `to_signal` is by onsets and only where the method has such a day, `to_alert` includes what
    reports take; each over all alerts and over the true ones.
    """

    alerts: int
    waiting: int
    outcomes: Mapping[str, int]
    predictive: Predictive
    to_signal: Delay
    to_signal_of_true: Delay
    to_alert: Delay
    to_alert_of_true: Delay


def performance_of(records: Iterable[Record]) -> Performance:
    """The bookkeeping over the alerts of one monitor."""
    known = list(records)
    true = [record for record in known if record.is_true]
    closed = [record for record in known if record.status == "closed"]
    happened = Counter(record.outcome for record in closed)
    return Performance(
        alerts=len(known),
        waiting=len(known) - len(closed),
        outcomes={outcome: happened[outcome] for outcome in OUTCOMES},
        predictive=predictive_value(len(true), len(closed)),
        to_signal=_to_signal(known),
        to_signal_of_true=_to_signal(true),
        to_alert=_to_alert(known),
        to_alert_of_true=_to_alert(true),
    )


def predictive_value(true: int, closed: int) -> Predictive:
    """The share of true alerts among those closed, exact at 95%.

    >>> found = predictive_value(3, 4)
    >>> print(found.value, round(found.interval.lower, 4), round(found.interval.upper, 4))
    0.75 0.1941 0.9937
    """
    value = true / closed if closed else None
    return Predictive(true, closed, value, proportion_interval(true, closed))


def delay_of(days: Iterable[int]) -> Delay:
    """Median and quartiles of numbers of days.

    >>> delay_of([10, 20, 40])
    Delay(alerts=3, lower_quartile=15.0, median=20.0, upper_quartile=30.0)
    """
    known = sorted(days)
    if not known:
        return Delay(0, None, None, None)
    if len(known) == 1:
        return Delay(1, *(float(known[0]),) * 3)
    return Delay(len(known), *quantiles(known, method="inclusive"))


def _to_signal(records: Iterable[Record]) -> Delay:
    return delay_of(
        record.signalled_day - record.first_onset_day
        for record in records
        if record.signalled_day is not None and record.first_onset_day is not None
    )


def _to_alert(records: Iterable[Record]) -> Delay:
    return delay_of(
        record.opened_day - record.first_onset_day
        for record in records
        if record.first_onset_day is not None
    )
