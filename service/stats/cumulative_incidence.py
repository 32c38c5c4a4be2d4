"""Cumulative incidence when death, or anything else, may come first.

In:     runs of days at risk, one row each; a patient may have several (left truncation, gaps).
Out:    `CumulativeIncidenceCurve`, a step function of the day, and its value at a horizon.
Source: Aalen & Johansen 1978; variance and log-log limits as in R's survival::survfit (Therneau),
        the variance being the multinomial Greenwood form of Andersen et al. 1993, eq. 4.4.20.

A row is at risk on the days in (entry, exit], as in R: day t has the rows with entry < t <= exit,
and on one day events come before censoring. Days counted with both ends included, as everywhere
else here, therefore enter as `start_day - 1`: a patient at risk from day 0 (the index date) to
day 12, and one first seen on day 45 and followed to day 60, are::

    day          0 ............ 12          45 ............ 60
    entry    -1                          44
    exit                        12                          60
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.stats.curve import CURVE_LIMITS, CumulativeIncidenceCurve
from service.stats.interval import normal_deviate

CENSORED = 0
EVENT = 1


def cumulative_incidence(
    entry: ArrayLike,
    exit: ArrayLike,  # noqa: A002 - the name the field gives it
    cause: ArrayLike,
    *,
    level: float = 0.95,
    interval: str = "loglog",
) -> CumulativeIncidenceCurve:
    """Aalen-Johansen estimate of the cause coded 1, every other cause above 0 competing.

    `entry`, `exit` and `cause` are whole numbers, one per row; cause 0 is censored on the exit day.
    ValueError if lengths differ, a row holds no day (exit <= entry), a code is negative, or the
    interval is none of loglog, log, plain. A patient who leaves and returns is two rows, the first
    censored; rows are taken as independent given their risk sets. Should the number at risk fall to
    its last member's event early on, as it can under left truncation, the curve stays there: look
    at `at_risk` before believing a steep first step.

    Four recipients: infected on day 3, dead on day 5, infected on day 9 after being seen first on
    day 4, lost on day 9.

    >>> curve = cumulative_incidence([-1, -1, 3, -1], [3, 5, 9, 9], [1, 2, 1, 0])
    >>> curve.times.tolist(), curve.at_risk.tolist()
    ([3, 5, 9], [3, 3, 2])
    >>> print(curve.estimate.round(4).tolist())
    [0.3333, 0.3333, 0.5556]
    """
    entry_days = np.asarray(entry, dtype=np.int64)
    exit_days = np.asarray(exit, dtype=np.int64)
    causes = np.asarray(cause, dtype=np.int64)
    _check(entry_days, exit_days, causes)
    if interval not in CURVE_LIMITS:
        raise ValueError(f"unknown interval {interval!r}: one of {', '.join(CURVE_LIMITS)}")
    counts = _count(entry_days, exit_days, causes)
    survival, estimate, std_error = _accumulate(counts)
    lower, upper = CURVE_LIMITS[interval](estimate, std_error, normal_deviate(level))
    return CumulativeIncidenceCurve(
        times=counts.days,
        estimate=estimate,
        std_error=std_error,
        lower=lower,
        upper=upper,
        at_risk=counts.at_risk,
        events=counts.events,
        competing=counts.competing,
        event_free=survival,
        level=level,
        interval=interval,
        variance="aalen",
        entry_days=np.sort(entry_days),
        exit_days=np.sort(exit_days),
    )


def _check(
    entry_days: NDArray[np.int64], exit_days: NDArray[np.int64], causes: NDArray[np.int64]
) -> None:
    if not entry_days.shape == exit_days.shape == causes.shape or entry_days.ndim != 1:
        raise ValueError("entry, exit and cause must be arrays of one length")
    if np.any(exit_days <= entry_days):
        raise ValueError("each row needs a day at risk: exit must be after entry")
    if np.any(causes < CENSORED):
        raise ValueError("causes must not be negative")


class _Counts(NamedTuple):
    days: NDArray[np.int64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    competing: NDArray[np.int64]


def _count(
    entry_days: NDArray[np.int64], exit_days: NDArray[np.int64], causes: NDArray[np.int64]
) -> _Counts:
    days = np.unique(exit_days[causes > CENSORED])
    entered = np.searchsorted(np.sort(entry_days), days, side="left")
    left = np.searchsorted(np.sort(exit_days), days, side="left")

    def on_each_day(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        places = np.searchsorted(days, exit_days[mask])
        return np.bincount(places, minlength=days.size).astype(np.int64)

    return _Counts(days, entered - left, on_each_day(causes == EVENT), on_each_day(causes > EVENT))


def _accumulate(
    counts: _Counts,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Event-free share S, cumulative incidence F and its standard error after each day.

    The covariance of (F, S) is carried from day to day: with a = events / at risk and b = all
    causes / at risk, F gains S a and S keeps 1 - b, and the day adds S^2 times the multinomial
    covariance of (a, -b). The sum so built is Andersen et al. 1993, eq. 4.4.20.
    """
    survival, incidence = 1.0, 0.0
    var_f = cov_fs = var_s = 0.0
    rows = np.zeros((counts.days.size, 3))
    steps = zip(
        counts.at_risk.tolist(), counts.events.tolist(), counts.competing.tolist(), strict=True
    )
    for place, (n, events, competing) in enumerate(steps):
        every = events + competing
        a, b = events / n, every / n
        weight = survival**2 / n**3
        var_f += 2.0 * a * cov_fs + a * a * var_s + weight * events * (n - events)
        cov_fs = (1.0 - b) * (cov_fs + a * var_s) - weight * events * (n - every)
        var_s = (1.0 - b) ** 2 * var_s + weight * every * (n - every)
        incidence += survival * a
        survival *= (n - every) / n
        rows[place] = survival, incidence, sqrt(max(0.0, var_f))
    return rows[:, 0], rows[:, 1], rows[:, 2]
