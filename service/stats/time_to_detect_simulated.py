"""When a rule that forgets first signals, by simulation with a fixed seed, from case to case.

In:     a rule (e-detector or CUSUM) at a constant expectation, the true mean of cases a day.
Out:    the day of each series' first signal; states from which to go on.
Source: `service.stats.e_detector`, `service.stats.varying_cusum`; docs/calibration.md for how often
        each errs and how soon each sees.

Days without a case change either rule in closed form, so that a step leads from one day with cases
to the next: a rare infection over a hundred years costs no more than a common one over a week.
"""

from dataclasses import dataclass
from math import log
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from service.stats.cusum import TIE
from service.stats.e_detector import RATE_RATIOS
from service.stats.scaled_gamma import Numbers
from service.stats.varying_cusum import cusum_threshold

LARGEST_LOG = 600.0
"""exp of this is far above any threshold, and still leaves room for R."""


class Rule(Protocol):
    """A statistic that goes on from day to day, one state for each series."""

    def fresh(self, series: int) -> Numbers:
        """The state before the first day."""

    def quiet(self, state: Numbers, days: Numbers) -> Numbers:
        """The state so many days without a case later."""

    def cases(self, state: Numbers, cases: NDArray[np.int64]) -> Numbers:
        """The state one day with so many cases later."""

    def signals(self, state: Numbers) -> NDArray[np.bool_]:
        """Which series signal."""


@dataclass(frozen=True, slots=True)
class Detector:
    """The e-detector at a constant expectation a day; a state is R for each rate ratio."""

    expected: float
    threshold: float
    rate_ratios: tuple[float, ...] = RATE_RATIOS

    def fresh(self, series: int) -> Numbers:
        """R = 0."""
        return np.zeros((series, len(self.rate_ratios)))

    def quiet(self, state: Numbers, days: Numbers) -> Numbers:
        """R q^d + q + ... + q^d, q = exp(-(theta - 1) mu)."""
        rates = (np.asarray(self.rate_ratios) - 1.0) * self.expected
        passed = days[:, np.newaxis]
        grown: Numbers = state * np.exp(-rates * passed)
        return grown - np.expm1(-rates * passed) / np.expm1(rates)

    def cases(self, state: Numbers, cases: NDArray[np.int64]) -> Numbers:
        """(R + 1) theta^n q, as far as there is a float."""
        theta = np.asarray(self.rate_ratios)
        log_factors = np.log(theta) * cases[:, np.newaxis] - (theta - 1.0) * self.expected
        stepped: Numbers = (state + 1.0) * np.exp(np.minimum(log_factors, LARGEST_LOG))
        return stepped

    def signals(self, state: Numbers) -> NDArray[np.bool_]:
        """Is the mean of R at the threshold?"""
        found: NDArray[np.bool_] = state.mean(axis=1) >= self.threshold
        return found


@dataclass(frozen=True, slots=True)
class Cusum:
    """A Poisson CUSUM with a constant reference value and threshold; a state is its sum."""

    reference: float
    threshold: float

    @classmethod
    def watching(cls, expected: float, rate_ratio: float, days: float) -> "Cusum":
        """The CUSUM that a monitor runs where every day expects so much."""
        reference = expected * (rate_ratio - 1.0) / log(rate_ratio)
        return cls(reference, cusum_threshold(expected, rate_ratio, days))

    def fresh(self, series: int) -> Numbers:
        """C = 0."""
        return np.zeros(series)

    def quiet(self, state: Numbers, days: Numbers) -> Numbers:
        """C falls by k a day, not below 0."""
        return np.maximum(state - self.reference * days, 0.0)

    def cases(self, state: Numbers, cases: NDArray[np.int64]) -> Numbers:
        """C rises by n - k."""
        return np.maximum(state + cases - self.reference, 0.0)

    def signals(self, state: Numbers) -> NDArray[np.bool_]:
        """Is C at the threshold, but for the last digits?"""
        return state >= self.threshold * (1.0 - TIE)


class Watched(NamedTuple):
    """Each series' first day with a signal, infinite where none came, and its state at the end."""

    days: Numbers
    state: Numbers


def watch(
    rule: Rule, mean_per_day: float, random: np.random.Generator, *, state: Numbers, last_day: int
) -> Watched:
    """Watch each series from its state until it signals, or to the end of the last day.

    Only days with a case can signal.

    >>> one_case = Cusum(reference=0.01, threshold=0.5)
    >>> start = one_case.fresh(20_000)
    >>> found = watch(one_case, 0.1, np.random.default_rng(1), state=start, last_day=10_000)
    >>> abs(float(found.days.mean()) - 10.5) < 0.2  # 1 / (1 - exp(-0.1)) days
    True
    """
    days, at_end = np.full(state.shape[0], np.inf), state.copy()
    index, clock = np.arange(state.shape[0]), np.zeros(state.shape[0])

    def leave(gone: NDArray[np.bool_]) -> NDArray[np.bool_]:
        at_end[index[gone]] = state[gone]
        return ~gone

    while index.size:
        # Time to the next case: whole days without one, then the part of its day that is over.
        waits = random.exponential(1.0 / mean_per_day, index.size)
        quiet = np.minimum(np.floor(waits), last_day - clock)
        state, clock = rule.quiet(state, quiet), clock + quiet
        goes_on = leave(clock >= last_day)
        index, clock = index[goes_on], clock[goes_on]
        waits, state = waits[goes_on], state[goes_on]
        cases = 1 + random.poisson(mean_per_day * (1.0 - waits + np.floor(waits)))
        state, clock = rule.cases(state, cases), clock + 1.0
        signals = rule.signals(state)
        days[index[signals]] = clock[signals]
        goes_on = leave(signals | (clock >= last_day))
        index, clock, state = index[goes_on], clock[goes_on], state[goes_on]
    return Watched(days, at_end)
