"""A shift in shares: evidence that a share lies above its baseline, valid at any look.

In:     cases of the kind and all cases up to each look, and the baseline share.
Out:    the log e-value of each pair, and a series' path with its running maximum.
Source: a beta mixture as in Robbins, Ann Math Stat 1970;41:1397-1409, cut off below
        the baseline as the gamma mixture of `e_process`; Ville 1939. Continued fraction: NIST DLMF
        8.17.22.

The true share p > p0 is mixed over a beta distribution (a, b) cut off below p0. With k of n,

    e = g(a+k, b+n-k) / g(a, b),   g(a, b) = integral over p0..1 of p^(a-1) (1-p)^(b-1) dp
                                             / (p0^a (1-p0)^b)

If no case is of the kind with a chance above p0, whatever came before, the chance that e ever
reaches 1/alpha is at most alpha.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from service.stats.scaled_gamma import Numbers

LEAST_TAIL = 1e-200
MOST_TERMS = 2_000
"""Far more than the fraction needs this deep in the tail."""


@dataclass(frozen=True, slots=True)
class SharePath:
    """Evidence of a raised share, look by look."""

    log_e: Numbers
    running_max_log_e: Numbers


def log_share_e_value(
    of_kind: ArrayLike,
    cases: ArrayLike,
    baseline: float,
    *,
    shape: tuple[float, float] = (1.0, 1.0),
) -> Numbers:
    """Log e-value of so many of the kind among so many cases, shaped as they broadcast.

    `baseline` is the greatest share that is not yet a shift, above 0 and below 1; `shape` (a, b) of
    the mixture. ValueError for counts that are negative or exceed their whole.

    >>> print(log_share_e_value([0, 9, 28], [0, 10, 30], 0.56).round(3).tolist())
    [0.0, 2.143, 9.189]
    """
    kind = np.asarray(of_kind, dtype=np.float64)
    whole = np.asarray(cases, dtype=np.float64)
    if not (np.all(kind >= 0) and np.all(whole >= kind)):
        raise ValueError("of_kind must lie between 0 and cases")
    if not 0.0 < baseline < 1.0 or not min(shape) > 0:
        raise ValueError("baseline must lie between 0 and 1, the mixture's shape above 0")
    a, b = shape
    start = _log_scaled_upper_beta(np.asarray(a), np.asarray(b), baseline)
    return _log_scaled_upper_beta(a + kind, b + whole - kind, baseline) - start


def share_path(of_kind: ArrayLike, cases: ArrayLike, baseline: float) -> SharePath:
    """The evidence at each look, from counts that run from the start.

    ValueError if the counts differ in length or fall.

    >>> share_path([1, 8, 8], [1, 8, 20], 0.56).running_max_log_e.round(2).tolist()
    [0.33, 3.26, 3.26]
    """
    kind = np.asarray(of_kind, dtype=np.float64)
    whole = np.asarray(cases, dtype=np.float64)
    if kind.shape != whole.shape or kind.ndim != 1:
        raise ValueError("of_kind and cases must be arrays of one length")
    if np.any(np.diff(kind) < 0) or np.any(np.diff(whole) < np.diff(kind)):
        raise ValueError("counts from the start must not fall")
    log_e = log_share_e_value(kind, whole, baseline)
    return SharePath(log_e=log_e, running_max_log_e=np.maximum.accumulate(log_e))


def _log_scaled_upper_beta(a: Numbers, b: Numbers, p0: float) -> Numbers:
    """ln of the incomplete beta integral over p0..1, over p0^a (1-p0)^b."""
    a, b = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    tail = np.asarray(special.betaincc(a, b, p0), dtype=np.float64)
    in_reach = tail > LEAST_TAIL
    logs = np.empty(a.shape)
    near_a, near_b = a[in_reach], b[in_reach]
    logs[in_reach] = (
        special.betaln(near_a, near_b)
        + np.log(tail[in_reach])
        - near_a * np.log(p0)
        - near_b * np.log1p(-p0)
    )
    far_a, far_b = a[~in_reach], b[~in_reach]
    logs[~in_reach] = np.log(_continued_fraction(far_b, far_a, 1.0 - p0)) - np.log(far_b)
    return logs


def _continued_fraction(a: Numbers, b: Numbers, x: float) -> Numbers:
    """a B_x(a, b) / (x^a (1-x)^b) by Lentz's method, for x well below a / (a + b)."""
    c = np.ones(a.shape)
    d = 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    h = d.copy()
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / (1.0 + even * d)
        c = 1.0 + even / c
        h *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 / (1.0 + odd * d)
        c = 1.0 + odd / c
        change = d * c
        h *= change
        if np.all(np.abs(change - 1.0) <= 1e-14):
            break
    return h
