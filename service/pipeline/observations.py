"""What the ledger shows of the figure that a baseline speaks of.

In:     a baseline, and the facilities to look at (None: all).
Out:    its cases, and the series they are held against: person-time or recipients.
Source: docs/methods.md 7 and 8: signals are functions of daily series taken from the ledger.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from service.domain.contributions import ANY, FOLLOW_UP, not_at_risk_first
from service.domain.episodes import COLONISATION
from service.monitors.cases import Case, case_of
from service.monitors.nulls import (
    counted_against,
    counts_first_matching,
    matches,
    of_colonisation,
    phases_at_risk,
    statuses_of,
)
from service.monitors.series import Series, Whole, cohort_series, daily_series, share_series
from service.reference import INFECTION_TYPES
from service.reference.baselines import Baseline
from service.store import holdings, sums
from service.store.engine import Connection


@dataclass
class CaseFile:
    """The cases of some facilities (None: all), read once however many baselines ask.

    Where `without_contaminants`, organisms that seldom mean disease are left out of the counts.
    """

    connection: Connection
    facilities: Collection[str] | None = None

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._read: dict[tuple[str, bool], tuple[Case, ...]] = {}
        self._counted: dict[tuple[Baseline, bool], Mapping[str, tuple[Case, ...]]] = {}

    def infections(
        self, infection_types: Collection[str], *, with_colonisation: bool = False
    ) -> list[Case]:
        """The infections of the types (none named: of all), counted or not."""
        found: list[Case] = []
        for infection_type in infection_types or INFECTION_TYPES:
            key = (infection_type, with_colonisation)
            if key not in self._read:
                rows = holdings.infections(
                    self.connection,
                    [infection_type],
                    self.facilities,
                    with_colonisation=with_colonisation,
                )
                self._read[key] = tuple(case_of(*who, row) for who, row in rows)
            found += self._read[key]
        return found

    def counted(
        self, baseline: Baseline, *, without_contaminants: bool = True
    ) -> Mapping[str, tuple[Case, ...]]:
        """The counted cases that the baseline's own definition takes in, by facility."""
        key = (baseline, without_contaminants)
        if key not in self._counted:
            numerator = baseline.numerator
            candidates = self.infections(
                numerator.infection_type,
                with_colonisation=COLONISATION in statuses_of(numerator),
            )
            by_facility: dict[str, list[Case]] = defaultdict(list)
            for case in counted_against(
                baseline, candidates, without_contaminants=without_contaminants
            ):
                by_facility[case.facility].append(case)
            self._counted[key] = {name: tuple(cases) for name, cases in by_facility.items()}
        return self._counted[key]


def cases_for(
    case_file: CaseFile,
    baseline: Baseline,
    facilities: Collection[str] | None,
    *,
    without_contaminants: bool = True,
) -> tuple[Case, ...]:
    """The counted cases at some facilities, or at all that the case file holds.

    Of a share those of its kind.
    """
    if baseline.measure == "share":
        among = cases_among(
            case_file, baseline, facilities, without_contaminants=without_contaminants
        )
        return tuple(case for case in among if matches(baseline.numerator, case))
    counted = case_file.counted(baseline, without_contaminants=without_contaminants)
    names = counted if facilities is None else facilities
    return tuple(case for name in sorted(names) for case in counted.get(name, ()))


def cases_among(
    case_file: CaseFile,
    baseline: Baseline,
    facilities: Collection[str] | None,
    *,
    without_contaminants: bool = True,
) -> tuple[Case, ...]:
    """The cases that a share is a share of, the first of each course."""
    whole = msgspec.structs.replace(
        baseline, numerator=baseline.among or baseline.numerator, measure="proportion"
    )
    return cases_for(case_file, whole, facilities, without_contaminants=without_contaminants)


def series_for(
    case_file: CaseFile,
    baseline: Baseline,
    cases: Collection[Case],
    facilities: Collection[str] | None,
    end_day: int,
    *,
    without_contaminants: bool = True,
) -> Series:
    """The cases beside what they are held against, up to a day."""
    connection = case_file.connection
    if baseline.measure == "share":
        among = cases_among(
            case_file, baseline, facilities, without_contaminants=without_contaminants
        )
        return share_series(cases, among)
    if baseline.measure == "proportion":
        return cohort_series(cases, entered_days(connection, baseline, facilities, end_day))
    days, changes = risk_steps(
        connection, baseline, facilities, end_day, without_contaminants=without_contaminants
    )
    return daily_series(cases, days, changes)


def entered_days(
    connection: Connection,
    baseline: Baseline,
    facilities: Collection[str] | None,
    end_day: int,
) -> Whole:
    """For each recipient of the population the day of entry, up to a day."""
    entered = sums.entered_days(
        connection, population_filters(baseline, facilities), end_day=end_day
    )
    return np.array([day for day, count in entered for _ in range(count)], dtype=np.int64)


def risk_steps(
    connection: Connection,
    baseline: Baseline,
    facilities: Collection[str] | None,
    end_day: int,
    *,
    without_contaminants: bool = True,
) -> tuple[Whole, Whole]:
    """The steps in the number at risk: follow-up, less what a first episode takes out."""
    out = taken_out(baseline, without_contaminants=without_contaminants)
    filters = {**population_filters(baseline, facilities), "phase": phases_at_risk(baseline)}
    risk_sets = [FOLLOW_UP, *([out] if out else [])]
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
    return found if facilities is None else {**found, "facility": tuple(sorted(facilities))}


def taken_out(baseline: Baseline, *, without_contaminants: bool) -> str | None:
    """The risk set behind a first episode; several types, or part of one, have none."""
    numerator = baseline.numerator
    types, statuses = numerator.infection_type, statuses_of(numerator)
    alone = of_colonisation(numerator)
    if (
        baseline.episodes != "first"
        or len(types) > 1
        or counts_first_matching(baseline, without_contaminants=without_contaminants)
        or (COLONISATION in statuses and not (alone and types))
    ):
        return None
    return not_at_risk_first(types[0] if types else ANY, colonisation=alone)
