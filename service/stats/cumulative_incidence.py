"""Cumulative incidence when death, or anything else, may come first.

In:     runs of days at risk, one row each; a patient may have several (left truncation, gaps).
Out:    `CumulativeIncidenceCurve`, a step function of the day, and its value at a horizon.
Source: Aalen & Johansen 1978; variance and log-log limits as in R's survival::survfit (Therneau),
        the variance `aalen` being the multinomial Greenwood form of Andersen et al. 1993, eq.
        4.4.20, and `gray` that of R's cmprsk (Gray).

A row is at risk on the days in (entry, exit], as in R: day t has the rows with entry < t <= exit,
and on one day events come before censoring. Days counted with both ends included, as everywhere
else here, therefore enter as `start_day - 1`: a patient at risk from day 0 (the index date) to
day 12, and one first seen on day 45 and followed to day 60, are::

    day          0 ............ 12          45 ............ 60
    entry    -1                          44
    exit                        12                          60
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.stats.curve import CURVE_LIMITS, CumulativeIncidenceCurve
from service.stats.interval import normal_deviate

Numbers: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]

CENSORED = 0
EVENT = 1


def cumulative_incidence(
    entry: ArrayLike,
    exit: ArrayLike,  # noqa: A002 - the name the field gives it
    cause: ArrayLike,
    *,
    level: float = 0.95,
    interval: str = "loglog",
    variance: str = "aalen",
) -> CumulativeIncidenceCurve:
    """Aalen-Johansen estimate of the cause coded 1, every other cause above 0 competing.

    `entry`, `exit` and `cause` are whole numbers, one per row; cause 0 is censored on the exit day.
    ValueError if lengths differ, a row holds no day (exit <= entry), a code is negative, the
    interval is none of loglog, log, plain, or the variance neither aalen nor gray. A patient who
    leaves and returns is two rows, the first censored; rows are taken as independent given their
    risk sets. Should the number at risk fall to its last member's event early on, as it can under
    left truncation, the curve stays there: look at `at_risk` before believing a steep first step.

    Four recipients: infected on day 3, dead on day 5, infected on day 9 after being seen first on
    day 4, lost on day 9.

    >>> curve = cumulative_incidence([-1, -1, 3, -1], [3, 5, 9, 9], [1, 2, 1, 0])
    >>> curve.times.tolist(), curve.at_risk.tolist()
    ([3, 5, 9], [3, 3, 2])
    >>> print(curve.estimate.round(4).tolist())
    [0.3333, 0.3333, 0.5556]
    """
    entry_days, exit_days, causes = checked_rows(entry, exit, cause)
    if interval not in CURVE_LIMITS:
        raise ValueError(f"unknown interval {interval!r}: one of {', '.join(CURVE_LIMITS)}")
    if variance not in CURVE_VARIANCES:
        raise ValueError(f"unknown variance {variance!r}: one of {', '.join(CURVE_VARIANCES)}")
    counts = _count(entry_days, exit_days, causes)
    survival, estimate = _accumulate(counts)
    std_error = np.sqrt(np.maximum(CURVE_VARIANCES[variance](counts, survival, estimate), 0.0))
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
        variance=variance,
        entry_days=np.sort(entry_days),
        exit_days=np.sort(exit_days),
    )


def checked_rows(entry: ArrayLike, exit: ArrayLike, cause: ArrayLike) -> tuple[Whole, Whole, Whole]:  # noqa: A002
    """The rows as arrays; ValueError if they are none of equal length, or a row holds no day."""
    entry_days = np.asarray(entry, dtype=np.int64)
    exit_days = np.asarray(exit, dtype=np.int64)
    causes = np.asarray(cause, dtype=np.int64)
    if not entry_days.shape == exit_days.shape == causes.shape or entry_days.ndim != 1:
        raise ValueError("entry, exit and cause must be arrays of one length")
    if np.any(exit_days <= entry_days):
        raise ValueError("each row needs a day at risk: exit must be after entry")
    if np.any(causes < CENSORED):
        raise ValueError("causes must not be negative")
    return entry_days, exit_days, causes


class _Counts(NamedTuple):
    days: Whole
    at_risk: Whole
    events: Whole
    competing: Whole

    def by_day(self) -> Iterator[tuple[int, int, int]]:
        """The number at risk, with the event, and with another cause, of each day."""
        return zip(
            self.at_risk.tolist(), self.events.tolist(), self.competing.tolist(), strict=True
        )


def _count(entry_days: Whole, exit_days: Whole, causes: Whole) -> _Counts:
    days = np.unique(exit_days[causes > CENSORED])
    entered = np.searchsorted(np.sort(entry_days), days, side="left")
    left = np.searchsorted(np.sort(exit_days), days, side="left")

    def on_each_day(mask: NDArray[np.bool_]) -> Whole:
        places = np.searchsorted(days, exit_days[mask])
        return np.bincount(places, minlength=days.size).astype(np.int64)

    return _Counts(days, entered - left, on_each_day(causes == EVENT), on_each_day(causes > EVENT))


def _accumulate(counts: _Counts) -> tuple[Numbers, Numbers]:
    """Event-free share and cumulative incidence after each day."""
    n, every = counts.at_risk, counts.events + counts.competing
    survival: Numbers = np.cumprod((n - every) / n, dtype=np.float64)
    before = np.concatenate(([1.0], survival[:-1])) if survival.size else survival
    return survival, np.cumsum(before * counts.events / n, dtype=np.float64)


def _aalen(counts: _Counts, survival: Numbers, estimate: Numbers) -> Numbers:
    """The variance after each day: Andersen et al. 1993, eq. 4.4.20, as R's survival has it.

    The covariance of (F, S) is carried from day to day: with a = events / at risk and b = all
    causes / at risk, F gains S a and S keeps 1 - b, and the day adds S^2 times the multinomial
    covariance of (a, -b).
    """
    free = 1.0
    var_f = cov_fs = var_s = 0.0
    found = np.zeros(estimate.shape)
    for place, (n, events, competing) in enumerate(counts.by_day()):
        every = events + competing
        a, b = events / n, every / n
        weight = free**2 / n**3
        var_f += 2.0 * a * cov_fs + a * a * var_s + weight * events * (n - events)
        cov_fs = (1.0 - b) * (cov_fs + a * var_s) - weight * events * (n - every)
        var_s = (1.0 - b) ** 2 * var_s + weight * every * (n - every)
        free = float(survival[place])
        found[place] = var_f
    return found


def _gray(counts: _Counts, survival: Numbers, estimate: Numbers) -> Numbers:
    """The variance as R's cmprsk has it; it moves on days with an event.

    v1, v2 and v3 sum, over the causes of each day, S^2 d (1 - (d-1)/(n-1)) / n^2 times the squares
    and product of the terms by which a failure moves F at a later day: through F itself, and
    through S.
    """
    free = 1.0
    v1 = v2 = v3 = variance = 0.0
    found = np.zeros(estimate.shape)
    for place, (n, events, competing) in enumerate(counts.by_day()):
        after, incidence = float(survival[place]), float(estimate[place])
        through_s = 1.0 / after if after > 0 else 0.0
        for failures, own in ((competing, 0.0), (events, 1.0)):
            if failures and (own or after > 0):
                tied = 1.0 - (failures - 1) / (n - 1) if failures > 1 else 1.0
                step = free**2 * tied * failures / n**2
                through_f = own + incidence * through_s
                v1 += through_f**2 * step
                v2 += through_s * through_f * step
                v3 += through_s**2 * step
        if events:
            variance = v1 + incidence**2 * v3 - 2.0 * incidence * v2
        free, found[place] = after, variance
    return found


CURVE_VARIANCES: Mapping[str, Callable[[_Counts, Numbers, Numbers], Numbers]] = {
    "aalen": _aalen,
    "gray": _gray,
}
