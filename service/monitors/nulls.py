"""What an excess is tested against: the null, and the population and cases it speaks of.

In:     a published baseline.
Out:    `NullValue`; whether there is an expected number; its phases; the cases it would count.
Source: docs/methods.md 7 and 8.

The ledger's marks of a first episode are of an infection type, or of any. A numerator that takes
only some infections of its type has a first of its own: the first *matching* one of each course,
which no infection of another organism or site hides.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from service.domain.episodes import COLONISATION
from service.domain.figures import RATED_STATUSES
from service.errors import MeasureMismatch
from service.monitors.cases import Case, contaminated_types, in_order, usual_contaminants
from service.monitors.definitions import Null
from service.reference import PHASE_STARTS, PHASES
from service.reference.baselines import Baseline, Numerator

NARROWING = ("organism", "organism_group", "site", "site_class", "certainty")
"""Dimensions by which a numerator takes only some infections of its types."""


class NullValue(NamedTuple):
    """The value that an excess must exceed: per person-year for a rate, else a fraction."""

    value: float
    described_as: str


def expected_null(baseline: Baseline, null: Null) -> NullValue:
    """The upper limit of the baseline where it has one and it is wanted, else the published figure.

    A baseline is itself an estimate; against its upper limit an alarm is not due to its error.
    """
    if null == "upper" and baseline.ci_upper is not None:
        level = f"{baseline.ci_level * 100:g}%"
        return NullValue(baseline.ci_upper, f"upper {level} limit of the baseline")
    if baseline.value is None:
        raise MeasureMismatch("A cluster has no figure that an excess could be tested against.")
    return NullValue(baseline.value, "published figure")


def has_expectation(baseline: Baseline) -> bool:
    """Does it lead to an expected number: not 0, over time at risk that phases compose?"""
    if baseline.measure == "cluster" or not baseline.comparable:
        return False
    nulls = [expected_null(baseline, null).value for null in ("upper", "point")]
    if not all(0 < null < (math.inf if baseline.measure == "rate" else 1) for null in nulls):
        return False
    return baseline.measure != "cumulative_incidence" or _composes(baseline.horizon_days)


def _composes(horizon_days: int | None) -> bool:
    return horizon_days is not None and horizon_days + 1 in PHASE_STARTS


def phases_at_risk(baseline: Baseline) -> tuple[str, ...]:
    """The phases whose person-time the expectation is formed over, all if the figure says none."""
    return _within(baseline, baseline.denominator_phase)


def phases_of_cases(baseline: Baseline) -> tuple[str, ...]:
    """The phases in which an onset counts; within the horizon for a cumulative incidence."""
    return _within(baseline, baseline.numerator.phase)


def _within(baseline: Baseline, stated: tuple[str, ...]) -> tuple[str, ...]:
    phases = stated or PHASES
    if baseline.measure != "cumulative_incidence":
        return tuple(phases)
    if not _composes(baseline.horizon_days):
        raise MeasureMismatch(
            "A cumulative incidence is monitored at 30, 100, 180 or 365 days, which the phases "
            "compose; this one has another horizon."
        )
    horizon_days = baseline.horizon_days or 0
    return tuple(
        phase
        for phase, start in zip(PHASES, PHASE_STARTS, strict=True)
        if start <= horizon_days and phase in phases
    )


def counts_first_matching(baseline: Baseline, *, without_contaminants: bool = True) -> bool:
    """Does it count first episodes, but not of all infections of its types?

    Then the ledger knows no time at risk of its own for them, and all follow-up stands in the
    denominator: more is expected than should be, so that a signal errs on the quiet side.
    """
    wanted = baseline.numerator
    narrowed = any(getattr(wanted, name) for name in NARROWING) or not (
        set(statuses_of(wanted)) >= set(RATED_STATUSES) or of_colonisation(wanted)
    )
    leaves_out = without_contaminants and not contaminated_types().isdisjoint(wanted.infection_type)
    return baseline.episodes == "first" and (narrowed or leaves_out)


def statuses_of(numerator: Numerator) -> tuple[str, ...]:
    """The statuses that count: what rates count unless the baseline says otherwise."""
    return numerator.status or RATED_STATUSES


def of_colonisation(numerator: Numerator) -> bool:
    """Does it count isolation without disease and nothing else?"""
    return statuses_of(numerator) == (COLONISATION,)


def counted_against(
    baseline: Baseline, cases: Iterable[Case], *, without_contaminants: bool = True
) -> tuple[Case, ...]:
    """The counted cases that the baseline's own definition takes in, in order of onset.

    Of first episodes each course has one: isolation and infection have firsts of their own, and
    a baseline that counts both counts the recipient once.
    """
    by_own_order = counts_first_matching(baseline, without_contaminants=without_contaminants)
    found = in_order(
        case
        for case in cases
        if _is_of_population(baseline, case)
        and matches(baseline.numerator, case)
        and (baseline.episodes == "all" or by_own_order or _is_first(baseline, case))
        and not (without_contaminants and case.organism in usual_contaminants())
    )
    return found if baseline.episodes == "all" else first_of_each_course(found)


def first_of_each_course(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Of cases in order of onset, the first of each course."""
    first_of_course: dict[tuple[str, str, int | None], Case] = {}
    for case in cases:
        first_of_course.setdefault((case.facility, case.patient, case.course_index_day), case)
    return tuple(first_of_course.values())


def matches(wanted: Numerator, case: Case) -> bool:
    """Is the case one of those the numerator names, whatever its population and phase?"""
    return all(
        not allowed or value in allowed
        for value, allowed in (
            (case.infection_type, wanted.infection_type),
            (case.organism, wanted.organism),
            (case.organism_group, wanted.organism_group),
            (case.site, wanted.site),
            (case.site_class, wanted.site_class),
            (case.status, statuses_of(wanted)),
            (case.certainty, wanted.certainty),
            (case.stratum.age_group if case.stratum else "unknown", wanted.age_group),
        )
    )


def _is_of_population(baseline: Baseline, case: Case) -> bool:
    stratum, population = case.stratum, baseline.population
    return stratum is not None and all(
        not allowed or value in allowed
        for value, allowed in (
            (stratum.transplant_type, population.transplant_type),
            (stratum.indication, population.indication),
            (stratum.age_group, population.age_group),
            (stratum.phase, phases_of_cases(baseline)),
        )
    )


def _is_first(baseline: Baseline, case: Case) -> bool:
    return case.first_of_type if baseline.numerator.infection_type else case.first_of_any
