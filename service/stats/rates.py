"""Incidence rates and the interval for one look.

In:     whole cases and whole person-days.
Out:    `Interval` in counts; `RateEstimate` per so much person-time.
Source: docs/methods.md 5; the methods in `poisson_limits`.

An interval that is looked at again and again is another thing: `confidence_sequence`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from service.stats.interval import Interval
from service.stats.poisson_limits import POISSON_METHODS

DAYS_PER_YEAR = 365.25

PersonTimeUnit: TypeAlias = Literal["person_years", "person_days"]

DAYS_PER_UNIT: Mapping[PersonTimeUnit, float] = {"person_years": DAYS_PER_YEAR, "person_days": 1.0}


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """Cases per `per` units of person-time; rate and limits are None without person-time."""

    cases: int
    person_days: int
    person_years: float
    rate: float | None
    interval: Interval
    per: float
    unit: PersonTimeUnit


def poisson_interval(cases: int, method: str = "exact", level: float = 0.95) -> Interval:
    """Interval for the mean of a Poisson count, in counts.

    ValueError for a negative count, an unknown method or a level outside (0, 1).

    >>> interval = poisson_interval(10)
    >>> f"{interval.lower:.4f} {interval.upper:.4f}"
    '4.7954 18.3904'
    >>> poisson_interval(0, method="midp").lower
    0.0
    """
    if cases < 0:
        raise ValueError(f"cases must not be negative, not {cases}")
    if method not in POISSON_METHODS:
        raise ValueError(f"unknown method {method!r}: one of {', '.join(POISSON_METHODS)}")
    lower, upper = POISSON_METHODS[method](cases, level)
    return Interval(lower, upper, level, method)


def rate_estimate(
    cases: int,
    person_days: int,
    *,
    per: float = 100.0,
    unit: PersonTimeUnit = "person_years",
    method: str = "exact",
    level: float = 0.95,
) -> RateEstimate:
    """Cases over person-time with its interval, both per `per` units.

    The placebo arm of the cgd trial, 56 infections in 18,524 person-days:

    >>> estimate = rate_estimate(56, 18_524)
    >>> f"{estimate.rate:.4f} ({estimate.interval.lower:.4f} to {estimate.interval.upper:.4f})"
    '110.4189 (83.4093 to 143.3881)'
    """
    if person_days < 0 or per <= 0:
        raise ValueError("person_days must not be negative, and per must be above 0")
    counts = poisson_interval(cases, method, level)
    person_years = person_days / DAYS_PER_YEAR
    if person_days == 0:
        nothing = Interval(None, None, level, method)
        return RateEstimate(cases, person_days, person_years, None, nothing, per, unit)
    factor = per * DAYS_PER_UNIT[unit] / person_days
    rate = cases * factor
    return RateEstimate(cases, person_days, person_years, rate, counts.scaled(factor), per, unit)
