"""How long each method takes to signal when the truth is so many times the null.

In:     a method's settings, the expected cases a day (constant), the true rate ratio.
Out:    `TimeToDetect`: median, mean, chance within a horizon; from a fresh start, one look a day.
Source: exact Markov chains (`time_to_detect_chain`) for evidence since the start; simulation with a
        fixed seed (`time_to_detect_simulated`) for what forgets; docs/calibration.md.

Evidence since the start knows no past but its count, so n cases signal up to a last expectation
tau(n), and the chain is exact. An e-detector's state has a dimension for each rate ratio and a
CUSUM's design below 0.05 cases a day is no lattice: both are simulated, 4,000 series, which leaves
the median within about 3 %; their answers are kept by method, settings and volume within 1 %.
Rate ratios 2, 3 and 5 together take 1 to 20 ms by a chain; by simulation 3 to 45 ms, once. A rate
ratio near 1 takes seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, floor, log
from typing import Literal, TypeAlias

import numpy as np

from service.stats.conditional_maxsprt import ConditionalPlan, latest_signal_ratio
from service.stats.e_detector import RATE_RATIOS
from service.stats.e_process import log_e_value
from service.stats.maxsprt import MaxsprtPlan, latest_signal
from service.stats.scaled_gamma import Numbers
from service.stats.share_shift import log_share_e_value
from service.stats.time_to_detect_chain import Crossing, Whole, crossing
from service.stats.time_to_detect_simulated import Cusum, Detector, Rule, watch

HORIZON_DAYS = 36_525
"""A hundred years: what takes longer is told as None."""

MOST_CASES = 1_000
"""Of an e-process; at a rate ratio of 1.5 or more it has long signalled."""

HORIZON_CASES = 1_000
"""Of a shift in shares, which counts in cases and not in days."""

MOST_PER_DAY = 100.0
"""More are taken as so many: from a rate ratio of 1.5 on, the first day signals either way."""

LEAST_PER_DAY = 1e-9
"""Fewer are taken as so many: a hundred years then expect less than one case in 25,000."""

VOLUME_STEP = 0.02
"""Of ln(expected a day), so that a volume that drifts finds its neighbour's answer: 1 % at most."""

SERIES = 4_000
SEED = 20_261

Unit: TypeAlias = Literal["days", "cases"]


@dataclass(frozen=True, slots=True)
class TimeToDetect:
    """From a fresh start to the signal, in `unit`, where the truth is `rate_ratio` times the null.

    `probability` is the chance of a signal within `horizon`. `median` and `mean` are None where
    fewer than half of all series signal by then: it takes "more than the horizon", or, where a test
    ends by itself, it is likelier to miss than to see. `mean` is over the series that signal.
    """

    rate_ratio: float
    unit: Unit
    median: float | None
    mean: float | None
    probability: float
    horizon: float


def e_process(alpha: float, *, expected_per_day: float, rate_ratio: float) -> TimeToDetect:
    """The e-process of an excess, which signals at 1/alpha.

    >>> found = e_process(0.05, expected_per_day=0.05, rate_ratio=3.0)
    >>> f"{found.median:.0f} days, mean {found.mean:.1f}"
    '48 days, mean 60.7'
    """
    per_day = _per_day(expected_per_day, rate_ratio)
    fewest, latest = _latest_of_e_process(alpha)
    found = crossing(
        _last_days(latest, per_day, HORIZON_DAYS),
        fewest,
        rate_ratio * per_day,
        last_look=HORIZON_DAYS,
    )
    return _told(found, rate_ratio, HORIZON_DAYS)


def maxsprt(
    plan: MaxsprtPlan, critical_value: float, *, expected_per_day: float, rate_ratio: float
) -> TimeToDetect:
    """MaxSPRT with its exact critical value; the horizon is its own, at most a hundred years.

    >>> found = maxsprt(MaxsprtPlan(20.0), 3.628123, expected_per_day=0.05, rate_ratio=2.0)
    >>> f"{found.median:.0f} of {found.horizon:g} days, chance {found.probability:.3f}"
    '139 of 400 days, chance 0.918'
    """
    per_day = _per_day(expected_per_day, rate_ratio, most=float("inf"))
    most = ceil(plan.horizon + 12.0 * plan.horizon**0.5) + 60
    counts = np.arange(plan.least_cases, plan.least_cases + most)
    last_look = min(floor(plan.horizon / per_day), HORIZON_DAYS)
    found = crossing(
        _last_days(latest_signal(counts, critical_value), per_day, last_look),
        plan.least_cases,
        rate_ratio * per_day,
        first_look=max(ceil(plan.start / per_day), 1) if last_look else 1,
        last_look=last_look,
    )
    return _told(found, rate_ratio, last_look)


def conditional_maxsprt(
    plan: ConditionalPlan, critical_value: float, *, expected_per_day: float, rate_ratio: float
) -> TimeToDetect:
    """Conditional MaxSPRT where the baseline's own rate, past cases over past time, is the truth.

    It ends at `most_cases` or at `longest_ratio`; the horizon is the latter, or a hundred years.

    >>> plan = ConditionalPlan(past_cases=30, most_cases=50)
    >>> found = conditional_maxsprt(plan, 3.8, expected_per_day=0.05, rate_ratio=3.0)
    >>> f"{found.median:.0f} days, chance {found.probability:.3f}"
    '53 days, chance 1.000'
    """
    per_day = _per_day(expected_per_day, rate_ratio)
    last_look = HORIZON_DAYS
    if plan.longest_ratio is not None:
        last_look = min(floor(plan.longest_ratio * plan.past_cases / per_day), HORIZON_DAYS)
    found = crossing(
        _last_days(_latest_of_conditional(plan, critical_value), per_day, last_look),
        plan.least_cases,
        rate_ratio * per_day,
        last_look=last_look,
    )
    return _told(found, rate_ratio, last_look)


def e_detector(
    days_between_false_alarms: float,
    rate_ratios: tuple[float, ...] = RATE_RATIOS,
    *,
    expected_per_day: float,
    rate_ratio: float,
) -> TimeToDetect:
    """The e-detector, from R = 0; simulated.

    Where so many days expect less than a case or so, R grows by nearly 1 a day whatever happens:
    the first case after `days_between_false_alarms` days then signals.

    >>> found = e_detector(3650.0, expected_per_day=0.05, rate_ratio=3.0)
    >>> 70 < found.median < 85
    True
    """
    per_day = _rounded(_per_day(expected_per_day, rate_ratio))
    return _of_detector(days_between_false_alarms, rate_ratios, per_day, rate_ratio)


def cusum(
    days_between_false_alarms: float,
    rate_ratio_sought: float = 2.0,
    *,
    expected_per_day: float,
    rate_ratio: float,
) -> TimeToDetect:
    """The Poisson CUSUM that a monitor runs at this volume, from C = 0; simulated.

    >>> found = cusum(3650.0, expected_per_day=0.05, rate_ratio=3.0)
    >>> 55 < found.median < 75
    True
    """
    per_day = _rounded(_per_day(expected_per_day, rate_ratio))
    return _of_cusum(days_between_false_alarms, rate_ratio_sought, per_day, rate_ratio)


@lru_cache(maxsize=256)
def share_shift(alpha: float, baseline: float, *, rate_ratio: float) -> TimeToDetect:
    """A shift in shares, in cases: those of the kind come so many times as often, others as ever.

    Its share is then r p / (1 - p + r p). ValueError unless 0 < baseline < 1.

    >>> found = share_shift(0.05, 0.44, rate_ratio=3.0)
    >>> f"{found.median:.0f} cases, mean {found.mean:.1f}"
    '20 cases, mean 26.3'
    """
    _per_day(1.0, rate_ratio)
    share = rate_ratio * baseline / (1.0 + (rate_ratio - 1.0) * baseline)
    needed = _least_of_kind(alpha, baseline)
    silent, silence = np.ones(1), np.ones(HORIZON_CASES + 1)
    for cases, least in enumerate(needed.tolist(), 1):
        stepped = np.append(silent * (1.0 - share), 0.0)
        stepped[1:] += silent * share
        silent = stepped[:least]
        silence[cases] = silent.sum()
    probability = 1.0 - float(silence[-1])
    if probability < 0.5:
        return TimeToDetect(rate_ratio, "cases", None, None, probability, HORIZON_CASES)
    median = float(np.argmax(silence <= 0.5))
    mean = float(silence[:-1].sum() - HORIZON_CASES * silence[-1]) / probability
    return TimeToDetect(rate_ratio, "cases", median, mean, probability, HORIZON_CASES)


def _per_day(expected_per_day: float, rate_ratio: float, most: float = MOST_PER_DAY) -> float:
    if not expected_per_day >= 0 or not 1.0 < rate_ratio < float("inf"):
        raise ValueError("expected_per_day must not be negative, rate_ratio must be above 1")
    return min(max(expected_per_day, LEAST_PER_DAY), most)


def _rounded(per_day: float) -> float:
    return exp(round(log(per_day) / VOLUME_STEP) * VOLUME_STEP)


def _last_days(latest: Numbers, per_day: float, last_look: int) -> Whole:
    days: Whole = np.floor(np.minimum(latest / per_day, last_look) + 1e-9).astype(np.int64)
    return days


def _told(found: Crossing, rate_ratio: float, horizon_days: int) -> TimeToDetect:
    return TimeToDetect(
        rate_ratio, "days", found.median, found.mean, found.probability, horizon_days
    )


@lru_cache(maxsize=64)
def _latest_of_e_process(alpha: float) -> tuple[int, Numbers]:
    """The least count that can signal, and tau of it and of each count above."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    counts = np.arange(1, MOST_CASES + 1)
    counts = counts[log_e_value(counts, 0.0) >= -log(alpha)]
    if not counts.size:
        return MOST_CASES, np.zeros(1)
    # At as many expected as seen there is no evidence.
    taus = _greatest(lambda e: log_e_value(counts, e) >= -log(alpha), counts.astype(np.float64))
    return int(counts[0]), taus


def _greatest(signals: Callable[[Numbers], np.ndarray], upper: Numbers) -> Numbers:
    """The greatest number below `upper` at which each still signals, by halving."""
    low, high = np.zeros(upper.shape), upper
    for _ in range(45):
        middle = (low + high) / 2.0
        still = signals(middle)
        low, high = np.where(still, middle, low), np.where(still, high, middle)
    return low


@lru_cache(maxsize=64)
def _latest_of_conditional(plan: ConditionalPlan, critical_value: float) -> Numbers:
    """In cases expected of the baseline's rate."""
    most = plan.most_cases
    if plan.longest_ratio is not None:
        expected = plan.longest_ratio * plan.past_cases
        most = min(most or 10**9, ceil(expected + 12.0 * expected**0.5) + 60)
    counts = range(plan.least_cases, (most or 0) + 1)
    ratios = [latest_signal_ratio(count, plan.past_cases, critical_value) for count in counts]
    return plan.past_cases * np.asarray(ratios, dtype=np.float64)


@lru_cache(maxsize=64)
def _least_of_kind(alpha: float, baseline: float) -> Whole:
    """Of 1, 2, ... cases, how many must be of the kind to signal; one more than all if none do."""
    cases = np.arange(1, HORIZON_CASES + 1)
    low, high = np.floor(baseline * cases).astype(np.int64), cases + 1
    while np.any(high - low > 1):
        middle = np.minimum((low + high) // 2, cases)
        signals = log_share_e_value(middle, cases, baseline) >= -log(alpha)
        high = np.where(signals, np.minimum(middle, high), high)
        low = np.where(signals | (middle <= low), low, middle)
        low = np.where((middle == cases) & ~signals, cases, low)
    return high


@lru_cache(maxsize=4096)
def _of_detector(
    days: float, rate_ratios: tuple[float, ...], per_day: float, rate_ratio: float
) -> TimeToDetect:
    return _simulated(Detector(per_day, days, rate_ratios), per_day, rate_ratio)


@lru_cache(maxsize=4096)
def _of_cusum(days: float, sought: float, per_day: float, rate_ratio: float) -> TimeToDetect:
    return _simulated(Cusum.watching(per_day, sought, days), per_day, rate_ratio)


def _simulated(rule: Rule, per_day: float, rate_ratio: float) -> TimeToDetect:
    random = np.random.default_rng(SEED)
    state = rule.fresh(SERIES)
    days = watch(rule, rate_ratio * per_day, random, state=state, last_day=HORIZON_DAYS).days
    seen = days[np.isfinite(days)]
    probability = seen.size / SERIES
    if probability < 0.5:
        return TimeToDetect(rate_ratio, "days", None, None, probability, HORIZON_DAYS)
    median = float(np.sort(days)[SERIES // 2 - 1])
    return TimeToDetect(rate_ratio, "days", median, float(seen.mean()), probability, HORIZON_DAYS)
