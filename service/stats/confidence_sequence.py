"""The interval of a rate that stays valid while it is watched.

In:     cases and person-years so far.
Out:    `Interval` in cases per person-year; the log evidence against any one rate.
Source: docs/methods.md 8.2; Robbins 1970 (doi 10.1214/aoms/1177696786) for the mixture; Howard et
        al. 2021 (doi 10.1214/20-AOS1991) for confidence sequences; Corless et al. 1996
        (doi 10.1007/BF02124750) for the Lambert W function.

The rate is mixed over a gamma distribution (shape a = 0.5, rate b = a / reference rate). A rate
lambda is left out once the evidence ln M + lambda T - N ln lambda against it reaches ln(1/alpha),
M = b^a Gamma(a+N) / (Gamma(a) (b+T)^(a+N)). With u = lambda T / N the ends solve

    u - ln u = 1 + d,     d = (ln(1/alpha) - ln M) / N + ln(N/T) - 1

so u = -W(-exp(-1-d)) on the two real branches of W.
"""

from math import exp, log, log1p

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from service.stats.interval import Interval, tail_of
from service.stats.scaled_gamma import Numbers

MIXTURE_SHAPE = 0.5
METHOD = "anytime"


def log_evidence_against(
    rate: ArrayLike, cases: ArrayLike, person_years: ArrayLike, *, reference_rate: float = 0.1
) -> Numbers:
    """Log e-value against the rate per person-year, shaped as the arguments broadcast.

    >>> print(log_evidence_against([0.1, 0.3], 10, 100.0).round(3).tolist())
    [-1.668, 7.346]
    """
    rates = np.asarray(rate, dtype=np.float64)
    counts = np.asarray(cases, dtype=np.float64)
    years = np.asarray(person_years, dtype=np.float64)
    evidence: Numbers = (
        _log_mixture(counts, years, reference_rate) + rates * years - special.xlogy(counts, rates)
    )
    return evidence


def _log_mixture(cases: Numbers, person_years: Numbers, reference_rate: float) -> Numbers:
    a = MIXTURE_SHAPE
    b = a / reference_rate
    log_m: Numbers = (
        special.gammaln(a + cases)
        - special.gammaln(a)
        - a * np.log1p(person_years / b)
        - cases * np.log(b + person_years)
    )
    return log_m


def anytime_rate_interval(
    cases: int, person_years: float, *, level: float = 0.95, reference_rate: float = 0.1
) -> Interval:
    """Rates per person-year not yet refuted, however often one has looked.

    No case: the lower limit is 0. No person-time: both limits are None. `reference_rate` (per
    person-year) only says where the interval is shortest; it must not be chosen from these data.

    >>> interval = anytime_rate_interval(10, 100.0)
    >>> f"{100 * interval.lower:.1f} to {100 * interval.upper:.1f} per 100 person-years"
    '3.2 to 23.0 per 100 person-years'
    """
    if cases < 0 or person_years < 0 or reference_rate <= 0:
        raise ValueError("cases and person_years must not be negative, reference_rate above 0")
    alpha = 2.0 * tail_of(level)
    if person_years == 0:
        return Interval(None, None, level, METHOD)
    log_m = float(
        _log_mixture(np.asarray(cases, float), np.asarray(person_years, float), reference_rate)
    )
    allowance = -log(alpha) - log_m
    if cases == 0:
        return Interval(0.0, allowance / person_years, level, METHOD)
    rate = cases / person_years
    low, high = _ends((allowance / cases) + log(rate) - 1.0)
    return Interval(rate * low, rate * high, level, METHOD)


def _ends(d: float) -> tuple[float, float]:
    """The two u with u - ln u = 1 + d, d > 0: the first below 1, the second above."""
    argument = -exp(-1.0 - d)
    if argument > -1e-290:
        # W's argument leaves the range of a float, but its lower end is then u = exp(-1-d) to the
        # last digit and its upper one is near 1 + d + ln(1 + d).
        return -argument, _polished(1.0 + d + log1p(d), d)
    ends = (float(-special.lambertw(argument, branch).real) for branch in (0, -1))
    low, high = (_polished(u, d) if abs(u - 1.0) < 0.5 else u for u in ends)
    return low, high


def _polished(u: float, d: float) -> float:
    # Near u = 1 the argument of W holds only half the digits of d: Newton's method in w = u - 1,
    # where w - ln(1 + w) = d is well conditioned, brings back the rest.
    w = u - 1.0
    for _ in range(4):
        w -= (w - log1p(w) - d) * (1.0 + w) / w
    return 1.0 + w
