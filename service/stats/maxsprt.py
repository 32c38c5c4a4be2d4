"""MaxSPRT: a sequential test of an excess whose horizon is fixed in advance.

In:     the horizon and the start in expected cases, the least count that may signal, alpha.
Out:    the log-likelihood ratio, its exact critical value, and what a plan achieves.
Source: Kulldorff, Davis, Kolczak, Lewis, Lieu & Platt, Seq Anal 2011;30:58-78 (doi
        10.1080/07474946.2011.539924); delayed start: Kulldorff & Silva, REVSTAT 2017;15:373-394.

With n cases where mu were expected, LLR = mu - n + n ln(n/mu) for n > mu, else 0; it signals once
LLR >= critical value with n >= least_cases and mu >= start. For each n that is a latest time
tau(n), so a series stays silent exactly if it has fewer than n cases at tau(n), for every n: a
Markov chain over the times tau, without grid or simulation.
"""

from dataclasses import dataclass
from math import inf, nextafter

import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy import special

from service.stats.scaled_gamma import Numbers

LONGEST_HORIZON = 1_000.0
"""In expected cases; the published tables end here too."""

LEAST_CRITICAL_VALUE = 1e-9
"""Below this the test is a mere count: no critical value is sought there."""


@dataclass(frozen=True, slots=True)
class MaxsprtPlan:
    """What must be fixed before the first look; `horizon` and `start` in expected cases.

    ValueError unless 0 <= start <= horizon <= 1000, horizon > 0 and least_cases >= 1.
    """

    horizon: float
    least_cases: int = 1
    start: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.horizon <= LONGEST_HORIZON:
            raise ValueError(f"the horizon must lie above 0 and at most {LONGEST_HORIZON:g}")
        if not 0.0 <= self.start <= self.horizon or self.least_cases < 1:
            raise ValueError("start must lie within the horizon, least_cases be at least 1")


@dataclass(frozen=True, slots=True)
class CriticalValue:
    """A critical value and the alpha it truly has.

    With a delayed start some alphas cannot be had: `alpha` is then the nearest one below.
    """

    value: float
    alpha: float


@dataclass(frozen=True, slots=True)
class MaxsprtPerformance:
    """What a plan achieves at one true rate ratio; times in cases expected under the null.

    `time_to_signal` is the mean over the series that signal, None where none does; `time_watched`
    the mean over all, up to the signal or the horizon.
    """

    power: float
    time_to_signal: float | None
    time_watched: float


def log_likelihood_ratio(cases: ArrayLike, expected: ArrayLike) -> Numbers:
    """LLR of so many cases where so many were expected, shaped as they broadcast.

    0 unless cases exceed the expected; infinite for a case where none was expected.

    >>> print(log_likelihood_ratio([0, 2, 5], [1.0, 3.0, 1.0]).round(4).tolist())
    [0.0, 0.0, 4.0472]
    """
    counts = np.asarray(cases, dtype=np.float64)
    means = np.asarray(expected, dtype=np.float64)
    if not (np.all(counts >= 0) and np.all(means >= 0)):
        raise ValueError("cases and expected must not be negative")
    ratio: Numbers = np.where(counts > means, np.maximum(special.kl_div(counts, means), 0.0), 0.0)
    return ratio


def latest_signal(cases: ArrayLike, critical_value: float) -> Numbers:
    """tau(n): the most expected cases at which n cases still signal, shaped as `cases` (above 0).

    >>> print(latest_signal([1, 4], 3.0).round(4).tolist())
    [0.0187, 0.8623]
    """
    counts = np.asarray(cases, dtype=np.float64)
    if critical_value < 0 or not np.all(counts > 0):
        raise ValueError("cases must be above 0, the critical value not below 0")
    # u = tau/n solves u - ln u = 1 + d. In x = ln u that function is convex and falls, so Newton's
    # method from the left of the root closes in on it without ever passing it.
    d = critical_value / counts
    x = -(1.0 + d)
    for _ in range(60):
        slope = np.expm1(x)
        with np.errstate(invalid="ignore"):
            step = np.where(slope < 0.0, (slope - x - d) / slope, 0.0)
        x = np.minimum(x - step, 0.0)
        if np.all(np.abs(step) <= 1e-15 * np.abs(x)):
            break
    times: Numbers = counts * np.exp(x)
    return times


def maxsprt_alpha(plan: MaxsprtPlan, critical_value: float) -> float:
    """The chance that the test ever signals although the rate is as expected.

    >>> round(maxsprt_alpha(MaxsprtPlan(horizon=20.0), 3.628123), 6)
    0.05
    """
    return maxsprt_performance(plan, critical_value, rate_ratio=1.0).power


def maxsprt_performance(
    plan: MaxsprtPlan, critical_value: float, *, rate_ratio: float
) -> MaxsprtPerformance:
    """Power and mean times of the plan when the true rate is `rate_ratio` times the expected.

    >>> found = maxsprt_performance(MaxsprtPlan(horizon=10.0), 3.467952, rate_ratio=2.0)
    >>> f"{found.power:.3f} after {found.time_to_signal:.2f} expected cases"
    '0.685 after 4.13 expected cases'
    """
    if not critical_value > 0 or not rate_ratio > 0:
        raise ValueError("critical_value and rate_ratio must be above 0")
    return _performance(plan, critical_value, rate_ratio, _least_signalling(plan, critical_value))


def maxsprt_critical_value(plan: MaxsprtPlan, alpha: float = 0.05) -> CriticalValue:
    """The least critical value whose alpha is not above the one asked for.

    ValueError unless 0 < alpha < 1, and where even the slightest excess of `least_cases` is rarer
    than alpha, so that there is nothing to choose.

    >>> found = maxsprt_critical_value(MaxsprtPlan(horizon=20.0), alpha=0.05)
    >>> f"{found.value:.6f}"
    '3.628123'
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")

    def excess(value: float, least: int) -> float:
        return _performance(plan, value, 1.0, least).power - alpha

    # A delayed start makes alpha jump where the count that signals at once goes up by one. Between
    # two jumps it falls without a gap.
    least, lower, upper = plan.least_cases, LEAST_CRITICAL_VALUE, inf
    if plan.start > 0:
        least = _least_signalling(plan, LEAST_CRITICAL_VALUE)
        upper = float(log_likelihood_ratio(least, plan.start))
        while upper < inf and excess(upper, least) > 0:
            least, lower = least + 1, nextafter(upper, inf)
            upper = float(log_likelihood_ratio(least, plan.start))
    at_lower = excess(lower, least)
    if at_lower <= 0:
        if lower == LEAST_CRITICAL_VALUE:
            raise ValueError(
                f"{plan.least_cases} cases in excess are rarer than {alpha} within the horizon"
            )
        return CriticalValue(lower, at_lower + alpha)
    if upper == inf:
        upper = 4.0
        while upper < inf and excess(upper, least) > 0:
            upper *= 2.0
    value = scipy.optimize.brentq(excess, lower, upper, args=(least,), xtol=1e-13, rtol=1e-14)
    return CriticalValue(float(value), excess(float(value), least) + alpha)


def _least_signalling(plan: MaxsprtPlan, critical_value: float) -> int:
    """The least count that signals at the start."""
    least = plan.least_cases
    while float(log_likelihood_ratio(least, plan.start)) < critical_value:
        least += 1
    return least


def _performance(
    plan: MaxsprtPlan, critical_value: float, rate_ratio: float, least: int
) -> MaxsprtPerformance:
    now, needed = plan.start, least
    # silent[j]: the chance of no signal yet and j cases so far
    silent = _poisson(needed - 1, rate_ratio * now)
    watched = now
    while now < plan.horizon:
        until = min(float(latest_signal(needed, critical_value)), plan.horizon)
        mean = rate_ratio * max(until - now, 0.0)
        step = _poisson(min(needed - 1, int(mean + 12.0 * mean**0.5) + 40), mean)
        # Mean time on watch from j cases on: E min(Poisson, needed - j) / rate.
        still_missing = np.cumsum(special.pdtrc(np.arange(needed), mean))[::-1]
        watched += float(silent @ still_missing) / rate_ratio
        silent = np.append(np.convolve(silent, step)[:needed], 0.0)
        now, needed = max(until, now), needed + 1
    power = float(np.clip(1.0 - silent.sum(), 0.0, 1.0))
    time_to_signal = (watched - (1.0 - power) * plan.horizon) / power if power > 0 else None
    return MaxsprtPerformance(power, time_to_signal, watched)


def _poisson(most: int, mean: float) -> Numbers:
    """The chances of 0, 1, ..., `most` cases."""
    counts = np.arange(most + 1, dtype=np.float64)
    chances: Numbers = np.exp(special.xlogy(counts, mean) - special.gammaln(counts + 1.0) - mean)
    return chances
