"""How the evidence of a monitor went, day by day: the chart behind an alert.

In:     a monitor with a baseline, and a facility (None: the network).
Out:    `MonitorPath`: cases, expected cases and the method's statistic, the gaps between cases, and
        how much is expected at present, recomputed from the ledger.
Source: docs/methods.md 8. Nothing is stored: a signal can be recomputed from the data at any time.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from service.errors import NotFound
from service.monitors.alerts import evidence_since
from service.monitors.counts import counts_on
from service.monitors.day_counts import Whole
from service.monitors.definitions import MonitorDefinition
from service.monitors.detection import times_to_detect
from service.monitors.evidence import Evidence
from service.monitors.methods import cannot_watch
from service.monitors.questions import Question
from service.monitors.series import Series
from service.monitors.signals import NETWORK, facility_scope
from service.monitors.weighing import null_of, weigh
from service.pipeline.look import Facilities, Look
from service.reference.baselines import Baseline
from service.stats.g_chart import GapLimits, day_gap_limits, expected_gap_limits
from service.stats.time_to_detect import TimeToDetect
from service.store import alerts as alert_store
from service.store import catalogue

MOST_DAYS = 400
"""Days without a case that a path shows, evenly spread; each day of an onset is shown too."""

VOLUME_DAYS = 365
"""The days over which the present volume is averaged."""


class Gap(NamedTuple):
    """From one case to the next: days, and what was expected and at risk after the one's day and up
    to the other's. 0 of each where both came on one day."""

    from_day: int
    to_day: int
    days: int
    expected: float
    exposure: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """The g-chart: the gaps in order, and the limits of a gap in days and in expected cases.

    The limits in days take the mean expectation a day of the path; None where nothing is expected.
    """

    gaps: tuple[Gap, ...]
    in_days: GapLimits | None
    in_expected: GapLimits


@dataclass(frozen=True, slots=True)
class MonitorPath:
    """The evidence of one place since its start, or since the last closing of its alert.

    `expected_per_day` is the present volume: cases expected a day over the last 365 days;
    `detection` how long the monitor would take at it, from a fresh start.
    """

    monitor: MonitorDefinition
    baseline: Baseline
    scope_key: str
    evidence: Evidence
    gaps: Gaps
    expected_per_day: float
    detection: tuple[TimeToDetect, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a monitor looks at in one place."""

    baseline: Baseline
    series: Series


def monitor_path(
    look: Look, monitor: MonitorDefinition, facility: str | None, today: int
) -> MonitorPath:
    """The path of one place, whether the monitor is on or off.

    Raises `NotFound` for a rule, which has no expectation, and where the baseline has none.
    """
    facilities = None if facility is None else (facility,)
    seen = observed_by(look, monitor, facilities, today)
    scope_key = NETWORK if facility is None else facility_scope(facility)
    own = [
        kept.state
        for kept in alert_store.alerts_of(look.connection, [monitor.id])
        if kept.state.scope_key == scope_key
    ]
    since_day = evidence_since(own)
    evidence = weigh(
        monitor,
        seen.baseline,
        seen.series,
        since_day=since_day,
        today=today,
        also_on=_shown_days(seen.series, since_day, today),
    )
    per_day = _volume(monitor, seen, today)
    return MonitorPath(
        monitor,
        seen.baseline,
        scope_key,
        evidence,
        gaps=gaps_of(evidence, seen.series.onsets(since_day, today)),
        expected_per_day=per_day,
        detection=tuple(times_to_detect(monitor, seen.baseline, per_day)),
    )


def observed_by(
    look: Look, monitor: MonitorDefinition, facilities: Facilities, today: int
) -> Observed:
    """The series of some facilities (None: all) that the monitor looks at.

    Raises `NotFound` where it holds cases against no expected number.
    """
    baseline = catalogue.current_baselines(look.connection).get(monitor.baseline_id or "")
    if baseline is None or cannot_watch(monitor, baseline):
        raise NotFound("This monitor has no path: it holds cases against no expected number.")
    question = Question(baseline, monitor.exclude_usual_contaminants)
    return Observed(baseline, look.series(question, facilities, today))


def present_volume(
    look: Look, monitor: MonitorDefinition, facilities: Facilities, today: int
) -> float:
    """Cases expected a day under the monitor's null, averaged over the last 365 days.

    Raises `NotFound` where the monitor holds cases against no expected number.
    """
    return _volume(monitor, observed_by(look, monitor, facilities, today), today)


def _volume(monitor: MonitorDefinition, seen: Observed, today: int) -> float:
    counts = counts_on(
        np.array([today], dtype=np.int64),
        seen.series,
        seen.baseline,
        null_of(monitor, seen.baseline).value,
        since_day=today - VOLUME_DAYS + 1,
        today=today,
    )
    return float(counts.expected[0]) / VOLUME_DAYS


def gaps_of(evidence: Evidence, onsets: Whole) -> Gaps:
    """The gaps between the cases of a path, one for each case but the first."""
    path = evidence.path
    at = np.searchsorted(path.days, onsets)
    gaps = tuple(
        Gap(
            from_day=int(path.days[before]),
            to_day=int(path.days[after]),
            days=int(path.days[after] - path.days[before]),
            expected=float(path.expected[after] - path.expected[before]),
            exposure=int(path.exposure[after] - path.exposure[before]),
        )
        for before, after in pairwise(at.tolist())
    )
    length = int(path.days[-1] - path.days[0]) + 1 if path.days.size else 0
    mean = float(path.expected[-1]) / length if length else 0.0
    return Gaps(gaps, day_gap_limits(mean), expected_gap_limits())


def _shown_days(series: Series, since_day: int | None, today: int) -> Whole:
    start_day = today if series.first_day is None else series.first_day
    first = max(start_day, since_day or start_day)
    if first >= today:
        return np.array([today], dtype=np.int64)
    step = max(1, -(-(today - first) // MOST_DAYS))
    return np.arange(first, today + 1, step, dtype=np.int64)
