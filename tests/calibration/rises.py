"""How soon the e-detector and Poisson CUSUMs see a rise, at equal spacing of false alarms.

In:     a seed, a number of series, volumes in expected cases a day.
Out:    for each volume and rule the threshold, the spacing measured, the mean delays in days.
Source: docs/methods.md 8.3; `service.stats.time_to_detect_simulated`.

Thresholds are found by simulation so that the mean time to the first false alarm is `SPACING_DAYS`
for every rule, and the spacing is then measured again on other series. The rate rises on the first
day ("fresh") or after `QUIET_DAYS` days on which it was as expected ("quiet"; series that alarmed
before are left out).
"""

from collections.abc import Callable
from math import exp, log
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from service.stats.e_detector import RATE_RATIOS
from service.stats.time_to_detect_simulated import Cusum, Detector, Rule, watch
from service.stats.varying_cusum import cusum_threshold

SERIES = 10_000
SERIES_FOR_THRESHOLD = 4_000
VOLUMES = (0.01, 0.05, 0.2, 1.0)
SPACING_DAYS = 3650.0
QUIET_DAYS = 730
TRUE_RATIOS = (1.5, 2.0, 3.0, 5.0, 8.0)
TOGETHER = (2.0, 3.0, 5.0, 8.0)
LAST_DAY = 10**7


class Compared(NamedTuple):
    """A rule by volume and threshold, and a threshold by volume to begin the search at."""

    make: Callable[[float, float], Rule]
    guess: Callable[[float], float]


def _detector(ratios: tuple[float, ...]) -> Compared:
    return Compared(
        lambda mu, threshold: Detector(mu, threshold, ratios), lambda mu: 0.6 * SPACING_DAYS
    )


def _cusum(ratio: float) -> Compared:
    return Compared(
        lambda mu, threshold: Cusum(mu * (ratio - 1.0) / log(ratio), threshold),
        lambda mu: cusum_threshold(mu, ratio, SPACING_DAYS),
    )


RULES: dict[str, Compared] = {
    "e_detector": _detector(RATE_RATIOS),
    "e_detector_from_2": _detector(RATE_RATIOS[1:]),
    "cusum_2": _cusum(2.0),
    "cusum_3": _cusum(3.0),
    "cusum_5": _cusum(5.0),
}
"""`e_detector` and `cusum_2` are those that monitors use."""


def simulate(
    seed: int, series: int = SERIES, volumes: tuple[float, ...] = VOLUMES
) -> dict[str, Any]:
    """Every rule at every volume."""
    return gathered(series, [at_volume(seed, series, mu) for mu in volumes])


def gathered(series: int, by_volume: list[dict[str, Any]]) -> dict[str, Any]:
    """The volumes together; the ratios over all of them count each alike."""
    starts = {
        start: {
            rule: geometric_mean([volume["together"][start][rule] for volume in by_volume])
            for rule in by_volume[0]["together"][start]
        }
        for start in ("fresh", "quiet")
    }
    return {
        "series": series,
        "spacing_days": SPACING_DAYS,
        "quiet_days": QUIET_DAYS,
        "together_over": list(TOGETHER),
        "volumes": by_volume,
        "together": starts,
    }


def at_volume(seed: int, series: int, mu: float) -> dict[str, Any]:
    """Each rule at its threshold, and as shipped; delays relative to CUSUM for 2 taken together."""
    found = {}
    for name, rule in RULES.items():
        threshold = threshold_for(seed, min(series, SERIES_FOR_THRESHOLD), mu, rule)
        found[name] = measured(seed, series, mu, rule.make(mu, threshold), threshold)
    shipped = {
        "e_detector": measured(seed, series, mu, Detector(mu, SPACING_DAYS), SPACING_DAYS),
        "cusum_2": measured(
            seed,
            series,
            mu,
            Cusum.watching(mu, 2.0, SPACING_DAYS),
            cusum_threshold(mu, 2.0, SPACING_DAYS),
        ),
    }
    return {
        "expected_per_day": mu,
        "rules": found,
        "shipped": shipped,
        "together": {
            start: {name: together(found, name, start) for name in found}
            for start in ("fresh", "quiet")
        },
    }


def together(found: dict[str, Any], name: str, start: str) -> float:
    """The geometric mean over `TOGETHER` of the mean delay over that of the CUSUM for 2."""
    rows = [TRUE_RATIOS.index(ratio) for ratio in TOGETHER]
    pairs = [(found[name][start][row], found["cusum_2"][start][row]) for row in rows]
    return geometric_mean([mine / cusum for mine, cusum in pairs])


def geometric_mean(ratios: list[float]) -> float:
    """exp of the mean logarithm."""
    return float(np.exp(np.mean(np.log(ratios))))


def measured(seed: int, series: int, mu: float, rule: Rule, threshold: float) -> dict[str, Any]:
    """The spacing of false alarms, and the mean delay at each true ratio from either start."""
    spacing = days_to_alarm(np.random.default_rng([seed, 31]), series, mu, rule)
    random = np.random.default_rng([seed, 32])
    quiet = watch(rule, mu, random, state=rule.fresh(series), last_day=QUIET_DAYS)
    starts = {"fresh": rule.fresh(series), "quiet": quiet.state[np.isinf(quiet.days)]}
    delays: dict[str, Any] = {}
    for start, state in starts.items():
        days = [
            watch(
                rule,
                ratio * mu,
                np.random.default_rng([seed, 33, row]),
                state=state,
                last_day=LAST_DAY,
            ).days
            for row, ratio in enumerate(TRUE_RATIOS)
        ]
        delays[start] = [float(row.mean()) for row in days]
        delays[f"{start}_error"] = [float(row.std() / row.size**0.5) for row in days]
    return {
        "threshold": threshold,
        "spacing": float(spacing.mean()),
        "spacing_error": float(spacing.std() / series**0.5),
        **delays,
    }


def threshold_for(seed: int, series: int, mu: float, rule: Compared) -> float:
    """The threshold at which false alarms are so far apart.

    Sought between two thresholds a sixth apart; a CUSUM's spacing rises in small steps.
    """

    def excess(log_threshold: float) -> float:
        random = np.random.default_rng([seed, 30])
        days = days_to_alarm(random, series, mu, rule.make(mu, exp(log_threshold)))
        return log(float(days.mean()) / SPACING_DAYS)

    guess = log(rule.guess(mu))
    step = log(1.15)
    low = high = guess
    if excess(guess) > 0:
        low = high - step
        while excess(low) > 0:
            low, high = low - step, low
    else:
        high = low + step
        while excess(high) <= 0:
            low, high = high, high + step
    return exp(optimize.brentq(excess, low, high, xtol=3e-4, rtol=1e-12))


def days_to_alarm(random: np.random.Generator, series: int, mu: float, rule: Rule) -> Any:
    """Days to the first alarm while the rate is as expected."""
    return watch(rule, mu, random, state=rule.fresh(series), last_day=LAST_DAY).days
