"""What the ledger shows of the figure that a baseline speaks of.

In:     a baseline, and the facilities to look at (None: all).
Out:    its cases, and the series they are held against: person-time or recipients.
Source: METHODS 7 and 8: signals are functions of daily series taken from the ledger.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from service.domain.contributions import ANY, FOLLOW_UP, not_at_risk_first
from service.monitors.cases import Case, case_of
from service.monitors.evaluations import cohort_series, daily_series
from service.monitors.excess import CohortSeries, DailySeries, Whole
from service.monitors.nulls import counted_against, phases_at_risk
from service.reference import INFECTION_TYPES
from service.reference.baselines import Baseline
from service.store import holdings, sums


@dataclass
class CaseFile:
    """The infections of the network, read once for each type however many monitors ask."""

    connection: Connection

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._read: dict[str, tuple[Case, ...]] = {}

    def infections(
        self, infection_types: Collection[str], facilities: Collection[str] | None = None
    ) -> list[Case]:
        """The infections of the types (none named: of all), at some facilities or at all."""
        found: list[Case] = []
        for infection_type in infection_types or INFECTION_TYPES:
            if infection_type not in self._read:
                rows = holdings.infections(self.connection, [infection_type])
                self._read[infection_type] = tuple(case_of(*key, row) for key, row in rows)
            found += self._read[infection_type]
        return [case for case in found if facilities is None or case.facility in facilities]


def cases_for(
    case_file: CaseFile,
    baseline: Baseline,
    facilities: Collection[str] | None,
    *,
    without_contaminants: bool,
) -> tuple[Case, ...]:
    """The counted cases that the baseline's own definition takes in, in order of onset."""
    candidates = case_file.infections(baseline.numerator.infection_type, facilities)
    return counted_against(baseline, candidates, without_contaminants=without_contaminants)


def series_for(
    connection: Connection,
    baseline: Baseline,
    cases: Collection[Case],
    facilities: Collection[str] | None,
    end_day: int,
) -> DailySeries | CohortSeries:
    """The cases beside what they are held against, up to a day."""
    if baseline.measure == "proportion":
        entered = sums.entered_days(
            connection, population_filters(baseline, facilities), end_day=end_day
        )
        days = np.array([day for day, count in entered for _ in range(count)], dtype=np.int64)
        return cohort_series(cases, days)
    days, changes = risk_steps(connection, baseline, facilities, end_day)
    return daily_series(cases, days, changes)


def risk_steps(
    connection: Connection,
    baseline: Baseline,
    facilities: Collection[str] | None,
    end_day: int,
) -> tuple[Whole, Whole]:
    """The steps in the number at risk: follow-up, less what a first episode takes out."""
    taken_out = _taken_out(baseline)
    filters = {**population_filters(baseline, facilities), "phase": phases_at_risk(baseline)}
    risk_sets = [FOLLOW_UP, *([taken_out] if taken_out else [])]
    steps = list(sums.daily_steps(connection, filters, (), risk_sets, end_day=end_day))
    days = np.array([step.day for step in steps], dtype=np.int64)
    signs = [1 if step.risk_set == FOLLOW_UP else -1 for step in steps]
    changes = [step.change * sign for step, sign in zip(steps, signs, strict=True)]
    return days, np.array(changes, dtype=np.int64)


def population_filters(
    baseline: Baseline, facilities: Collection[str] | None
) -> dict[str, tuple[str, ...]]:
    """Whom the baseline speaks of, as filters on strata."""
    population = baseline.population
    filters = {
        "transplant_type": population.transplant_type,
        "indication": population.indication,
        "age_group": population.age_group,
    }
    found = {name: values for name, values in filters.items() if values}
    return found if facilities is None else {**found, "facility": tuple(facilities)}


def _taken_out(baseline: Baseline) -> str | None:
    """The risk set behind a first episode; several types have none in common."""
    types = baseline.numerator.infection_type
    if baseline.episodes != "first" or len(types) > 1:
        return None
    return not_at_risk_first(types[0] if types else ANY)
