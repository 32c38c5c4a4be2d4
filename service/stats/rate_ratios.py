"""The ratio of two rates: conditional intervals and p-values, each under its own name.

In:     whole cases and person-time of two groups that share no case; any one unit of time.
Out:    `RateRatio`, with what does not exist and why.
Source: exact: Przyborowski & Wilenski 1940 (doi 10.1093/biomet/31.3-4.313), as R poisson.test;
        central and minlike: Fay 2010, R Journal 2(1):53-58; mid-P: Lancaster 1961, as exactci.

Given a + b cases in all, a is binomial with odds (ratio x time / reference time): limits of those
odds, divided by the odds of the times, are limits of the ratio. See `conditional_binomial`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, inf, sqrt

from scipy import special

from service.stats.conditional_binomial import (
    Odds,
    at_least,
    at_most,
    exact_odds,
    midp_odds,
    no_likelier,
)
from service.stats.interval import Interval, normal_deviate

NO_PERSON_TIME = "no person-time on one side"
NO_CASE = "no case on either side"
NO_REFERENCE_CASE = "no case in the reference"


@dataclass(frozen=True, slots=True)
class Counts:
    """Cases and person-time of the group compared and of the reference.

    ValueError for negative or not finite numbers.
    """

    cases: int
    person_time: float
    reference_cases: int
    reference_person_time: float

    def __post_init__(self) -> None:
        """Refuse what no count and no time can be."""
        if min(self.cases, self.reference_cases) < 0:
            raise ValueError("cases must not be negative")
        if not all(0 <= time < inf for time in (self.person_time, self.reference_person_time)):
            raise ValueError("person-time must be finite and not negative")

    @property
    def all_cases(self) -> int:
        """Cases of both groups."""
        return self.cases + self.reference_cases

    @property
    def time_odds(self) -> float:
        """The odds that a case is the compared group's if the rates are the same."""
        return self.person_time / self.reference_person_time

    @property
    def reason(self) -> str | None:
        """Why there is no ratio; None where there is one."""
        if not (self.person_time and self.reference_person_time):
            return NO_PERSON_TIME
        if not self.all_cases:
            return NO_CASE
        return None if self.reference_cases else NO_REFERENCE_CASE


@dataclass(frozen=True, slots=True)
class RateRatio:
    """A ratio with its interval and p; `reason` tells why the ratio is not given.

    Without a case in the reference the ratio and its upper limit are None, not infinite; the lower
    limit and p exist. Without any case, or without person-time on a side, nothing does.
    """

    counts: Counts
    ratio: float | None
    interval: Interval
    p_value: float | None
    p_definition: str
    reason: str | None


def _wald(cases: int, reference_cases: int, level: float) -> Odds:
    if not (cases and reference_cases):
        return None, None
    width = normal_deviate(level) * sqrt(1 / cases + 1 / reference_cases)
    odds = cases / reference_cases
    return odds * exp(-width), odds * exp(width)


RATIO_METHODS: Mapping[str, Callable[[int, int, float], Odds]] = {
    "exact": exact_odds,
    "midp": midp_odds,
    "wald": _wald,
}
"""Limits of the odds that a case is the compared group's; None where there is no limit."""


def _greater(counts: Counts) -> float:
    return at_least(counts.cases, counts.all_cases, counts.time_odds)


def _less(counts: Counts) -> float:
    return at_most(counts.cases, counts.all_cases, counts.time_odds)


def _central(counts: Counts) -> float:
    return min(1.0, 2.0 * min(_greater(counts), _less(counts)))


def _minlike(counts: Counts) -> float:
    return no_likelier(counts.cases, counts.all_cases, counts.time_odds)


def _midp(counts: Counts) -> float:
    cases, total, odds = counts.cases, counts.all_cases, counts.time_odds
    greater = at_least(cases, total, odds) + at_least(cases + 1, total, odds)
    less = at_most(cases, total, odds) + at_most(cases - 1, total, odds)
    return min(1.0, greater, less)


def _score(counts: Counts) -> float:
    share = counts.person_time / (counts.person_time + counts.reference_person_time)
    expected = counts.all_cases * share
    deviate = (counts.cases - expected) / sqrt(expected * (1.0 - share))
    return float(2.0 * special.ndtr(-abs(deviate)))


RATIO_P_VALUES: Mapping[str, Callable[[Counts], float]] = {
    "greater": _greater,
    "less": _less,
    "central": _central,
    "minlike": _minlike,
    "midp": _midp,
    "score": _score,
}
"""P-values of the same rate in both groups."""

P_VALUE_OF: Mapping[str, str] = {"exact": "central", "midp": "midp", "wald": "score"}
"""The p-value that goes with an interval: exact and central, mid-P and mid-P never disagree."""


def rate_ratio(
    counts: Counts, *, method: str = "exact", p_value: str | None = None, level: float = 0.95
) -> RateRatio:
    """The ratio of the rates with its interval and two-sided p.

    ValueError for an unknown method, an unknown p or a level outside (0, 1).

    Interferon gamma against placebo in the cgd trial:

    >>> found = rate_ratio(Counts(20, 18_953, 56, 18_524))
    >>> f"{found.ratio:.3f} ({found.interval.lower:.3f} to {found.interval.upper:.3f})"
    '0.349 (0.198 to 0.591)'
    >>> rate_ratio(Counts(3, 140, 0, 120)).reason
    'no case in the reference'
    """
    definition = p_value or P_VALUE_OF.get(method, "")
    if method not in RATIO_METHODS:
        raise ValueError(f"unknown method {method!r}: one of {', '.join(RATIO_METHODS)}")
    if definition not in RATIO_P_VALUES:
        raise ValueError(f"unknown p {definition!r}: one of {', '.join(RATIO_P_VALUES)}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    reason = counts.reason
    if reason in (NO_PERSON_TIME, NO_CASE):
        nothing = Interval(None, None, level, method)
        return RateRatio(counts, None, nothing, None, definition, reason)
    lower, upper = RATIO_METHODS[method](counts.cases, counts.reference_cases, level)
    limits = Interval(lower, upper, level, method).scaled(1.0 / counts.time_odds)
    p = RATIO_P_VALUES[definition](counts)
    ratio = None if reason else counts.cases / counts.reference_cases / counts.time_odds
    return RateRatio(counts, ratio, limits, p, definition, reason)
