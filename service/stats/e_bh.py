"""Many monitors at once: which stand when all are judged together.

In:     the log e-value of each of K monitors.
Out:    which of them stand at false discovery rate alpha, whatever their dependence.
Source: Wang & Ramdas, J R Stat Soc B 2022;84:822-852 (doi 10.1111/rssb.12489).

Sorted from the largest, those up to the last k with e_(k) >= K / (alpha k) stand. The e-values are
those of now: a running maximum is no e-value, since its mean under the null is not held to 1.
"""

from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray


def standing(log_e_values: ArrayLike, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Whether each monitor stands among all; one-dimensional, in the order given.

    ValueError for a NaN, or alpha outside 0 to 1.

    >>> standing(np.log([90.0, 30.0, 45.0, 1.0]), alpha=0.05).tolist()
    [True, True, True, False]
    """
    log_e = np.asarray(log_e_values, dtype=np.float64)
    if log_e.ndim != 1 or np.any(np.isnan(log_e)):
        raise ValueError("log e-values must be one row of numbers")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    if log_e.size == 0:
        return np.zeros(0, dtype=np.bool_)
    descending = np.sort(log_e)[::-1]
    ranks = np.arange(1, log_e.size + 1)
    reached = np.flatnonzero(descending >= log(log_e.size / alpha) - np.log(ranks))
    if reached.size == 0:
        return np.zeros(log_e.shape, dtype=np.bool_)
    stands: NDArray[np.bool_] = log_e >= descending[reached[-1]]
    return stands
