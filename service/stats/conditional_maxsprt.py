"""Conditional MaxSPRT: the expected rate is not known but estimated from past cases.

In:     the number of past cases, how long surveillance goes on, which end the history has, alpha.
Out:    the log-likelihood ratio, its exact critical value, alpha and power.
Source: Li & Kulldorff, Stat Med 2010;29:284-295 (doi 10.1002/sim.3780); Silva, Li & Kulldorff, Seq
        Anal 2019;38:115-133, for `exact` and `conservative`.

With c past cases in person-time V and k new ones in person-time P, and t = P/V,

    cLLR = c ln(c (1+t) / (c+k)) + k ln(k (1+t) / (t (c+k)))    if k/c > t, else 0

V is random: `liberal` takes the history to end at its c-th case, V ~ Gamma(c); `conservative` at
the next one, V ~ Gamma(c+1); `exact` anywhere between the two. With V ~ Gamma(c) the new cases are
a Polya process, whose steps are negative binomial: the same Markov chain as MaxSPRT's, without
simulation. The other two need only other weights at its end, because given V the chance of a path
depends on V by V^j exp(-V t) alone. R's Sequential 4.5.1 gives its last step the liberal weights
under either name, and so a critical value a little too low (see tests/reference).
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf, log

import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy import special

from service.stats.maxsprt import LEAST_CRITICAL_VALUE, CriticalValue
from service.stats.scaled_gamma import Numbers

NODES = 60
"""Of Gauss's quadrature in either direction: the integrand is smooth, 12 digits."""

MOST_FOR_JACOBI = 200
"""Past cases; beyond, -ln B, which is exponential with mean 1/c, has the better nodes."""


class HistoryEnd(StrEnum):
    """Where the past period is taken to end."""

    LIBERAL = "liberal"
    EXACT = "exact"
    CONSERVATIVE = "conservative"


@dataclass(frozen=True, slots=True)
class ConditionalPlan:
    """What must be fixed before the first look; ValueError for a number out of range.

    `most_cases` ends surveillance at so many new cases, `longest_ratio` at so many times the past
    person-time; one of them is enough.
    """

    past_cases: int
    most_cases: int | None = None
    longest_ratio: float | None = None
    least_cases: int = 1
    history_end: HistoryEnd = HistoryEnd.EXACT

    def __post_init__(self) -> None:
        if self.past_cases < 1 or self.least_cases < 1:
            raise ValueError("past_cases and least_cases must be at least 1")
        if self.most_cases is None and self.longest_ratio is None:
            raise ValueError("either most_cases or longest_ratio must end the surveillance")
        if self.most_cases is not None and not self.least_cases <= self.most_cases <= 1_000:
            raise ValueError("most_cases must lie between least_cases and 1000")
        if self.longest_ratio is not None:
            if not self.longest_ratio > 0:
                raise ValueError("longest_ratio must be above 0")
            if self.longest_ratio * self.past_cases > 1_000:
                raise ValueError("more than 1000 cases would be expected by the end")


def conditional_log_likelihood_ratio(
    cases: ArrayLike, past_cases: ArrayLike, time_ratio: ArrayLike
) -> Numbers:
    """cLLR of new cases against past ones, `time_ratio` = new over past person-time.

    0 unless the new rate is above the past one; infinite for a case in no time.

    >>> print(conditional_log_likelihood_ratio([1, 4], 10, [0.5, 0.1]).round(4).tolist())
    [0.0, 2.1689]
    """
    k, c, t = np.broadcast_arrays(
        np.asarray(cases, dtype=np.float64),
        np.asarray(past_cases, dtype=np.float64),
        np.asarray(time_ratio, dtype=np.float64),
    )
    if not (np.all(k >= 0) and np.all(c > 0) and np.all(t >= 0)):
        raise ValueError("cases and time_ratio must not be negative, past_cases must be above 0")
    # The divergence of the observed split (c, k) from the expected split (1, t) of c + k cases.
    share = t / (1.0 + t)
    ratio = special.kl_div(c, (c + k) * (1.0 - share)) + special.kl_div(k, (c + k) * share)
    return np.where(k > c * t, np.maximum(ratio, 0.0), 0.0)


def latest_signal_ratio(cases: int, past_cases: int, critical_value: float) -> float:
    """The greatest time ratio at which so many new cases still signal.

    >>> round(latest_signal_ratio(4, 10, 2.1689), 5)
    0.1
    """
    k, c = float(cases), float(past_cases)
    # In x = ln t the ratio is convex and falls; this start lies left of the root.
    constant = -c * np.log1p(k / c) - k * np.log1p(c / k)
    x = (constant - critical_value) / k
    for _ in range(60):
        t = np.exp(x)
        slope = (c * t - k) / (1.0 + t)
        step = (constant + (c + k) * np.log1p(t) - k * x - critical_value) / slope
        x = min(x - step, log(k / c))
        if abs(step) <= 1e-14 * max(abs(x), 1.0) or x == log(k / c):
            break
    return float(np.exp(x))


def conditional_power(
    plan: ConditionalPlan, critical_value: float, *, rate_ratio: float = 1.0
) -> float:
    """The chance of a signal when the new rate is so many times the past one; alpha at 1.

    >>> plan = ConditionalPlan(past_cases=10, most_cases=5, history_end=HistoryEnd.LIBERAL)
    >>> round(conditional_power(plan, 2.8343018516898155), 6)
    0.05
    """
    if not critical_value > 0 or not rate_ratio > 0:
        raise ValueError("critical_value and rate_ratio must be above 0")
    now, needed = 0.0, plan.least_cases
    silent = np.zeros(needed)
    silent[0] = 1.0
    while now < (plan.longest_ratio or inf) and needed <= (plan.most_cases or inf):
        until = latest_signal_ratio(needed, plan.past_cases, critical_value)
        until = min(until, plan.longest_ratio or inf)
        silent = _step(silent, plan.past_cases, rate_ratio * now, rate_ratio * until)
        silent = np.append(silent, 0.0)
        now, needed = max(until, now), needed + 1
    weights = WEIGHTS[plan.history_end](silent.size, plan.past_cases, rate_ratio * now)
    return float(np.clip(1.0 - silent @ weights, 0.0, 1.0))


def conditional_critical_value(plan: ConditionalPlan, alpha: float = 0.05) -> CriticalValue:
    """The critical value with exactly this alpha; ValueError where even any excess is rarer.

    >>> plan = ConditionalPlan(past_cases=10, most_cases=5, history_end=HistoryEnd.LIBERAL)
    >>> f"{conditional_critical_value(plan).value:.4f}"
    '2.8343'
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")

    def excess(value: float) -> float:
        return conditional_power(plan, value) - alpha

    if excess(LEAST_CRITICAL_VALUE) <= 0:
        raise ValueError(f"any excess of {plan.least_cases} cases is rarer than {alpha}")
    upper = 4.0
    while excess(upper) > 0:
        upper *= 2.0
    value = float(scipy.optimize.brentq(excess, LEAST_CRITICAL_VALUE, upper, xtol=1e-12))
    return CriticalValue(value, excess(value) + alpha)


def _step(silent: Numbers, past_cases: int, now: float, until: float) -> Numbers:
    """The Polya process from one time to the next: j so far, then negative binomial(c + j)."""
    if until <= now:
        return silent
    so_far = np.arange(silent.size, dtype=np.float64)[:, np.newaxis]
    added = np.arange(silent.size, dtype=np.float64)[np.newaxis, :] - so_far
    new = np.maximum(added, 0.0)
    size = past_cases + so_far
    log_chance = (
        special.gammaln(size + new)
        - special.gammaln(size)
        - special.gammaln(new + 1.0)
        - size * np.log1p((until - now) / (1.0 + now))
        + new * log((until - now) / (1.0 + until))
    )
    return silent @ np.where(added >= 0, np.exp(log_chance), 0.0)


def _liberal(counts: int, past_cases: int, time: float) -> Numbers:  # noqa: ARG001
    return np.ones(counts)


def _conservative(counts: int, past_cases: int, time: float) -> Numbers:
    """E[V^j exp(-V t)] for Gamma(c+1) over the same for Gamma(c)."""
    return (1.0 + np.arange(counts) / past_cases) / (1.0 + time)


def _exact(counts: int, past_cases: int, time: float) -> Numbers:
    """The same for V = G W: G ~ Gamma(c+1), W = B + U (1-B), B ~ Beta(c, 1), U uniform."""
    if past_cases > MOST_FOR_JACOBI:
        waits, spread_weights = special.roots_laguerre(NODES)
        shares = np.exp(-waits / past_cases)
    else:
        spread, spread_weights = special.roots_jacobi(NODES, 0.0, past_cases - 1.0)
        shares = (spread + 1.0) / 2.0
    gap, gap_weights = special.roots_legendre(NODES)
    b, u = np.meshgrid(shares, (gap + 1.0) / 2.0)
    w = (b + u * (1.0 - b)).ravel()
    chances = np.outer(gap_weights / gap_weights.sum(), spread_weights / spread_weights.sum())
    j = np.arange(counts)[:, np.newaxis]
    shrink = (1.0 + w * time) / (1.0 + time)
    log_term = j * np.log(w) - (past_cases + 1.0 + j) * np.log(shrink)
    mean: Numbers = np.exp(log_term) @ chances.ravel()
    return _conservative(counts, past_cases, time) * mean


WEIGHTS = {
    HistoryEnd.LIBERAL: _liberal,
    HistoryEnd.EXACT: _exact,
    HistoryEnd.CONSERVATIVE: _conservative,
}
