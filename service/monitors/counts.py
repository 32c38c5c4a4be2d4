"""Cases beside expected cases, day by day: what every method weighs.

In:     a baseline, the null, and the series of one place.
Out:    `Counts`.
Source: docs/methods.md 7: what each measure leads to expect.

Expected cases by day d, under the null p:

    rate                   p x person-years up to d
    cumulative incidence   -ln(1-p)/H x person-days up to d within [0, H]: a constant hazard
    proportion             p x recipients entered by d, which runs ahead of the true expectation
    share                  p x cases by d
    (any but a share)      what was given for a replay, whatever p
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.errors import MeasureMismatch
from service.monitors.day_counts import Whole
from service.monitors.series import (
    Amounts,
    CohortSeries,
    DailySeries,
    ExpectedSeries,
    Series,
    ShareSeries,
    Unit,
)
from service.reference.baselines import Baseline
from service.stats.rates import DAYS_PER_YEAR

Numbers: TypeAlias = NDArray[np.float64]

ASSUMPTIONS = {
    "cumulative_incidence": "A constant hazard up to the horizon.",
    "proportion": "Every recipient's whole share is expected on entry, so this is conservative.",
    "share": "Of each course the first case counts.",
}
"""What the expectation of a measure takes for granted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts from the start, or from a day on, up to the end of each of `days`, which ascend."""

    days: Whole
    cases: Whole
    expected: Numbers
    exposure: Amounts
    unit: Unit
    onsets: Whole

    @property
    def new_cases(self) -> Whole:
        """Cases since the day before in `days`."""
        return np.diff(self.cases, prepend=0)

    @property
    def newly_expected(self) -> Numbers:
        """Expected cases since the day before in `days`."""
        return np.maximum(np.diff(self.expected, prepend=0.0), 0.0)


def counts_on(
    days: Whole,
    series: Series,
    baseline: Baseline,
    null: float,
    *,
    since_day: int | None,
    today: int,
) -> Counts:
    """The counts on the days; MeasureMismatch if the series is not one of the measure's."""
    per_unit = PER_UNIT.get((baseline.measure, type(series)))
    if per_unit is None:
        raise MeasureMismatch(
            f"A baseline of measure {baseline.measure} has no expectation over "
            f"{type(series).__name__}: person-time, recipients and cases are never mixed."
        )
    onsets = series.onsets(since_day, today)
    exposure = series.exposure(since_day, days)
    return Counts(
        days=days,
        cases=np.searchsorted(onsets, days, side="right").astype(np.int64),
        expected=exposure.astype(np.float64) * per_unit(baseline, null),
        exposure=exposure,
        unit=series.unit,
        onsets=onsets,
    )


def days_of_onsets(series: Series, since_day: int | None, today: int, also_on: Whole) -> Whole:
    """Each day of an onset, today, and others asked for: between them evidence only falls."""
    onsets = series.onsets(since_day, today)
    days = np.unique(np.concatenate((onsets, also_on[also_on <= today], [today])))
    return (days if since_day is None else days[days >= since_day]).astype(np.int64)


def every_day(series: Series, since_day: int | None, today: int) -> Whole:
    """Every calendar day from the first of which anything is known, or from a day on, to today."""
    known = series.first_day
    first = today if known is None else min(known, today)
    return np.arange(first if since_day is None else max(first, since_day), today + 1)


def _per_person_day(_: Baseline, null: float) -> float:
    return null / DAYS_PER_YEAR


def _per_person_day_within_horizon(baseline: Baseline, null: float) -> float:
    return -math.log1p(-null) / (baseline.horizon_days or math.nan)


def _itself(_: Baseline, null: float) -> float:
    return null


def _as_given(_: Baseline, _null: float) -> float:
    return 1.0


PER_UNIT: dict[tuple[str, type[Series]], Callable[[Baseline, float], float]] = {
    ("rate", DailySeries): _per_person_day,
    ("cumulative_incidence", DailySeries): _per_person_day_within_horizon,
    ("proportion", CohortSeries): _itself,
    ("share", ShareSeries): _itself,
    ("rate", ExpectedSeries): _as_given,
    ("cumulative_incidence", ExpectedSeries): _as_given,
    ("proportion", ExpectedSeries): _as_given,
}
"""Expected cases for one unit of exposure, by measure and kind of series."""
