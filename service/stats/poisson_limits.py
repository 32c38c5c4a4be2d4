"""Limits for the mean of a Poisson count, one function per method.

In:     a whole count, not negative, and a level between 0 and 1.
Out:    `POISSON_METHODS`, each giving (lower, upper) in counts.
Source: exact: Garwood 1936 (doi 10.1093/biomet/28.3-4.437); mid-P: Lancaster 1961
        (doi 10.1080/01621459.1961.10482105), Cohen & Yang 1994 (doi 10.1002/sim.4780132102);
        Byar: Breslow & Day 1987, Statistical Methods in Cancer Research II, p. 69.

Zero cases: the lower limit is 0 and the upper one still two-sided: at 95 % exact 3.6889, mid-P
2.9957 (= -ln alpha, which some programs print as a one-sided exact limit).
"""

from collections.abc import Callable, Mapping
from math import log, sqrt
from typing import TypeAlias

import numpy as np
import scipy
from scipy import special

from service.stats.interval import normal_deviate, tail_of

Limits: TypeAlias = tuple[float, float]


def byar_limits(cases: int, deviate: float) -> Limits:
    """Byar's approximation in its classical form: x for the lower limit, x + 1 for the upper.

    >>> [round(limit, 4) for limit in byar_limits(10, 1.96)]
    [4.7874, 18.3916]
    """

    def cubed(count: int, shift: float) -> float:
        return float(count * (1.0 - 1.0 / (9.0 * count) + shift / (3.0 * sqrt(count))) ** 3)

    # Below 0 the cube would turn the limit of few cases at a high level negative.
    lower = max(0.0, cubed(cases, -deviate)) if cases else 0.0
    return lower, cubed(cases + 1, deviate)


def _exact(cases: int, level: float) -> Limits:
    tail = tail_of(level)
    lower = float(special.gammaincinv(cases, tail)) if cases else 0.0
    return lower, float(special.gammainccinv(cases + 1, tail))


def _midp(cases: int, level: float) -> Limits:
    # Half the probability of the observed count: each tail is the mean of two gamma tails, so the
    # limit lies between their two quantiles, which brackets it for any count.
    tail = tail_of(level)
    if not cases:
        return 0.0, -log(2.0 * tail)
    return (
        _where_mean_is(tail, special.gammainc, special.gammaincinv, cases),
        _where_mean_is(tail, special.gammaincc, special.gammainccinv, cases),
    )


def _where_mean_is(tail: float, gamma_tail: np.ufunc, quantile: np.ufunc, cases: int) -> float:
    def excess(mean: float) -> float:
        return float((gamma_tail(cases, mean) + gamma_tail(cases + 1, mean)) / 2.0) - tail

    low, high = float(quantile(cases, tail)), float(quantile(cases + 1, tail))
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-300, rtol=1e-15))


def _byar(cases: int, level: float) -> Limits:
    return byar_limits(cases, normal_deviate(level))


POISSON_METHODS: Mapping[str, Callable[[int, float], Limits]] = {
    "exact": _exact,
    "midp": _midp,
    "byar": _byar,
}
