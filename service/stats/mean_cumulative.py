"""The mean cumulative function: how many infections a recipient has had by a day, on average.

In:     runs of days at risk, one row each, the subject of each row, deaths and events.
Out:    `MeanCumulativeFunction`, a step function of the day, and its value at a horizon.
Source: `nelson_aalen`: Nelson 1988; Lawless & Nadeau, Technometrics 1995;37:158-168, whose robust
        variance is that of R's survival::survfit(..., id=). `ghosh_lin`: Ghosh & Lin, Biometrics
        2000;56:554-562, in which a death ends the events.

A row is at risk on the days in (entry, exit], as for `cumulative_incidence`. With Y(s) at risk,
d(s) events and D(s) deaths on day s, dR = d/Y and S(s) = product of 1 - D/Y up to s,

    nelson_aalen   mu(t) = sum of dR(s) up to t          the dead leave, and might have had more
    ghosh_lin      mu(t) = sum of S(s-) dR(s) up to t    the dead have no more

The variance is the sum over subjects of the squares of what each moves mu by (the infinitesimal
jackknife), so it holds however a subject's events hang together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.stats.interval import Interval, normal_deviate

Numbers: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
Estimator: TypeAlias = Literal["nelson_aalen", "ghosh_lin"]


class RecurrentRows(NamedTuple):
    """Rows of days at risk and the events in them; `died` marks rows that end by death.

    `subject` numbers the subjects from 0, for rows and for events.
    """

    entry: ArrayLike
    exit: ArrayLike
    subject: ArrayLike
    died: ArrayLike
    event_day: ArrayLike
    event_subject: ArrayLike


@dataclass(frozen=True, slots=True)
class MeanCumulative:
    """The mean number of events by the end of the horizon day; None where nobody was followed so
    far. `at_risk` counts those at risk on that day, `events` all up to its end."""

    horizon_days: int
    estimate: float | None
    std_error: float | None
    interval: Interval
    at_risk: int
    events: int


@dataclass(frozen=True, slots=True)
class MeanCumulativeFunction:
    """A right-continuous step function with an element for each day with an event or a death."""

    times: Whole
    estimate: Numbers
    events: Whole
    deaths: Whole
    at_risk: Whole
    alive: Numbers
    level: float
    interval: str
    estimator: Estimator
    rows: tuple[Whole, Whole, Whole, NDArray[np.bool_], Whole, Whole] = field(repr=False)

    def at(self, horizon_days: int) -> MeanCumulative:
        """The value at the end of a day.

        It is None beyond the last day anybody was at risk, unless all have died: carrying the last
        value forward would count silence as health.
        """
        entry, exit_, *_ = self.rows
        place = int(np.searchsorted(self.times, horizon_days, side="right")) - 1
        all_dead = self.estimator == "ghosh_lin" and place >= 0 and self.alive[place] == 0.0
        followed = bool(exit_.size) and horizon_days <= int(exit_.max())
        estimate = error = None
        limits: tuple[float | None, float | None] = (None, None)
        if followed or all_dead:
            estimate = float(self.estimate[place]) if place >= 0 else 0.0
            error = self._std_error(horizon_days)
            if estimate > 0:
                deviate = normal_deviate(self.level)
                limits = MEAN_LIMITS[self.interval](estimate, error, deviate)
        return MeanCumulative(
            horizon_days,
            estimate,
            error,
            Interval(*limits, self.level, self.interval),
            int(np.count_nonzero((entry < horizon_days) & (horizon_days <= exit_))),
            int(self.events[: place + 1].sum()),
        )

    def _std_error(self, horizon_days: int) -> float:
        """The root of the summed squares of what each subject moves the value by."""
        entry, exit_, subject, died, event_day, event_subject = self.rows
        if not subject.size:
            return 0.0
        upto = self.times <= horizon_days
        days, at_risk = self.times[upto], self.at_risk[upto].astype(np.float64)
        before = np.concatenate(([1.0], self.alive[upto][:-1]))
        weight = before / at_risk
        moved = np.zeros(int(subject.max()) + 1)

        seen = event_day <= horizon_days
        np.add.at(moved, event_subject[seen], weight[np.searchsorted(days, event_day[seen])])
        expected = _running(weight * self.events[upto] / at_risk)
        first = np.searchsorted(days, entry, side="right")
        last = np.searchsorted(days, np.minimum(exit_, horizon_days), side="right")
        last = np.maximum(first, last)
        np.add.at(moved, subject, expected[first] - expected[last])
        if self.estimator == "ghosh_lin":
            mu = self.estimate[upto]
            left = float(mu[-1]) - mu if mu.size else mu
            alive_after = self.alive[upto]
            by_death = np.divide(
                left * before, alive_after * at_risk, out=np.zeros(left.size), where=alive_after > 0
            )
            dead = died & (exit_ <= horizon_days)
            np.add.at(moved, subject[dead], -by_death[np.searchsorted(days, exit_[dead])])
            dying = _running(by_death * self.deaths[upto] / at_risk)
            np.add.at(moved, subject, dying[last] - dying[first])
        return float(np.sqrt(np.sum(moved**2)))


def mean_cumulative_function(
    rows: RecurrentRows,
    *,
    estimator: Estimator = "ghosh_lin",
    level: float = 0.95,
    interval: str = "log",
) -> MeanCumulativeFunction:
    """Estimate the function; events must lie in a row of their subject.

    ValueError if lengths differ, a row holds no day (exit <= entry), or estimator or interval are
    none of the known. Three recipients: infected on days 3 and 9, followed to day 12; dead on day
    5; infected on day 9 after entry on day 5, lost on day 10.

    >>> rows = RecurrentRows([-1, -1, 4], [12, 5, 10], [0, 1, 2], [0, 1, 0], [3, 9, 9], [0, 0, 2])
    >>> found = mean_cumulative_function(rows)
    >>> print(found.times, found.at_risk, found.estimate.round(4))
    [3 5 9] [2 3 2] [0.5    0.5    1.1667]
    """
    if interval not in MEAN_LIMITS:
        raise ValueError(f"unknown interval {interval!r}: one of {', '.join(MEAN_LIMITS)}")
    if estimator not in ("nelson_aalen", "ghosh_lin"):
        raise ValueError(f"unknown estimator {estimator!r}: nelson_aalen or ghosh_lin")
    entry, exit_, subject, event_day, event_subject = (
        np.asarray(column, dtype=np.int64)
        for column in (rows.entry, rows.exit, rows.subject, rows.event_day, rows.event_subject)
    )
    died = np.asarray(rows.died, dtype=np.bool_)
    if not entry.shape == exit_.shape == subject.shape == died.shape or entry.ndim != 1:
        raise ValueError("entry, exit, subject and died must be arrays of one length")
    if event_day.shape != event_subject.shape or np.any(exit_ <= entry):
        raise ValueError("each event needs a subject, and each row a day at risk")
    times = np.unique(np.concatenate((event_day, exit_[died])))
    events = np.bincount(np.searchsorted(times, event_day), minlength=times.size)
    deaths = np.bincount(np.searchsorted(times, exit_[died]), minlength=times.size)
    at_risk = np.searchsorted(np.sort(entry), times, side="left") - np.searchsorted(
        np.sort(exit_), times, side="left"
    )
    alive: Numbers = np.cumprod(1.0 - deaths / at_risk, dtype=np.float64)
    if estimator == "nelson_aalen":
        alive = np.ones(times.size)
    before = np.concatenate(([1.0], alive[:-1])) if times.size else alive
    return MeanCumulativeFunction(
        times,
        np.cumsum(before * events / at_risk, dtype=np.float64),
        events.astype(np.int64),
        deaths.astype(np.int64),
        at_risk.astype(np.int64),
        alive,
        level,
        interval,
        estimator,
        (entry, exit_, subject, died, event_day, event_subject),
    )


def _running(values: Numbers) -> Numbers:
    """The sums of the first 0, 1, 2, ... values."""
    return np.concatenate(([0.0], np.cumsum(values)))


def _log(estimate: float, error: float, deviate: float) -> tuple[float, float]:
    spread = float(np.exp(deviate * error / estimate))
    return estimate / spread, estimate * spread


def _plain(estimate: float, error: float, deviate: float) -> tuple[float, float]:
    return max(0.0, estimate - deviate * error), estimate + deviate * error


MEAN_LIMITS: Mapping[str, Callable[[float, float, float], tuple[float, float]]] = {
    "log": _log,
    "plain": _plain,
}
