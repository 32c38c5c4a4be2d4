"""A cumulative incidence curve, its limits, and its value at a horizon.

In:     what `cumulative_incidence` estimated.
Out:    `CumulativeIncidenceCurve` and, for one day, `CumulativeIncidence`.
Source: R's survival::survfit, conf.type "log-log", "log" and "plain", applied to F itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.stats.interval import Interval

Numbers: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
CurveLimits: TypeAlias = tuple[Numbers, Numbers]


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """The share with the event by the horizon; None where nobody was followed that far.

    `at_risk` counts those at risk on the horizon day itself, `events` those with the event by its
    end.
    """

    horizon_days: int
    estimate: float | None
    std_error: float | None
    interval: Interval
    at_risk: int
    events: int


@dataclass(frozen=True, slots=True)
class CumulativeIncidenceCurve:
    """A right-continuous step function; all arrays have one element per day with an event.

    `times` are the days, `estimate` the share with the event by the end of each, `std_error` its
    standard error (`variance` names it), `lower` and `upper` the limits (NaN where the
    transformation has none), `at_risk` the rows at risk on the day, `events` and `competing` those
    that had the event or another cause on it, `event_free` the share with neither.
    """

    times: Whole
    estimate: Numbers
    std_error: Numbers
    lower: Numbers
    upper: Numbers
    at_risk: Whole
    events: Whole
    competing: Whole
    event_free: Numbers
    level: float
    interval: str
    variance: str
    entry_days: Whole = field(repr=False)
    exit_days: Whole = field(repr=False)

    def at(self, horizon_days: int) -> CumulativeIncidence:
        """The curve's value at the end of a day.

        It is None beyond the last day anyone was at risk, unless nobody is left to have the event:
        carrying the last value forward would count silence as health.
        """
        place = int(np.searchsorted(self.times, horizon_days, side="right")) - 1
        estimate = std_error = lower = upper = None
        if self._is_known(horizon_days, place):
            estimate = float(self.estimate[place]) if place >= 0 else 0.0
            std_error = float(self.std_error[place]) if place >= 0 else 0.0
            lower = number_or_none(self.lower[place]) if place >= 0 else None
            upper = number_or_none(self.upper[place]) if place >= 0 else None
        return CumulativeIncidence(
            horizon_days=horizon_days,
            estimate=estimate,
            std_error=std_error,
            interval=Interval(lower, upper, self.level, self.interval),
            at_risk=self._at_risk_on(horizon_days),
            events=int(self.events[: place + 1].sum()),
        )

    def _is_known(self, day: int, place: int) -> bool:
        followed = bool(self.exit_days.size) and day <= int(self.exit_days[-1])
        return followed or (place >= 0 and float(self.event_free[place]) == 0.0)

    def _at_risk_on(self, day: int) -> int:
        entered = np.searchsorted(self.entry_days, day, side="left")
        left = np.searchsorted(self.exit_days, day, side="left")
        return int(entered - left)


def number_or_none(value: float) -> float | None:
    """The number; None for NaN, which JSON does not know."""
    return None if np.isnan(value) else float(value)


def _loglog(estimate: Numbers, std_error: Numbers, deviate: float) -> CurveLimits:
    inside = _inside(estimate, (estimate > 0.0) & (estimate < 1.0))
    logs = np.log(inside)
    spread = np.exp(deviate * std_error / (inside * -logs))
    return np.exp(logs * spread), np.exp(logs / spread)


def _log(estimate: Numbers, std_error: Numbers, deviate: float) -> CurveLimits:
    inside = _inside(estimate, estimate > 0.0)
    spread = np.exp(deviate * std_error / inside)
    return inside / spread, np.minimum(1.0, inside * spread)


def _plain(estimate: Numbers, std_error: Numbers, deviate: float) -> CurveLimits:
    inside = _inside(estimate, estimate > 0.0)
    reach = deviate * std_error
    return np.maximum(0.0, inside - reach), np.minimum(1.0, inside + reach)


def _inside(estimate: Numbers, possible: NDArray[np.bool_]) -> Numbers:
    return np.where(possible, estimate, np.nan)


CURVE_LIMITS: Mapping[str, Callable[[Numbers, Numbers, float], CurveLimits]] = {
    "loglog": _loglog,
    "log": _log,
    "plain": _plain,
}
