"""A published outbreak replayed: on which day does each monitor fire?

In:     a seed, a number of random series.
Out:    for each monitor and start: the day with evenly spread cases, and over random series.
Source: Baker AW, Lewis SS, Alexander BD, et al. Two-Phase Hospital-Associated Outbreak of
        Mycobacterium abscessus: Investigation and Mitigation. Clin Infect Dis 2017;64:902-911 (its
        abstract): 0.7 cases per 10,000 patient-days from January to July 2013, 3.0 from August 2013
        to May 2014, 71 cases in that phase.

Only these averages are published. Ours: the 71 cases and their rate give 236,667 patient-days,
spread evenly over the 304 days and continued backwards over the 212 days before, where 11 cases
make 0.67 per 10,000, printed as 0.7. The cases of each period are spread evenly, or fall on its
days at random, its total kept. Monitors test against 0.7 itself.
"""

from collections.abc import Callable
from datetime import date, timedelta
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.stats.e_detector import DAYS_BETWEEN_FALSE_ALARMS, RATE_RATIOS, log_mean, log_step
from service.stats.e_process import log_e_value
from service.stats.maxsprt import MaxsprtPlan, log_likelihood_ratio, maxsprt_critical_value
from service.stats.varying_cusum import cusum_threshold
from tests.calibration.false_alarms import exact_limits

SERIES = 5_000
FIRST_DAY = date(2013, 1, 1)
BEFORE_DAYS, OUTBREAK_DAYS = 212, 304
BEFORE_CASES, OUTBREAK_CASES = 11, 71
PUBLISHED_BEFORE, PUBLISHED_OUTBREAK = 0.7 / 10_000, 3.0 / 10_000
PATIENT_DAYS_A_DAY = OUTBREAK_CASES / PUBLISHED_OUTBREAK / OUTBREAK_DAYS
EXPECTED_A_DAY = PUBLISHED_BEFORE * PATIENT_DAYS_A_DAY
ALPHA = 0.05
HORIZON = 20.0

Counts = NDArray[np.int64]
Alarms = NDArray[np.bool_]


def simulate(seed: int, series: int = SERIES) -> dict[str, Any]:
    """Watching since January, and since the first day of the outbreak."""
    random = np.random.default_rng([seed, 5])
    even = np.concatenate(
        [spread(BEFORE_CASES, BEFORE_DAYS), spread(OUTBREAK_CASES, OUTBREAK_DAYS)]
    )[np.newaxis]
    drawn = np.concatenate(
        [
            random.multinomial(cases, np.full(days, 1 / days), series)
            for cases, days in ((BEFORE_CASES, BEFORE_DAYS), (OUTBREAK_CASES, OUTBREAK_DAYS))
        ],
        axis=1,
    )
    return {
        "series": series,
        "patient_days_a_day": PATIENT_DAYS_A_DAY,
        "expected_a_day": EXPECTED_A_DAY,
        "cumulated_even": [int(even[0, : (day - FIRST_DAY).days].sum()) for day in month_starts()],
        "cumulated_expected": [EXPECTED_A_DAY * (day - FIRST_DAY).days for day in month_starts()],
        "since_outbreak": fired(even, drawn, BEFORE_DAYS),
        "since_january": fired(even, drawn, 0),
    }


def spread(cases: int, days: int) -> Counts:
    """So many cases, as evenly as whole days allow."""
    times = np.floor((np.arange(cases) + 0.5) * days / cases).astype(np.int64)
    return np.bincount(times, minlength=days)


def month_starts() -> list[date]:
    """The first day of each month, and the day after the last."""
    return [date(2013 + month // 12, month % 12 + 1, 1) for month in range(18)]


def fired(even: Counts, drawn: Counts, start: int) -> dict[str, dict[str, Any]]:
    """Each monitor that starts on so many days after the first."""
    return {
        name: {
            "even": told(first_day(alarms(even[:, start:]), start)[0], even[0], start),
            "random": over_series(first_day(alarms(drawn[:, start:]), start)),
        }
        for name, alarms in MONITORS.items()
    }


def first_day(alarms: Alarms, start: int) -> NDArray[np.float64]:
    """Days since the first of January of each series' first alarm; infinite without one."""
    return np.where(alarms.any(axis=1), alarms.argmax(axis=1) + float(start), np.inf)


def told(day: float, cases: Counts, start: int) -> dict[str, Any]:
    """A date, the month of the outbreak (1 is August 2013; none before it), the cases by then."""
    if not np.isfinite(day):
        return {"day": None, "month": None, "cases": None}
    on = FIRST_DAY + timedelta(days=int(day))
    return {
        "day": on.isoformat(),
        "month": month_of(day),
        "cases": int(cases[start : int(day) + 1].sum()),
    }


def month_of(day: float) -> int | None:
    """1 for August 2013 ... 10 for May 2014; None before the outbreak."""
    on = FIRST_DAY + timedelta(days=int(day))
    month = (on.year - 2013) * 12 + on.month - 7
    return month if month >= 1 else None


def over_series(days: NDArray[np.float64]) -> dict[str, Any]:
    """Of the series without an alarm before the outbreak, how many alarm in each month."""
    early = days < BEFORE_DAYS
    left = days[~early]
    months = [month_of(day) for day in left[np.isfinite(left)]]
    middle = np.sort(left)[(left.size - 1) // 2] if left.size else np.inf
    return {
        "alarmed_before": float(early.mean()),
        "median_day": told(middle, np.zeros(1, dtype=np.int64), 0)["day"],
        "median_month": month_of(middle) if np.isfinite(middle) else None,
        "share_by_month": [months.count(month) / left.size for month in range(1, 11)],
    }


def _expected(cases: Counts) -> NDArray[np.float64]:
    return EXPECTED_A_DAY * np.arange(1, cases.shape[1] + 1)


def _e_process(cases: Counts) -> Alarms:
    return log_e_value(np.cumsum(cases, axis=1), _expected(cases)) >= log(1 / ALPHA)


def _maxsprt(cases: Counts) -> Alarms:
    critical = maxsprt_critical_value(MaxsprtPlan(HORIZON), ALPHA).value
    expected = _expected(cases)
    ratio = log_likelihood_ratio(np.cumsum(cases, axis=1), expected)
    return (ratio >= critical) & (expected <= HORIZON)


def _exact_limit(cases: Counts) -> Alarms:
    seen = np.cumsum(cases, axis=1)
    return exact_limits(int(seen.max()))[0][seen] > _expected(cases)


def _e_detector(cases: Counts) -> Alarms:
    alarms = np.zeros(cases.shape, dtype=bool)
    log_r = np.full((cases.shape[0], len(RATE_RATIOS)), -np.inf)
    for day in range(cases.shape[1]):
        log_r = log_step(log_r, cases[:, day], EXPECTED_A_DAY)
        alarms[:, day] = log_mean(log_r) >= log(DAYS_BETWEEN_FALSE_ALARMS)
    return alarms


def _cusum(cases: Counts) -> Alarms:
    threshold = cusum_threshold(EXPECTED_A_DAY, 2.0, DAYS_BETWEEN_FALSE_ALARMS)
    alarms = np.zeros(cases.shape, dtype=bool)
    total = np.zeros(cases.shape[0])
    for day in range(cases.shape[1]):
        total = np.maximum(total + cases[:, day] - EXPECTED_A_DAY / log(2.0), 0.0)
        alarms[:, day] = total >= threshold
    return alarms


MONITORS: dict[str, Callable[[Counts], Alarms]] = {
    "e_process": _e_process,
    "maxsprt": _maxsprt,
    "e_detector": _e_detector,
    "cusum": _cusum,
    "exact_lower_limit": _exact_limit,
}
