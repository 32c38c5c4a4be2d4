"""How often each rule alarms: e-process, MaxSPRT and an exact limit, watched after every event.

In:     a seed, a number of series.
Out:    shares of series that have alarmed, by expected cases and by rate ratio.
Source: docs/methods.md 8.1; Poisson processes simulated event by event.

Time runs in expected cases: the null has one case per unit of time, so a series to 10 is one in
which 10 cases were expected. Nothing rises between two events, so that looking at each is looking
all the time.
"""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.stats.e_process import log_e_value
from service.stats.maxsprt import MaxsprtPlan, log_likelihood_ratio, maxsprt_critical_value
from service.stats.rates import poisson_interval

SERIES = 100_000
ALPHA = 0.05
HORIZONS = (1, 3, 10, 30, 100)
RATE_RATIOS = (2, 3, 5)
DETECTION_EXPECTED = 10
CHUNK = 2_500

Numbers = NDArray[np.float64]


def simulate(seed: int, series: int = SERIES) -> dict[str, Any]:
    """False alarms at the null, and detection within so many expected cases."""
    random = np.random.default_rng([seed, 1])
    return {
        "series": series,
        "alpha": ALPHA,
        "false_alarm": alarm_shares(random, series, HORIZONS, 1),
        "detection": [
            line
            for rate_ratio in RATE_RATIOS
            for line in alarm_shares(random, series, (DETECTION_EXPECTED,), rate_ratio)
        ],
    }


def alarm_shares(
    random: np.random.Generator, series: int, horizons: tuple[int, ...], rate_ratio: float
) -> list[dict[str, float]]:
    """The share of series that have alarmed by each horizon; MaxSPRT has a plan for each."""
    critical = {
        horizon: maxsprt_critical_value(MaxsprtPlan(float(horizon)), ALPHA).value
        for horizon in horizons
    }
    alarmed = {horizon: np.zeros(3) for horizon in horizons}
    for size in chunks(series):
        arrivals = arrival_times(random, size, max(horizons), rate_ratio)
        cases = np.arange(1, arrivals.shape[1] + 1)
        ratio = log_likelihood_ratio(cases, arrivals)
        by_e_process = first_time(log_e_value(cases, arrivals) >= log(1 / ALPHA), arrivals)
        by_limit = first_time(exact_limits(cases[-1])[0][1:] > arrivals, arrivals)
        for horizon in horizons:
            by_maxsprt = first_time(ratio >= critical[horizon], arrivals)
            first = np.stack([by_e_process, by_maxsprt, by_limit])
            alarmed[horizon] += (first <= horizon).sum(axis=1)
    return [
        {
            "rate_ratio": rate_ratio,
            "expected_cases": horizon,
            **dict(
                zip(
                    ("e_process", "maxsprt", "exact_lower_limit"),
                    (alarmed[horizon] / series).tolist(),
                    strict=True,
                )
            ),
        }
        for horizon in horizons
    ]


def arrival_times(
    random: np.random.Generator, series: int, horizon: float, rate_ratio: float
) -> Numbers:
    """The expected cases at each event, beyond the horizon; a row for each series."""
    mean = horizon * rate_ratio
    events = int(mean + 8 * mean**0.5 + 20)
    arrivals: Numbers = np.cumsum(random.exponential(1 / rate_ratio, (series, events)), axis=1)
    assert arrivals[:, -1].min() > horizon
    return arrivals


def first_time(alarms: NDArray[np.bool_], arrivals: Numbers) -> Numbers:
    """When each series first alarms; infinite where it never does."""
    earliest: Numbers = np.where(alarms, arrivals, np.inf).min(axis=1)
    return earliest


def exact_limits(most_cases: int, method: str = "exact") -> tuple[Numbers, Numbers]:
    """The 95 % limits in counts, for 0, 1, 2, ... cases."""
    intervals = [poisson_interval(cases, method) for cases in range(most_cases + 1)]
    lower = np.array([interval.lower for interval in intervals], dtype=np.float64)
    upper = np.array([interval.upper for interval in intervals], dtype=np.float64)
    return lower, upper


def chunks(series: int) -> list[int]:
    """Sizes of parts that fit into memory."""
    return [min(CHUNK, series - start) for start in range(0, series, CHUNK)]
