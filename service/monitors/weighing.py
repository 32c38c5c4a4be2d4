"""The evidence of one monitor at one place, whatever its method.

In:     a monitor, its baseline, the series of one facility or the network.
Out:    `Evidence`, signalled or not.
Source: docs/methods.md 8. It is a function of the series alone, so that a signal can be recomputed
        from the data at any time.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from service.monitors.counts import (
    ASSUMPTIONS,
    Counts,
    Numbers,
    counts_on,
    days_of_onsets,
    every_day,
)
from service.monitors.day_counts import Whole
from service.monitors.definitions import Method, MonitorDefinition
from service.monitors.evidence import Evidence, Statistic, Weighed, path_of, severity_of
from service.monitors.excess import weigh_conditional, weigh_e_process, weigh_maxsprt
from service.monitors.nulls import NullValue, expected_null
from service.monitors.rises import weigh_cusum, weigh_e_detector
from service.monitors.series import Amounts, Series
from service.monitors.shares import weigh_share_shift
from service.reference.baselines import Baseline

NO_DAYS: Whole = np.array([], dtype=np.int64)


class Weighing(NamedTuple):
    """How a method weighs counts, what its statistic is called, and whether it needs every day.

    On days without a case an e-value and a log-likelihood ratio only fall: the days of onsets are
    enough. A rise is a matter of days, and a delayed start can come between two cases.
    """

    weigh: Callable[[MonitorDefinition, Baseline, Counts], Weighed]
    statistic: Statistic
    daily: bool


WEIGHINGS: Mapping[Method, Weighing] = {
    "e_process": Weighing(weigh_e_process, "e_value", daily=False),
    "maxsprt": Weighing(weigh_maxsprt, "log_likelihood_ratio", daily=True),
    "conditional_maxsprt": Weighing(weigh_conditional, "log_likelihood_ratio", daily=False),
    "e_detector": Weighing(weigh_e_detector, "e_detector", daily=True),
    "cusum": Weighing(weigh_cusum, "cusum", daily=True),
    "share_shift": Weighing(weigh_share_shift, "e_value", daily=False),
}


def weigh(
    monitor: MonitorDefinition,
    baseline: Baseline,
    series: Series,
    *,
    since_day: int | None,
    today: int,
    also_on: Whole = NO_DAYS,
) -> Evidence:
    """The evidence up to today, signalled or not; MeasureMismatch if the series does not fit.

    The path has a point for each onset day, one for today, and those of `also_on`, which change
    nothing of what is signalled.
    """
    method = WEIGHINGS[monitor.method]
    shown = days_of_onsets(series, since_day, today, also_on)
    days = every_day(series, since_day, today) if method.daily else shown
    null = null_of(monitor, baseline)
    counts = counts_on(days, series, baseline, null.value, since_day=since_day, today=today)
    weighed = method.weigh(monitor, baseline, counts)
    found = _found(weighed.log_above)
    first, last = _counted(counts, weighed, found)
    within = counts.onsets[(counts.onsets >= first) & (counts.onsets <= last)]
    path = path_of(counts, weighed)
    return Evidence(
        method=monitor.method,
        statistic=method.statistic,
        observed=int(within.size),
        expected=_between(counts.days, counts.expected, first, last),
        exposure=int(_between(counts.days, counts.exposure, first, last)),
        exposure_unit=counts.unit,
        highest=float(path.highest[-1]) if days.size else weighed.least,
        now=float(weighed.statistic[-1]) if days.size else weighed.least,
        threshold=weighed.threshold,
        null=null,
        assumption=ASSUMPTIONS.get(baseline.measure),
        since_day=since_day,
        counted=(first, last),
        first_onset_day=int(within[0]) if within.size else None,
        last_onset_day=int(within[-1]) if within.size else None,
        signalled_day=None if found.first is None else int(days[found.first]),
        severity=severity_of(found.highest),
        log_e_now=_now(weighed),
        state=weighed.state,
        path=path.on(shown),
    )


def null_of(monitor: MonitorDefinition, baseline: Baseline) -> NullValue:
    """What the monitor tests against; a conditional test is against the figure itself."""
    conditional = monitor.method == "conditional_maxsprt"
    return expected_null(baseline, "point" if conditional else monitor.null)


class Found(NamedTuple):
    """Indices of the first and the last day above the threshold, and ln of the most evidence."""

    first: int | None
    last: int | None
    highest: float


def _found(log_above: Numbers) -> Found:
    above = np.flatnonzero(log_above >= 0.0)
    highest = float(log_above.max()) if log_above.size else -np.inf
    return (
        Found(int(above[0]), int(above[-1]), highest) if above.size else Found(None, None, highest)
    )


def _counted(counts: Counts, weighed: Weighed, found: Found) -> tuple[int, int]:
    """The days over which cases are counted against the expected ones.

    All of them, unless the method sees a rise. A rise that signals lasts from the day it began, as
    seen when it first signalled, to the last day above the threshold. Where none does it is the
    strongest rise so far, up to the day on which it stood highest.
    """
    if not counts.days.size:
        return 1, 0
    first, last = int(counts.days[0]), int(counts.days[-1])
    if weighed.began is None:
        return first, last
    if found.first is None or found.last is None:
        peak = int(weighed.log_above.argmax())
        return int(weighed.began[peak]), int(counts.days[peak])
    return int(weighed.began[found.first]), int(counts.days[found.last])


def _between(days: Whole, running: Amounts, first: int, last: int) -> float:
    """What a running count gained from the first day to the last, both included."""
    if not days.size:
        return 0.0
    before = int(np.searchsorted(days, first, side="left")) - 1
    until = int(np.searchsorted(days, last, side="right")) - 1
    return float(running[until]) - (float(running[before]) if before >= 0 else 0.0)


def _now(weighed: Weighed) -> float | None:
    if weighed.log_e is None:
        return None
    return float(weighed.log_e[-1]) if weighed.log_e.size else 0.0
