"""The upper incomplete gamma function, scaled so that it never leaves the range of a float.

In:     `shape` a > 0 and `point` x > 0, arrays or numbers.
Out:    ln h(a, x), h(a, x) = exp(x) x^(-a) Gamma(a, x).
Source: NIST Digital Library of Mathematical Functions 5.11.1 (Stirling) and 8.9.2 (continued
        fraction), the latter by Lentz's method as in Numerical Recipes 6.2.

Written out, ln h = x - a ln x + lnGamma(a) + ln Q(a, x) subtracts numbers of 10^7 where the answer
is about 10, and Q is 0 to a computer where ln Q is below -745. Here the large parts cancel on
paper.
"""

from math import log, pi
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Numbers: TypeAlias = NDArray[np.float64]

LEAST_TAIL = 1e-250
"""Below this the upper tail is taken from its continued fraction, not from its logarithm."""

MOST_TERMS = 2_000
"""Far more than the fraction needs this deep in the tail: 40 or so."""

LARGE_SHAPE = 32.0
"""From here four terms of Stirling's series are exact to the last digit."""


def log_scaled_upper_gamma(shape: ArrayLike, point: ArrayLike) -> Numbers:
    """ln(exp(x) x^(-a) Gamma(a, x)), shaped as its arguments broadcast.

    For a = 1 it is -ln x, however large x is:

    >>> print(log_scaled_upper_gamma(1.0, [2.0, 1e6]).round(9).tolist())
    [-0.693147181, -13.815510558]
    """
    a, x = np.broadcast_arrays(
        np.asarray(shape, dtype=np.float64), np.asarray(point, dtype=np.float64)
    )
    tail = np.asarray(special.gammaincc(a, x), dtype=np.float64)
    in_reach = tail > LEAST_TAIL
    logs = np.empty(a.shape)
    logs[in_reach] = _log_scaled_gamma(a[in_reach], x[in_reach]) + np.log(tail[in_reach])
    logs[~in_reach] = np.log(_continued_fraction(a[~in_reach], x[~in_reach]))
    return logs


def _log_scaled_gamma(a: Numbers, x: Numbers) -> Numbers:
    """ln(exp(x) x^(-a) Gamma(a))."""
    logs = np.empty(a.shape)
    large = a >= LARGE_SHAPE
    small_a, small_x = a[~large], x[~large]
    logs[~large] = special.gammaln(small_a) - small_a * np.log(small_x) + small_x
    a, x = a[large], x[large]
    excess = (x - a) / a
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * a**2)) / a**2) / a**2) / a
    logs[large] = a * (excess - np.log1p(excess)) + log(2 * pi) / 2 - np.log(a) / 2 + series
    return logs


def _continued_fraction(a: Numbers, x: Numbers) -> Numbers:
    """h(a, x) itself, for x well above a, where every term is positive."""
    b = x + 1.0 - a
    c = np.full(a.shape, np.inf)
    d = 1.0 / b
    h = d.copy()
    for step in range(1, MOST_TERMS):
        term = step * (a - step)
        b = b + 2.0
        d = 1.0 / (term * d + b)
        c = b + term / c
        change = c * d
        h *= change
        if np.all(np.abs(change - 1.0) <= 1e-15):
            break
    return h
