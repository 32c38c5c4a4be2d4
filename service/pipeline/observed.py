"""The observed figure of each measure, and the number of cases a baseline leads to expect.

In:     a baseline, its cases, and what they are held against.
Out:    `Observed` with its interval, and `Expected` with its formula in words.
Source: docs/methods.md 5 and 7. Rate: exact Poisson; proportion and share: Clopper-Pearson unless
        another is asked for;
        cumulative incidence: Aalen-Johansen with log-log limits.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from service.monitors.series import LedgerSeries
from service.pipeline.course_rows import Runs
from service.reference.baselines import Baseline
from service.stats.cumulative_incidence import cumulative_incidence
from service.stats.interval import Interval
from service.stats.person_time import person_days
from service.stats.proportions import proportion_interval
from service.stats.rates import rate_estimate

Unit: TypeAlias = Literal["per person-year", "fraction of recipients", "fraction of cases"]

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Observed:
    """Cases over what they are held against, in the baseline's own unit; value None without any.

    Of the exposures those that belong to the measure are given: person-days for a rate, recipients
    for a proportion, both (within the horizon) and the number still at risk on the horizon day for
    a cumulative incidence, the cases it is a share of for a share.
    """

    cases: int
    value: float | None
    unit: Unit
    interval: Interval
    person_days: int | None = None
    recipients: int | None = None
    among_cases: int | None = None
    at_risk: int | None = None


class Expected(NamedTuple):
    """Cases expected under the published figure itself, and how that number was formed.

    No number where the figure allows none: all recipients ill by the horizon is no hazard.
    """

    cases: float | None
    formula: str
    assumption: str | None = None


def observed_rate(
    baseline: Baseline, series: LedgerSeries, today: int
) -> tuple[Observed, Expected]:
    """Cases over matching person-time."""
    count = int(series.onsets(None, today).size)
    days, changes = series.steps
    first_day = int(days.min()) if days.size else today
    at_risk = person_days(days, changes, first_day, today)
    estimate = rate_estimate(count, at_risk, per=1.0, level=LEVEL)
    observed = Observed(
        count, estimate.rate, "per person-year", estimate.interval, person_days=at_risk
    )
    figure = baseline.value or 0.0
    expected = Expected(
        figure * estimate.person_years, "published rate × observed person-years", _phases(baseline)
    )
    return observed, expected


def _phases(baseline: Baseline) -> str | None:
    """What to bear in mind where cases and time at risk are not of the same days."""
    if set(baseline.numerator.phase) == set(baseline.denominator_phase):
        return None
    cases = ", ".join(baseline.numerator.phase) or "all days"
    time = ", ".join(baseline.denominator_phase) or "all days"
    return f"Cases of days {cases} after the index date over follow-up of {time}, as published."


def observed_proportion(
    baseline: Baseline, series: LedgerSeries, today: int, *, method: str = "exact"
) -> tuple[Observed, Expected]:
    """Recipients with at least one case over recipients; a recipient is a course."""
    ill = int(series.onsets(None, today).size)
    recipients = int(series.steps[1].sum())
    observed = Observed(
        ill,
        ill / recipients if recipients else None,
        "fraction of recipients",
        proportion_interval(ill, recipients, method, LEVEL),
        recipients=recipients,
    )
    expected = Expected(
        (baseline.value or 0.0) * recipients,
        "published proportion × recipients entered",
        "Every recipient counts in full from entry, however short the follow-up so far: the "
        "expected number runs ahead, and a ratio below 1 may mean only that it is early.",
    )
    return observed, expected


def observed_share(
    baseline: Baseline, series: LedgerSeries, today: int, *, method: str = "exact"
) -> tuple[Observed, Expected]:
    """The cases of the numerator among the cases it is a share of, the first of each course."""
    part = int(series.onsets(None, today).size)
    among = int(series.steps[1].sum())
    observed = Observed(
        part,
        part / among if among else None,
        "fraction of cases",
        proportion_interval(part, among, method, LEVEL),
        among_cases=among,
    )
    return observed, Expected((baseline.value or 0.0) * among, "published share × cases")


def observed_incidence(baseline: Baseline, runs: Runs) -> tuple[Observed, Expected]:
    """Aalen-Johansen at the horizon, and the cases a constant hazard up to it would bring."""
    horizon_days = baseline.horizon_days or 0
    found = cumulative_incidence(runs.entry, runs.exit, runs.cause, level=LEVEL).at(horizon_days)
    within = np.minimum(runs.exit, horizon_days) - runs.entry
    at_risk = int(np.maximum(within, 0).sum())
    observed = Observed(
        found.events,
        found.estimate,
        "fraction of recipients",
        found.interval,
        person_days=at_risk,
        recipients=int(runs.is_first[runs.entry < horizon_days].sum()),
        at_risk=found.at_risk,
    )
    figure = baseline.value or 0.0
    hazard = -math.log1p(-figure) / horizon_days if figure < 1 else None
    expected = Expected(
        None if hazard is None else hazard * at_risk,
        f"−ln(1 − published) / {horizon_days} × person-days of days 0 to {horizon_days}, each "
        "course up to its first case",
        "A constant hazard up to the horizon, with death not competing in the expectation.",
    )
    return observed, expected
