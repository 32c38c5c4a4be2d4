"""A Poisson CUSUM whose expectation differs from day to day.

In:     cases and expected cases of each day; the rate ratio to find, the mean run length wanted.
Out:    the CUSUM of each day in shares of that day's threshold, and the thresholds.
Source: Rogerson & Yamada, Stat Med 2004;23:2195-2214; `service.stats.cusum` for the designs.

    C_d = max(0, C_{d-1} + (n_d - k_d) / h_d),  signal when C_d >= 1

k_d = mu_d (theta-1) / ln theta, and h_d the threshold that gives the wanted run length where every
day expects mu_d. A design costs a chain of hundreds of states, so h is computed on a ladder of
expectations and taken between its rungs on a straight line in ln mu, on which it nearly lies. Below
`LOWEST` cases a day hardly a day has two: there a day counts as its part of a day of `LOWEST`, and
so does the wanted run length.
"""

from functools import lru_cache
from math import ceil, floor, log

import numpy as np
from numpy.typing import ArrayLike

from service.stats.cusum import TIE, CusumPath, cusum_design
from service.stats.scaled_gamma import Numbers

LOWEST = 0.05
RUNG_RATIO = 1.5
LEAST_LEVEL = 1e-9
"""Of the ladder, in cases a day; on any day that expects less, one case suffices."""


def cusum_threshold(expected: float, rate_ratio: float, days_between_false_alarms: float) -> float:
    """h, in cases, of a series that expects so many cases every day.

    >>> print(*(f"{cusum_threshold(mu, 2.0, 3650.0):.2f}" for mu in (0.0005, 0.05, 0.06, 1.0)))
    0.95 5.49 5.76 9.38
    """
    step = log(max(expected, LEAST_LEVEL) / LOWEST) / log(RUNG_RATIO)
    below, above = floor(step + TIE), ceil(step - TIE)
    lower = _threshold_of_rung(below, rate_ratio, days_between_false_alarms)
    if below >= above:
        return lower
    upper = _threshold_of_rung(above, rate_ratio, days_between_false_alarms)
    return lower + (step - below) * (upper - lower)


@lru_cache(maxsize=1024)
def _threshold_of_rung(rung: int, rate_ratio: float, days: float) -> float:
    level = LOWEST * RUNG_RATIO**rung
    if rung < 0:
        days = max(1.0, days * level / LOWEST)
    return cusum_design(max(level, LOWEST), rate_ratio, days).threshold


def varying_cusum(
    cases: ArrayLike,
    expected: ArrayLike,
    *,
    rate_ratio: float = 2.0,
    days_between_false_alarms: float = 3650.0,
) -> tuple[CusumPath, Numbers]:
    """The CUSUM in shares of the threshold, running on after a signal, and each day's threshold.

    ValueError if the arrays differ in length or hold a negative number.

    >>> path, thresholds = varying_cusum([0, 3, 3, 0], [0.05] * 4)
    >>> print(path.cusum.round(2).tolist(), path.signals.tolist(), thresholds.round(2).max())
    [0.0, 0.53, 1.07, 1.05] [False, False, True, True] 5.49
    """
    counts = np.asarray(cases, dtype=np.float64)
    means = np.asarray(expected, dtype=np.float64)
    if counts.ndim != 1 or counts.shape != means.shape:
        raise ValueError("cases and expected must be arrays of one length")
    if not (np.all(counts >= 0) and np.all(means >= 0)):
        raise ValueError("cases and expected must not be negative")
    levels, which = np.unique(means, return_inverse=True)
    of_level = [cusum_threshold(mu, rate_ratio, days_between_false_alarms) for mu in levels]
    thresholds: Numbers = np.array(of_level, dtype=np.float64)[which]
    references = means * (rate_ratio - 1.0) / log(rate_ratio)
    sums = np.cumsum((counts - references) / thresholds)
    lowest = np.minimum(np.minimum.accumulate(sums), 0.0) if sums.size else sums
    path = CusumPath(cusum=sums - lowest, signals=sums - lowest >= 1.0 - TIE)
    return path, thresholds
