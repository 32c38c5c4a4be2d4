"""How often the watched rules err, found by simulation with a fixed seed.

In:     nothing; `python tests/reference/anytime_error.py` takes some ten seconds.
Out:    anytime_error.json beside this file, rewritten; quoted in docs/statistics.md.
Source: docs/methods.md 8.1 and 8.2; Poisson processes simulated event by event.

Time runs in expected cases for the e-process (the null has one case per unit of time, so a series
to 10 is one in which 10 cases were expected) and in person-years for the interval.
"""

import json
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.stats.confidence_sequence import log_evidence_against
from service.stats.e_process import log_e_value
from service.stats.rates import poisson_interval

SEED = 8_012_026
SERIES = 20_000
ALPHA = 0.05
HORIZONS = (1, 3, 10, 30, 100)
RATE_RATIOS = (2, 3, 5)
DETECTION_EXPECTED = 10
WATCHED_EVENTS = 150
TRUE_RATES = (0.1, 0.02, 0.5)
REFERENCE_RATE = 0.1
CHUNK = 2_500

Numbers = NDArray[np.float64]


def exact_limits(most_cases: int) -> tuple[Numbers, Numbers]:
    """The exact 95 % limits in counts, for 0, 1, 2, ... cases."""
    intervals = [poisson_interval(cases) for cases in range(most_cases + 1)]
    lower = np.array([interval.lower for interval in intervals], dtype=np.float64)
    upper = np.array([interval.upper for interval in intervals], dtype=np.float64)
    return lower, upper


def first_alarms(
    random: np.random.Generator, series: int, horizon: float, rate_ratio: float
) -> tuple[Numbers, Numbers]:
    """When, in expected cases, each series first alarms: by the e-process, by the exact limit."""
    mean = horizon * rate_ratio
    events = int(mean + 8 * mean**0.5 + 20)
    arrivals = np.cumsum(random.exponential(1 / rate_ratio, (series, events)), axis=1)
    assert arrivals[:, -1].min() > horizon
    cases = np.arange(1, events + 1)
    by_e_process = log_e_value(cases, arrivals) >= log(1 / ALPHA)
    by_exact_limit = exact_limits(events)[0][1:] > arrivals
    return first_time(by_e_process, arrivals), first_time(by_exact_limit, arrivals)


def first_time(alarms: NDArray[np.bool_], arrivals: Numbers) -> Numbers:
    earliest: Numbers = np.where(alarms, arrivals, np.inf).min(axis=1)
    return earliest


def chunks(series: int) -> list[int]:
    return [min(CHUNK, series - start) for start in range(0, series, CHUNK)]


def alarm_shares(
    random: np.random.Generator, series: int, horizons: tuple[int, ...], rate_ratio: float
) -> list[dict[str, float]]:
    """The share of series that have alarmed by each horizon."""
    parts = [first_alarms(random, size, max(horizons), rate_ratio) for size in chunks(series)]
    by_e_process, by_exact_limit = (np.concatenate(column) for column in zip(*parts, strict=True))
    return [
        {
            "rate_ratio": rate_ratio,
            "expected_cases": horizon,
            "e_process": float(np.mean(by_e_process <= horizon)),
            "exact_lower_limit": float(np.mean(by_exact_limit <= horizon)),
        }
        for horizon in horizons
    ]


def ever_missed(random: np.random.Generator, series: int, true_rate: float) -> dict[str, float]:
    """The share of series in which the interval ever leaves out the true rate."""
    lower, upper = exact_limits(WATCHED_EVENTS)
    missed = np.zeros(2)
    for size in chunks(series):
        years = np.cumsum(random.exponential(1 / true_rate, (size, WATCHED_EVENTS)), axis=1)
        by_anytime = np.zeros(size, dtype=bool)
        by_exact = np.zeros(size, dtype=bool)
        for cases in (np.arange(WATCHED_EVENTS), np.arange(1, WATCHED_EVENTS + 1)):
            evidence = log_evidence_against(true_rate, cases, years, reference_rate=REFERENCE_RATE)
            by_anytime |= np.any(evidence >= log(1 / ALPHA), axis=1)
            mean = true_rate * years
            by_exact |= np.any((mean < lower[cases]) | (mean > upper[cases]), axis=1)
        missed += by_anytime.sum(), by_exact.sum()
    return {
        "true_rate": true_rate,
        "reference_rate": REFERENCE_RATE,
        "anytime": float(missed[0] / series),
        "exact": float(missed[1] / series),
    }


def simulate(seed: int, series: int) -> dict[str, Any]:
    """All figures, from one seed."""
    random = np.random.default_rng(seed)
    return {
        "seed": seed,
        "series": series,
        "alpha": ALPHA,
        "false_alarm": alarm_shares(random, series, HORIZONS, 1),
        "detection": [
            line
            for rate_ratio in RATE_RATIOS
            for line in alarm_shares(random, series, (DETECTION_EXPECTED,), rate_ratio)
        ],
        "watched_events": WATCHED_EVENTS,
        "ever_missed": [ever_missed(random, series, true_rate) for true_rate in TRUE_RATES],
    }


if __name__ == "__main__":
    found = simulate(SEED, SERIES)
    text = json.dumps(found, indent=2) + "\n"
    Path(__file__).with_suffix(".json").write_text(text, "utf-8")
