"""A recent rise: an e-detector, which forgets a quiet past and never needs a horizon.

In:     cases and expected cases of each day (not running totals).
Out:    ln R per day and rate ratio, ln of their mean, the first day it reaches the threshold.
Source: Shin, Ramdas & Rinaldo, E-detectors, N Engl J Stat Data Sci 2024;2:229-260 (doi
        10.51387/23-NEJSDS51); Shiryaev 1963; Roberts, Technometrics 1966;8:411-430.

For each rate ratio theta,  R_d = (R_{d-1} + 1) theta^n_d exp(-(theta-1) mu_d).  If the expectation
is never too small, the mean of R over theta grows by at most 1 a day on average, so the mean time
to a first false alarm at the threshold A is at least A days. All in logarithms: R itself leaves the
range of a float within one large outbreak.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from service.stats.scaled_gamma import Numbers

RATE_RATIOS = (1.5, 2.0, 3.0, 5.0, 8.0)
DAYS_BETWEEN_FALSE_ALARMS = 3650.0
MOST_LOG_FACTOR = 100.0
"""The sum of |ln factor| over a stretch of days that is worked out at once; larger, it rounds."""


@dataclass(frozen=True, slots=True)
class RisePath:
    """Evidence of a recent rise; `log_r` has a row per day and a column per rate ratio.

    `log_mean` is ln of the mean of R over the rate ratios, at the end of each day.
    """

    log_r: Numbers
    log_mean: Numbers


def log_step(
    log_r: Numbers,
    cases: ArrayLike,
    expected: ArrayLike,
    rate_ratios: tuple[float, ...] = RATE_RATIOS,
) -> Numbers:
    """One day on: ln R with a last axis of rate ratios, cases and expected without it.

    The state before the first day is -inf (R = 0).

    >>> print(log_step(np.full(5, -np.inf), 1, 0.05).round(3).tolist())
    [0.38, 0.643, 0.999, 1.409, 1.729]
    """
    return np.logaddexp(log_r, 0.0) + _log_factors(cases, expected, rate_ratios)


def log_mean(log_r: Numbers) -> Numbers:
    """ln of the mean of R over the last axis, the rate ratios.

    >>> round(float(log_mean(np.log([1.0, 2.0, 3.0, 4.0, 5.0]))), 6) == round(log(3), 6)
    True
    """
    highest = log_r.max(axis=-1, keepdims=True)
    reference = np.where(np.isfinite(highest), highest, 0.0)
    total = np.exp(log_r - reference).sum(axis=-1)
    with np.errstate(divide="ignore"):
        mean: Numbers = np.log(total / log_r.shape[-1]) + reference[..., 0]
    return mean


def rise_path(
    cases: ArrayLike,
    expected: ArrayLike,
    *,
    restarts: ArrayLike = (),
    rate_ratios: tuple[float, ...] = RATE_RATIOS,
) -> RisePath:
    """The evidence at the end of each day; it starts from nothing on each day in `restarts`.

    `restarts` are indices: the first day after an alert was closed. ValueError if the arrays
    differ in length, a number is negative, a rate ratio is not above 1 or a restart is no day.

    >>> path = rise_path([0, 0, 1, 1], [0.05] * 4, restarts=[3])
    >>> print(path.log_mean.round(3).tolist())
    [-0.138, 0.494, 2.072, 1.151]
    """
    counts = np.asarray(cases, dtype=np.float64)
    means = np.asarray(expected, dtype=np.float64)
    if counts.ndim != 1 or counts.shape != means.shape:
        raise ValueError("cases and expected must be arrays of one length")
    factors = _log_factors(counts, means, rate_ratios)
    starts = np.unique(np.append(np.asarray(restarts, dtype=np.int64), 0))
    if starts[0] < 0 or starts[-1] >= max(counts.size, 1):
        raise ValueError("a restart must be the index of a day")
    log_r = np.concatenate([_from_nothing(part) for part in np.split(factors, starts[1:])])
    return RisePath(log_r=log_r, log_mean=log_mean(log_r))


def first_rise(
    path: RisePath, days_between_false_alarms: float = DAYS_BETWEEN_FALSE_ALARMS
) -> int | None:
    """Index of the first day on which the mean R reaches so many days, or None.

    >>> path = rise_path([0, 1, 2, 3, 3], [0.05] * 5)
    >>> first_rise(path), first_rise(path, 1e9)
    (3, None)
    """
    if not days_between_false_alarms >= 1:
        raise ValueError("days_between_false_alarms must be at least 1")
    found = np.flatnonzero(path.log_mean >= log(days_between_false_alarms))
    return int(found[0]) if found.size else None


def _log_factors(cases: ArrayLike, expected: ArrayLike, rate_ratios: tuple[float, ...]) -> Numbers:
    """ln of theta^n exp(-(theta-1) mu), with a new last axis of rate ratios."""
    counts = np.asarray(cases, dtype=np.float64)[..., np.newaxis]
    means = np.asarray(expected, dtype=np.float64)[..., np.newaxis]
    theta = np.asarray(rate_ratios, dtype=np.float64)
    if not (np.all(counts >= 0) and np.all(means >= 0)):
        raise ValueError("cases and expected must not be negative")
    if theta.size == 0 or not np.all(theta > 1):
        raise ValueError("every rate ratio must be above 1")
    factors: Numbers = special.xlogy(counts, theta) - (theta - 1.0) * means
    return factors


def _from_nothing(log_factors: Numbers) -> Numbers:
    """ln R from R = 0 on, in stretches of days: step by step in Python takes five times as long."""
    sizes = np.abs(log_factors).max(axis=1, initial=0.0)
    stretches = np.floor(np.cumsum(sizes) / MOST_LOG_FACTOR)
    starts = np.flatnonzero(np.diff(stretches) + (sizes[:-1] > MOST_LOG_FACTOR)) + 1
    log_r = np.empty_like(log_factors)
    state = np.full(log_factors.shape[-1:], -np.inf)
    for factors, rows in zip(np.split(log_factors, starts), np.split(log_r, starts), strict=True):
        # With P the product of factors since: R = P x (R before + 1 + sum of 1/P of days between).
        log_products = np.cumsum(factors, axis=0)
        rows[1:] = -log_products[:-1]
        rows[:1] = np.logaddexp(state, 0.0)
        np.logaddexp.accumulate(rows, axis=0, out=rows)
        rows += log_products
        state = rows[-1] if rows.size else state
    return log_r
