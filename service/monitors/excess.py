"""More cases than a published figure leads to expect: evidence since the start.

In:     a monitor, its baseline, and the daily series of one place, taken from the ledger.
Out:    `ExcessEvidence`: cases beside expected cases, the e-value, and when it signalled.
Source: docs/methods.md 7 (what each measure leads to expect) and 8.1 (the e-process).

Expected cases by day d, under the null p:

    rate                   p x person-years up to d
    cumulative incidence   -ln(1-p)/H x person-days up to d within [0, H]: a constant hazard
    proportion             p x recipients entered by d, which runs ahead of the true expectation

After an alert was closed the evidence starts anew on the following day. For a rate only cases and
person-time since then count. For a proportion only *recipients entered* since then and their own
cases count: cases that earlier recipients still get would stand against an expectation that no
longer holds them, and the promise about false alarms would be broken.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.errors import MeasureMismatch
from service.monitors.definitions import MonitorDefinition
from service.monitors.nulls import NullValue, expected_null
from service.reference.baselines import Baseline
from service.stats.e_process import ExcessPath, excess_path, first_crossing
from service.stats.person_time import RunningPersonDays
from service.stats.rates import DAYS_PER_YEAR

Whole: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.float64]

CRITICAL_TIMES_THRESHOLD = 5
"""Warning at e >= 1/alpha, critical at five times that: 20 and 100 at alpha 0.05."""

LARGEST_LOG_E = 700.0
"""exp of more than this is no finite number, and JSON knows none other."""


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Cases against person-time: onset days, and steps in the number at risk, in any order."""

    case_days: Whole
    risk_days: Whole
    risk_changes: Whole


@dataclass(frozen=True, slots=True)
class CohortSeries:
    """Cases against recipients: for each case its onset and index day, for each recipient the
    day of entry, in any order."""

    case_days: Whole
    case_index_days: Whole
    entered_days: Whole


Series: TypeAlias = DailySeries | CohortSeries


@dataclass(frozen=True, slots=True)
class ExcessEvidence:
    """Cases beside expected cases up to today, and the strongest evidence seen on the way.

    `exposure` is in `exposure_unit` (person_days or recipients); `e_value` is the running maximum,
    not below 1, where every e-process starts; `severity` is None where nothing is signalled. The
    path has a point for each onset day and one for today.
    """

    observed: int
    expected: float
    e_value: float
    threshold: float
    exposure: int
    exposure_unit: str
    null: NullValue
    assumption: str | None
    since_day: int | None
    first_onset_day: int | None
    last_onset_day: int | None
    signalled_day: int | None
    severity: str | None
    path: ExcessPath

    def as_json(self, baseline: Baseline) -> dict[str, Any]:
        """What an alert keeps: enough to compute it again."""
        return {
            "observed": self.observed,
            "expected": self.expected,
            "e_value": self.e_value,
            "threshold": self.threshold,
            self.exposure_unit: self.exposure,
            "null": {"value": self.null.value, "described_as": self.null.described_as},
            "assumption": self.assumption,
            "baseline": {"id": baseline.id, "version": baseline.version},
            "counted_from": _iso(self.since_day),
            "signalled_on": _iso(self.signalled_day),
        }


def evaluate_excess(
    definition: MonitorDefinition,
    baseline: Baseline,
    series: Series,
    *,
    since_day: int | None,
    today: int,
) -> ExcessEvidence | None:
    """The signal, if the evidence ever reached the monitor's threshold up to today."""
    evidence = weigh_excess(definition, baseline, series, since_day=since_day, today=today)
    return evidence if evidence.severity else None


def weigh_excess(
    definition: MonitorDefinition,
    baseline: Baseline,
    series: Series,
    *,
    since_day: int | None,
    today: int,
    also_on: Whole | None = None,
) -> ExcessEvidence:
    """The evidence up to today, signalled or not; MeasureMismatch if the series does not fit.

    The days of `also_on` join the path; on days without a case the evidence only falls, so they
    change nothing of what is signalled.
    """
    null = expected_null(baseline, definition.null)
    onsets = np.sort(_counted_onsets(series, since_day, today))
    more = np.array([], dtype=np.int64) if also_on is None else also_on[also_on <= today]
    days = np.unique(np.concatenate((onsets, more, [today]))).astype(np.int64)
    if since_day is not None:
        days = days[days >= since_day]
    exposure = _exposure(series, since_day, days)
    path = excess_path(
        days,
        np.searchsorted(onsets, days, side="right").astype(np.int64),
        exposure.astype(np.float64) * _per_unit(baseline, series)(baseline, null.value),
    )
    log_e = float(max(0.0, path.running_max_log_e[-1])) if days.size else 0.0
    crossing = first_crossing(path, math.log(definition.threshold))
    return ExcessEvidence(
        observed=int(onsets.size),
        expected=float(path.expected[-1]) if days.size else 0.0,
        e_value=math.exp(min(log_e, LARGEST_LOG_E)),
        threshold=definition.threshold,
        exposure=int(exposure[-1]) if days.size else 0,
        exposure_unit="recipients" if isinstance(series, CohortSeries) else "person_days",
        null=null,
        assumption=ASSUMPTIONS.get(baseline.measure),
        since_day=since_day,
        first_onset_day=int(onsets[0]) if onsets.size else None,
        last_onset_day=int(onsets[-1]) if onsets.size else None,
        signalled_day=None if crossing is None else int(days[crossing]),
        severity=_severity(log_e, definition.threshold),
        path=path,
    )


def _counted_onsets(series: Series, since_day: int | None, today: int) -> Whole:
    counted = series.case_days <= today
    if since_day is not None:
        counted &= series.case_days >= since_day
        if isinstance(series, CohortSeries):
            counted &= series.case_index_days >= since_day
    return series.case_days[counted]


def _exposure(series: Series, since_day: int | None, days: Whole) -> Whole:
    """Person-days, or recipients entered, up to and including each of the days."""
    if isinstance(series, CohortSeries):
        entered = np.sort(series.entered_days)
        if since_day is not None:
            entered = entered[entered >= since_day]
        return np.searchsorted(entered, days, side="right").astype(np.int64)
    running = RunningPersonDays.of(series.risk_days, series.risk_changes)
    if since_day is None:
        return running.before(days + 1)
    return running.between(np.full(days.shape, since_day, dtype=np.int64), days)


def _severity(log_e: float, threshold: float) -> str | None:
    if log_e >= math.log(CRITICAL_TIMES_THRESHOLD * threshold):
        return "critical"
    return "warning" if log_e >= math.log(threshold) else None


def _per_person_day(_: Baseline, null: float) -> float:
    return null / DAYS_PER_YEAR


def _per_person_day_within_horizon(baseline: Baseline, null: float) -> float:
    return -math.log1p(-null) / (baseline.horizon_days or math.nan)


def _per_recipient(_: Baseline, null: float) -> float:
    return null


PER_UNIT: dict[tuple[str, type[Series]], Callable[[Baseline, float], float]] = {
    ("rate", DailySeries): _per_person_day,
    ("cumulative_incidence", DailySeries): _per_person_day_within_horizon,
    ("proportion", CohortSeries): _per_recipient,
}
"""Expected cases for one unit of exposure, by measure and kind of series."""

ASSUMPTIONS = {
    "cumulative_incidence": "A constant hazard up to the horizon.",
    "proportion": "Every recipient's whole share is expected on entry, so this is conservative.",
}


def _per_unit(baseline: Baseline, series: Series) -> Callable[[Baseline, float], float]:
    per_unit = PER_UNIT.get((baseline.measure, type(series)))
    if per_unit is None:
        raise MeasureMismatch(
            f"A baseline of measure {baseline.measure} has no expectation over "
            f"{type(series).__name__}: person-time and recipients are never mixed."
        )
    return per_unit


def _iso(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()
