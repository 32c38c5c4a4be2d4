"""A rate as it would be in a standard population: direct standardisation.

In:     cases, person-time and the standard's weight of each stratum, shaped alike.
Out:    `DirectRate`: the weighted mean of the strata's rates with its gamma interval.
Source: Fay & Feuer 1997 (Statistics in Medicine 16:791-801, PMID 9131766), as epitools 0.5-10.1
        `ageadjust.direct` computes it; docs/statistics.md, Standardised rate.

With weights w (made to add up to 1), cases x and person-time n: rate y = sum w x / n, its variance
v = sum w^2 x / n^2, and the largest weight of one case m = max w / n. The lower limit is the
quantile of a gamma distribution with mean y and variance v, the upper one that of a gamma with mean
y + m and variance v + m^2. Where w is proportional to n both are the exact Poisson limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from service.stats.interval import Interval, tail_of

METHOD = "fay_feuer"
NO_WEIGHT = "the standard has no weight in any stratum"
NO_PERSON_TIME = "strata that the standard has are without person-time"


@dataclass(frozen=True, slots=True)
class DirectRate:
    """A standardised rate per unit of the person-time given; `reason` says why there is none."""

    rate: float | None
    interval: Interval
    reason: str | None


def direct_rate(
    cases: Sequence[int],
    person_time: Sequence[float],
    weights: Sequence[float],
    level: float = 0.95,
) -> DirectRate:
    """The rate in the standard, and its interval for one look.

    A stratum of weight 0 is left out with its cases. A stratum that has weight but no person-time
    has no rate, and then the whole has none. Without a case the rate and its lower limit are 0, the
    upper limit is m times the exact upper limit for no case.

    ValueError for negative or not finite numbers, differing lengths or a level outside (0, 1).

    Down syndrome among fifth and later children by the mother's age, per 100,000 births (Fay &
    Feuer 1997, table 1):

    >>> births = [327, 30_666, 123_419, 149_919, 104_088, 34_392]
    >>> mean_births = [63986.6, 186263.6, 157302.2, 97647.0, 47572.6, 12262.6]
    >>> found = direct_rate([0, 8, 63, 112, 262, 295], births, mean_births)
    >>> [round(1e5 * x, 1) for x in (found.rate, found.interval.lower, found.interval.upper)]
    [75.5, 67.7, 188.3]
    """
    tail = tail_of(level)
    x, n, w = (np.asarray(given, dtype=np.float64) for given in (cases, person_time, weights))
    if not x.shape == n.shape == w.shape:
        raise ValueError("cases, person_time and weights must be of one length")
    if not all(np.all((given >= 0) & np.isfinite(given)) for given in (x, n, w)):
        raise ValueError("cases, person_time and weights must be finite and not negative")
    counted = w > 0
    if not counted.any():
        return _none(NO_WEIGHT, level)
    x, n, w = x[counted], n[counted], w[counted]
    if not n.all():
        return _none(NO_PERSON_TIME, level)
    of_one_case = w / w.sum() / n
    rate, variance = float(of_one_case @ x), float(of_one_case**2 @ x)
    largest = float(of_one_case.max())
    lower = _gamma_quantile(rate, variance, special.gammaincinv, tail) if rate else 0.0
    upper = _gamma_quantile(rate + largest, variance + largest**2, special.gammainccinv, tail)
    return DirectRate(rate, Interval(lower, upper, level, METHOD), reason=None)


def _gamma_quantile(mean: float, variance: float, quantile: np.ufunc, tail: float) -> float:
    """Where a gamma distribution of this mean and variance leaves `tail` on the ufunc's side."""
    return float(quantile(mean**2 / variance, tail)) * variance / mean


def _none(reason: str, level: float) -> DirectRate:
    return DirectRate(None, Interval(None, None, level, METHOD), reason)
