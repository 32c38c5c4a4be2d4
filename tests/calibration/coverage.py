"""How often an interval ever leaves out the truth, looked at before and after each event.

In:     a seed, a number of series.
Out:    shares of series by true rate and events watched; beside them the one-look shares, exactly.
Source: docs/methods.md 5 and 8.2; Poisson processes simulated event by event.
"""

from math import log
from typing import Any

import numpy as np
from scipy import stats

from service.stats.confidence_sequence import log_evidence_against
from tests.calibration.false_alarms import chunks, exact_limits

SERIES = 50_000
ALPHA = 0.05
EVENTS = (10, 30, 150)
TRUE_RATES = (0.1, 0.02, 0.5)
REFERENCE_RATE = 0.1
ONE_LOOK_EXPECTED = (3, 10, 30, 100)


def simulate(seed: int, series: int = SERIES) -> dict[str, Any]:
    """Watched and looked at once."""
    random = np.random.default_rng([seed, 2])
    return {
        "series": series,
        "reference_rate": REFERENCE_RATE,
        "ever_missed": [line for rate in TRUE_RATES for line in ever_missed(random, series, rate)],
        "one_look": [
            {
                "expected_cases": mean,
                "exact": one_look("exact", mean),
                "midp": one_look("midp", mean),
            }
            for mean in ONE_LOOK_EXPECTED
        ],
    }


def ever_missed(
    random: np.random.Generator, series: int, true_rate: float
) -> list[dict[str, float]]:
    """The share of series in which each interval has left out the true rate by so many events."""
    limits = {method: exact_limits(EVENTS[-1], method) for method in ("exact", "midp")}
    missed = {method: np.zeros(EVENTS[-1]) for method in ("anytime", *limits)}
    for size in chunks(series):
        years = np.cumsum(random.exponential(1 / true_rate, (size, EVENTS[-1])), axis=1)
        misses = {method: np.zeros(years.shape, dtype=bool) for method in missed}
        after = np.arange(1, EVENTS[-1] + 1)
        for cases in (after - 1, after):
            evidence = log_evidence_against(true_rate, cases, years, reference_rate=REFERENCE_RATE)
            misses["anytime"] |= evidence >= log(1 / ALPHA)
            mean = true_rate * years
            for method, (lower, upper) in limits.items():
                misses[method] |= (mean < lower[cases]) | (mean > upper[cases])
        for method, found in misses.items():
            missed[method] += np.logical_or.accumulate(found, axis=1).sum(axis=0)
    return [
        {
            "true_rate": true_rate,
            "events": events,
            **{method: float(count[events - 1] / series) for method, count in missed.items()},
        }
        for events in EVENTS
    ]


def one_look(method: str, mean: float) -> float:
    """The chance that one look, when so many cases were expected, misses the truth."""
    counts = np.arange(int(mean + 12 * mean**0.5) + 20)
    lower, upper = exact_limits(int(counts[-1]), method)
    return float(stats.poisson.pmf(counts, mean) @ ((mean < lower) | (mean > upper)))
