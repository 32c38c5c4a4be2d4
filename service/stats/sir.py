"""Observed over expected: the standardised infection ratio.

In:     whole cases observed, the number expected under a baseline.
Out:    `ObservedExpected`, with what is not given and why.
Source: NHSN's guide to the SIR (two-sided mid-P; no ratio below 1 expected; no lower limit at 0
        observed) and its June 2011 comparison macro (exact below 15 cases, Byar with 1.96 above).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from service.stats.interval import Interval
from service.stats.p_values import poisson_p_value
from service.stats.poisson_limits import byar_limits
from service.stats.rates import poisson_interval

LEAST_EXPECTED = 1.0
"""NHSN: below this a ratio says more about chance than about infections."""

EXPECTED_BELOW_ONE = "expected below 1"


@dataclass(frozen=True, slots=True)
class ObservedExpected:
    """A ratio with its interval and p; `reason` tells why the ratio is not given.

    The limits are of the ratio. With no case observed the lower one is None, not 0.
    """

    observed: int
    expected: float
    ratio: float | None
    interval: Interval
    p_value: float | None
    method: str
    reason: str | None


class Rule(NamedTuple):
    """How a method finds its interval (in counts) and its p-value."""

    interval: Callable[[int, float], Interval]
    p_value: Callable[[int, float], float]


def nhsn_2011_interval(observed: int, level: float = 0.95) -> Interval:
    """The interval of NHSN's 2011 reports, in counts; it exists at 95 % only.

    Kept so that published 2011 figures can be recomputed: its z is 1.96, not 1.959964.

    >>> interval = nhsn_2011_interval(31)
    >>> f"{interval.lower / 70.557:.3f} {interval.upper / 70.557:.3f}"
    '0.298 0.624'
    """
    if level != 0.95:
        raise ValueError("the rules of 2011 know 95 % only")
    if observed < 15:
        exact = poisson_interval(observed, "exact", level)
        return Interval(exact.lower, exact.upper, level, "nhsn_2011")
    lower, upper = byar_limits(observed, 1.96)
    return Interval(lower, upper, level, "nhsn_2011")


def _nhsn_2011_p_value(observed: int, expected: float) -> float:
    return poisson_p_value(observed, expected, "greater" if observed > expected else "less")


RULES: Mapping[str, Rule] = {
    "midp": Rule(
        lambda observed, level: poisson_interval(observed, "midp", level),
        lambda observed, expected: poisson_p_value(observed, expected, "midp"),
    ),
    "exact": Rule(
        lambda observed, level: poisson_interval(observed, "exact", level),
        lambda observed, expected: poisson_p_value(observed, expected, "central"),
    ),
    "byar": Rule(
        lambda observed, level: poisson_interval(observed, "byar", level),
        lambda observed, expected: poisson_p_value(observed, expected, "byar"),
    ),
    "nhsn_2011": Rule(nhsn_2011_interval, _nhsn_2011_p_value),
}


def observed_expected(
    observed: int, expected: float, level: float = 0.95, *, method: str = "midp"
) -> ObservedExpected:
    """Observed over expected with interval and two-sided p, by NHSN's rules of today.

    ValueError for negative or not finite numbers, or an unknown method.

    >>> found = observed_expected(10, 6.135)
    >>> f"{found.ratio:.3f} ({found.interval.lower:.3f} to {found.interval.upper:.3f})"
    '1.630 (0.828 to 2.905)'
    >>> observed_expected(2, 0.823).reason
    'expected below 1'
    """
    if observed < 0 or not 0.0 <= expected < inf:
        raise ValueError("observed and expected must be finite and not negative")
    if method not in RULES:
        raise ValueError(f"unknown method {method!r}: one of {', '.join(RULES)}")
    rule = RULES[method]
    counts = rule.interval(observed, level)
    if expected < LEAST_EXPECTED:
        nothing = Interval(None, None, level, method)
        return ObservedExpected(observed, expected, None, nothing, None, method, EXPECTED_BELOW_ONE)
    limits = counts.scaled(1.0 / expected)
    if observed == 0:
        limits = Interval(None, limits.upper, level, method)
    p_value = rule.p_value(observed, expected)
    return ObservedExpected(
        observed, expected, observed / expected, limits, p_value, method, reason=None
    )
