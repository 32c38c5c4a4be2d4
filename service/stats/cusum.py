"""Poisson CUSUM: cases above a reference value are summed up until they reach a threshold.

In:     the cases of each day and how many are expected; the rate ratio to find, the mean run length
        wanted.
Out:    reference value and threshold, their exact mean run length, the CUSUM of a series.
Source: Lucas, Technometrics 1985;27:129-144; run length by the Markov chain of Brook &
        Evans, Biometrika 1972;59:539-549.

    C_d = max(0, C_{d-1} + w_d (n_d - k_d)),  signal when C_d >= h

k = (mu1 - mu0) / (ln mu1 - ln mu0) is best for a rise from mu0 to mu1. Reference value and
threshold are multiples of 1 / `steps` case, so that the chain is exact and no tie is lost to
rounding. For an expectation that varies see `service.stats.varying_cusum`.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from service.stats.scaled_gamma import Numbers

STEPS = 10
"""Per case, as in R's surveillance; more where the reference value asks for it."""

MOST_STATES = 4_000
LONGEST_RUN = 1e12
"""In days: a longer one is lost to rounding, and called infinite."""

TIE = 1e-9
"""Sums of decimals miss a tie by their last digits; the threshold is met this close below it."""


@dataclass(frozen=True, slots=True)
class CusumDesign:
    """Reference value k and threshold h in cases, and the mean run length while in control."""

    reference: float
    threshold: float
    run_length: float


@dataclass(frozen=True, slots=True)
class CusumPath:
    """The CUSUM at the end of each day, and whether it signals; before any restart."""

    cusum: Numbers
    signals: NDArray[np.bool_]


def run_length(threshold: float, reference: float, mean: float, *, steps: int = STEPS) -> float:
    """Mean number of days to a signal from 0, with `mean` cases a day.

    Infinite without cases, or where longer than `LONGEST_RUN`. ValueError unless threshold and
    reference are above 0 and multiples of 1/steps.

    >>> round(run_length(3.0, 2.0, 1.0), 2)
    151.61
    """
    if not threshold > 0 or not reference > 0 or not mean >= 0:
        raise ValueError("threshold and reference must be above 0, mean not negative")
    states, down = round(threshold * steps), round(reference * steps)
    for whole, value in ((states, threshold), (down, reference)):
        if whole < 1 or abs(whole / steps - value) > TIE * value:
            raise ValueError(f"{value} is no multiple of 1/{steps} case")
    if states > MOST_STATES:
        raise ValueError(
            f"more than {MOST_STATES} states: fewer steps, or longer periods than days"
        )
    if mean == 0:
        return float("inf")
    # stay[i, j]: from i/steps to j/steps within a day, both below the threshold
    stay = np.zeros((states, states))
    before = np.arange(states)
    fewest = max(0, (down - states) // steps)  # with fewer, every state falls to 0
    stay[:, 0] = special.pdtr(fewest - 1, mean) if fewest else 0.0
    for cases in range(fewest, (states + down) // steps + 1):
        after = np.maximum(before + cases * steps - down, 0)
        below = after < states
        stay[before[below], after[below]] += exp(
            float(special.xlogy(cases, mean) - special.gammaln(cases + 1)) - mean
        )
    try:
        days = float(np.linalg.solve(np.eye(states) - stay, np.ones(states))[0])
    except np.linalg.LinAlgError:  # no signal within the range of a float
        return float("inf")
    return days if 1.0 <= days <= LONGEST_RUN else float("inf")


@lru_cache(maxsize=512)
def cusum_design(
    expected: float,
    rate_ratio: float,
    days_between_false_alarms: float,
    *,
    steps: int | None = None,
) -> CusumDesign:
    """The reference value for this rise and the least threshold with this mean run length.

    `expected` cases a day while in control; `steps` per case are chosen to fit them. ValueError for
    numbers out of range, steps so coarse that no reference value lies between the two rates, or an
    expectation so small that the chain would need more than `MOST_STATES` states: `varying_cusum`
    goes on from there.

    >>> design = cusum_design(0.05, 2.0, 3650.0)
    >>> f"k {design.reference:.4f}, h {design.threshold:.2f}, {design.run_length:.0f} days"
    'k 0.0727, h 5.49, 3689 days'
    """
    if not expected > 0 or not rate_ratio > 1 or not days_between_false_alarms >= 1:
        raise ValueError("expected must be above 0, rate_ratio above 1, the run length at least 1")
    best = expected * (rate_ratio - 1.0) / log(rate_ratio)
    steps = _steps_for(best) if steps is None else steps
    down = round(best * steps)
    if down / steps <= expected:
        raise ValueError(f"no multiple of 1/{steps} lies between the rates: take more steps")

    def length(states: int) -> float:
        return run_length(states / steps, down / steps, expected, steps=steps)

    low, high = 0, steps
    while length(high) < days_between_false_alarms:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if length(middle) < days_between_false_alarms:
            low = middle
        else:
            high = middle
    return CusumDesign(down / steps, high / steps, length(high))


def _steps_for(reference: float) -> int:
    # Four steps make a small reference value, one a tiny one, so that rounding hardly moves it.
    return max(STEPS, round((4.0 if reference > 0.01 else 1.0) / reference))


def cusum_path(
    cases: ArrayLike,
    reference: ArrayLike,
    threshold: float,
    *,
    weights: ArrayLike = 1.0,
    restart: float | None = 0.0,
) -> CusumPath:
    """The CUSUM of a daily series; reference value and weight may differ from day to day.

    After a signal it goes on from `restart` x threshold where it is above that; None lets it run
    on. ValueError for a negative count, reference value or weight, or a threshold not above 0.

    >>> path = cusum_path([0, 2, 3, 0, 2], 0.9, 3.0)
    >>> print(path.cusum.round(1).tolist(), path.signals.tolist())
    [0.0, 1.1, 3.2, 0.0, 1.1] [False, False, True, False, False]
    """
    counts = np.asarray(cases, dtype=np.float64)
    references = np.broadcast_to(np.asarray(reference, dtype=np.float64), counts.shape)
    scales = np.broadcast_to(np.asarray(weights, dtype=np.float64), counts.shape)
    if counts.ndim != 1 or not all(np.all(row >= 0) for row in (counts, references, scales)):
        raise ValueError("cases, reference and weights must be rows of numbers not below 0")
    if not threshold > 0:
        raise ValueError("threshold must be above 0")
    met = threshold * (1.0 - TIE)
    after_signal = np.inf if restart is None else restart * threshold
    sums = np.empty(counts.shape)
    now = 0.0
    for day, change in enumerate((scales * (counts - references)).tolist()):
        now = max(0.0, (min(now, after_signal) if now >= met else now) + change)
        sums[day] = now
    return CusumPath(cusum=sums, signals=sums >= met)
