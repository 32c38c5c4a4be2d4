"""Intervals for a share: k of n.

In:     k of n, whole numbers.
Out:    `Interval` in [0, 1].
Source: Clopper & Pearson 1934 (doi 10.1093/biomet/26.4.404); Wilson 1927; Jeffreys with and without
        the change at the edges: Brown, Cai & DasGupta 2001 (doi 10.1214/ss/1009213286).

None of n: the lower limit is 0, the upper one still two-sided. Nothing of nothing has no interval.
"""

from collections.abc import Callable, Mapping
from math import sqrt
from typing import TypeAlias

from scipy import special

from service.stats.interval import Interval, normal_deviate, tail_of

Limits: TypeAlias = tuple[float, float]


def _exact(k: int, n: int, level: float) -> Limits:
    tail = tail_of(level)
    lower = float(special.betaincinv(k, n - k + 1, tail)) if k else 0.0
    upper = float(special.betainccinv(k + 1, n - k, tail)) if k < n else 1.0
    return lower, upper


def _wilson(k: int, n: int, level: float) -> Limits:
    squared = normal_deviate(level) ** 2
    centre = k + squared / 2.0
    reach = sqrt(squared * (k * (n - k) / n + squared / 4.0))
    lower = (centre - reach) / (n + squared) if k else 0.0
    upper = (centre + reach) / (n + squared) if k < n else 1.0
    return lower, upper


def _jeffreys_unmodified(k: int, n: int, level: float) -> Limits:
    tail = tail_of(level)
    lower = float(special.betaincinv(k + 0.5, n - k + 0.5, tail))
    upper = float(special.betainccinv(k + 0.5, n - k + 0.5, tail))
    return lower, upper


def _jeffreys(k: int, n: int, level: float) -> Limits:
    lower, upper = _jeffreys_unmodified(k, n, level)
    return (lower if k else 0.0), (upper if k < n else 1.0)


PROPORTION_METHODS: Mapping[str, Callable[[int, int, float], Limits]] = {
    "exact": _exact,
    "wilson": _wilson,
    "jeffreys": _jeffreys,
    "jeffreys_unmodified": _jeffreys_unmodified,
}


def proportion_interval(k: int, n: int, method: str = "exact", level: float = 0.95) -> Interval:
    """Interval for the share k/n; both limits are None where n is 0.

    ValueError unless 0 <= k <= n, for an unknown method, or a level outside (0, 1).

    >>> interval = proportion_interval(3, 63)
    >>> f"{interval.lower:.4f} {interval.upper:.4f}"
    '0.0099 0.1329'
    """
    if not 0 <= k <= n:
        raise ValueError(f"k must lie between 0 and n, not {k} of {n}")
    if method not in PROPORTION_METHODS:
        raise ValueError(f"unknown method {method!r}: one of {', '.join(PROPORTION_METHODS)}")
    tail_of(level)
    if n == 0:
        return Interval(None, None, level, method)
    lower, upper = PROPORTION_METHODS[method](k, n, level)
    return Interval(lower, upper, level, method)
