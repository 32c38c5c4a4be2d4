"""Each facility among control limits: the points of a funnel plot.

In:     what each facility had and was expected to have.
Out:    `FunnelTable`: a point for each facility, drawn towards all by empirical Bayes.
Source: docs/statistics.md, funnel; docs/api-rates.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from service.domain.figures import RateDefinition
from service.pipeline.facility_counts import FacilityCount
from service.stats.empirical_bayes import Posterior, Prior, posterior, prior
from service.stats.funnel import (
    ALARM_LEVEL,
    WARNING_LEVEL,
    ControlLimits,
    Overdispersion,
    Position,
    control_limits,
    expected_grid,
    overdispersion,
    position,
)
from service.stats.p_values import poisson_p_value
from service.stats.rates import DAYS_PER_UNIT, RateEstimate, rate_estimate
from service.stats.sir import ObservedExpected, observed_expected

LEVELS = (WARNING_LEVEL, ALARM_LEVEL)


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """One facility among the limits; where nothing is expected there is no place to stand."""

    facility: str
    estimate: RateEstimate
    expected: float
    found: ObservedExpected
    p_value: float | None
    limits: tuple[ControlLimits, ...]
    position: Position | None
    shrunken: Posterior

    @property
    def expected_rate(self) -> float | None:
        """The rate that the facility would have as expected, in the unit of its own rate."""
        estimate = self.estimate
        if not estimate.person_days:
            return None
        return self.expected * estimate.per * DAYS_PER_UNIT[estimate.unit] / estimate.person_days


@dataclass(frozen=True, slots=True)
class FunnelTable:
    """All points, and what they have in common."""

    definition: RateDefinition
    points: tuple[FunnelPoint, ...]
    total: FacilityCount
    total_rate: RateEstimate
    prior: Prior
    overdispersion: Overdispersion

    @property
    def limit_curve(self) -> list[tuple[float, tuple[ControlLimits, ...]]]:
        """The limits over the range of numbers expected, for drawing."""
        grid = expected_grid([point.expected for point in self.points])
        return [(expected, limits_at(expected)) for expected in grid]


def funnel_table(definition: RateDefinition, counts: Iterable[FacilityCount]) -> FunnelTable:
    """The points of all facilities, in order of name."""
    ordered = sorted(counts, key=lambda count: count.facility)
    observed, expected = [c.cases for c in ordered], [c.expected for c in ordered]
    shared = prior(observed, expected)
    total = FacilityCount(
        "", sum(observed), sum(count.person_days for count in ordered), sum(expected)
    )
    return FunnelTable(
        definition,
        tuple(_point(definition, count, shared) for count in ordered),
        total,
        _rate(definition, total),
        shared,
        overdispersion(observed, expected),
    )


def limits_at(expected: float) -> tuple[ControlLimits, ...]:
    """The limits of both levels."""
    return tuple(control_limits(expected, level) for level in LEVELS)


def _point(definition: RateDefinition, count: FacilityCount, shared: Prior) -> FunnelPoint:
    cases, expected = count.cases, count.expected
    return FunnelPoint(
        facility=count.facility,
        estimate=_rate(definition, count),
        expected=expected,
        found=observed_expected(cases, expected, definition.level),
        p_value=poisson_p_value(cases, expected, "central") if expected else None,
        limits=limits_at(expected) if expected else (),
        position=position(cases, expected) if expected else None,
        shrunken=posterior(cases, expected, shared, definition.level),
    )


def _rate(definition: RateDefinition, count: FacilityCount) -> RateEstimate:
    return rate_estimate(
        count.cases,
        count.person_days,
        per=definition.per,
        unit=definition.unit,
        method=definition.ci,
        level=definition.level,
    )
