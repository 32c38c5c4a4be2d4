"""What an excess is tested against: the null, and the population and cases it speaks of.

In:     a published baseline.
Out:    `NullValue`; whether the baseline can be monitored; its phases; the cases it would count.
Source: METHODS 7 and 8.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from service.domain.figures import RATED_STATUSES
from service.errors import MeasureMismatch
from service.monitors.cases import Case, in_order, usual_contaminants
from service.monitors.definitions import Null
from service.reference import PHASE_STARTS, PHASES
from service.reference.baselines import Baseline

MONITORED_MEASURES = ("rate", "proportion", "cumulative_incidence")


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


def can_be_monitored(baseline: Baseline) -> bool:
    """Is it a measure with an expectation, over time at risk that phases compose, and not 0?"""
    if baseline.measure not in MONITORED_MEASURES or not baseline.comparable:
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


def counted_against(
    baseline: Baseline, cases: Iterable[Case], *, without_contaminants: bool = True
) -> tuple[Case, ...]:
    """The counted cases that the baseline's own definition takes in, in order of onset.

    Of first episodes each course has one: isolation and infection have firsts of their own, and
    a baseline that counts both counts the recipient once.
    """
    found = in_order(
        case
        for case in cases
        if _is_of_population(baseline, case)
        and _is_of_numerator(baseline, case)
        and not (without_contaminants and case.organism in usual_contaminants())
    )
    if baseline.episodes == "all":
        return found
    first_of_course: dict[tuple[str, str, int | None], Case] = {}
    for case in found:
        first_of_course.setdefault((case.facility, case.patient, case.course_index_day), case)
    return tuple(first_of_course.values())


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


def _is_of_numerator(baseline: Baseline, case: Case) -> bool:
    wanted = baseline.numerator
    if baseline.episodes == "first":
        is_first = case.first_of_type if wanted.infection_type else case.first_of_any
        if not is_first:
            return False
    return all(
        not allowed or value in allowed
        for value, allowed in (
            (case.infection_type, wanted.infection_type),
            (case.organism, wanted.organism),
            (case.organism_group, wanted.organism_group),
            (case.site, wanted.site),
            (case.site_class, wanted.site_class),
            (case.status, wanted.status or RATED_STATUSES),
            (case.certainty, wanted.certainty),
            (case.stratum.age_group if case.stratum else "unknown", wanted.age_group),
        )
    )
