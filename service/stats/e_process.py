"""Excess since the start: evidence that may be looked at after every event, for ever.

In:     cases and expected cases up to each day.
Out:    the log e-value of each pair, and a series' path with its running maximum.
Source: docs/methods.md 8.1; Howard, Ramdas, McAuliffe & Sekhon 2021 (doi 10.1214/20-AOS1991), the
        gamma-Poisson mixture; Ville 1939.

The rate ratio theta > 1 is mixed over a gamma distribution (shape a, rate b) cut off below 1:

    e = E + a ln b + lnGamma(a+N) - lnGamma(a) - (a+N) ln(b+E) + ln Q(a+N, b+E) - ln Q(a, b)
      = ln h(a+N, b+E) - ln h(a, b),     h(a, x) = exp(x) x^(-a) Gamma(a, x)

If the rate never exceeds the null, the chance that exp(e) ever reaches 1/alpha is at most alpha.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.stats.scaled_gamma import Numbers, log_scaled_upper_gamma


def log_e_value(
    cases: ArrayLike, expected: ArrayLike, *, shape: float = 1.0, rate: float = 0.5
) -> Numbers:
    """Log e-value of so many cases where so many were expected, shaped as they broadcast.

    Howard's own (rho, rho) mixture is `shape = rate = rho`. ValueError for a negative count or
    expectation, or a shape or rate not above 0.

    >>> print(log_e_value([0, 3, 10], [0.0, 1.0, 3.2]).round(4).tolist())
    [0.0, 0.9089, 3.718]
    """
    counts = np.asarray(cases, dtype=np.float64)
    means = np.asarray(expected, dtype=np.float64)
    if not (np.all(counts >= 0) and np.all(means >= 0)):
        raise ValueError("cases and expected must not be negative")
    if shape <= 0 or rate <= 0:
        raise ValueError("shape and rate must be above 0")
    start = log_scaled_upper_gamma(shape, rate)
    evidence: Numbers = log_scaled_upper_gamma(shape + counts, rate + means) - start
    return evidence


@dataclass(frozen=True, slots=True)
class ExcessPath:
    """Evidence of an excess day by day; all arrays have one length.

    `cases` and `expected` count from the start. `running_max_log_e` is what a signal is read from:
    evidence once seen is not unseen.
    """

    days: NDArray[np.int64]
    cases: NDArray[np.int64]
    expected: Numbers
    log_e: Numbers
    running_max_log_e: Numbers


def excess_path(
    days: NDArray[np.int64], cumulative_cases: NDArray[np.int64], cumulative_expected: Numbers
) -> ExcessPath:
    """The evidence on each day, from counts that run from the start.

    ValueError if the arrays differ in length, the days do not ascend, or a count falls.

    >>> path = excess_path(np.array([10, 40]), np.array([4, 5]), np.array([0.5, 3.0]))
    >>> print(path.log_e.round(2).tolist(), path.running_max_log_e.round(2).tolist())
    [3.48, -0.08] [3.48, 3.48]
    """
    if not days.shape == cumulative_cases.shape == cumulative_expected.shape or days.ndim != 1:
        raise ValueError("days, cases and expected must be arrays of one length")
    if np.any(np.diff(days) <= 0):
        raise ValueError("days must ascend")
    if np.any(np.diff(cumulative_cases) < 0) or np.any(np.diff(cumulative_expected) < 0):
        raise ValueError("cumulative counts must not fall")
    log_e = log_e_value(cumulative_cases, cumulative_expected)
    return ExcessPath(
        days=days,
        cases=cumulative_cases,
        expected=cumulative_expected,
        log_e=log_e,
        running_max_log_e=np.maximum.accumulate(log_e),
    )


def first_crossing(path: ExcessPath, log_threshold: float) -> int | None:
    """Index of the first day on which the evidence reaches the threshold, or None.

    >>> path = excess_path(np.array([10, 40]), np.array([1, 5]), np.array([0.5, 0.6]))
    >>> first_crossing(path, np.log(20)), first_crossing(path, np.log(1e6))
    (1, None)
    """
    index = int(np.searchsorted(path.running_max_log_e, log_threshold, side="left"))
    return index if index < path.days.size else None
