"""Evidence in one shape for every method that holds cases against a baseline.

In:     what a method weighed: a statistic for each day, and how far it lies above its threshold.
Out:    `Evidence`: observed beside expected, the statistic, when it signalled, how grave it is.
Source: docs/methods.md 8.
"""

import math
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from service.monitors.counts import Counts, Numbers
from service.monitors.day_counts import Whole
from service.monitors.definitions import Method
from service.monitors.nulls import NullValue
from service.monitors.series import Amounts, Unit
from service.reference.baselines import Baseline

Statistic: TypeAlias = Literal["e_value", "log_likelihood_ratio", "e_detector", "cusum"]
"""What a method holds against its threshold."""

LOG_CRITICAL = math.log(5)
"""A warning at the threshold; critical where the evidence is five times what it takes: e-values of
20 and 100 at alpha 0.05."""

OF_RISES: frozenset[Method] = frozenset({"e_detector", "cusum"})

LARGEST_LOG = 700.0
"""exp of more than this is no finite number, and JSON knows none other."""


class Weighed(NamedTuple):
    """What a method made of the counts; each array has one entry for each day.

    `statistic` is what is held against `threshold`; `log_above` is ln of the evidence over the
    evidence that signals, -inf on days on which the method does not look. `log_e` is ln of the
    e-value where the method is an e-process. `began_day` says, given the index of a day, since when
    the rise seen on it goes on. `state` says where a horizon stands.
    """

    statistic: Numbers
    threshold: float
    log_above: Numbers
    least: float = 0.0
    log_e: Numbers | None = None
    began: Whole | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """The evidence day by day; `cases` and `expected` count from the start, all have one length.

    `highest` is the statistic's highest so far on days on which the method looks.
    """

    days: Whole
    cases: Whole
    expected: Numbers
    exposure: Amounts
    statistic: Numbers
    highest: Numbers

    def on(self, days: Whole) -> "Path":
        """Only those of its days that are among the given ones."""
        kept = np.isin(self.days, days)
        return Path(*(getattr(self, row.name)[kept] for row in fields(self)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Cases beside expected cases up to today, and the strongest evidence seen on the way.

    `observed`, `expected` and `exposure` (in `exposure_unit`: person_days, recipients or cases)
    count over the days `counted`, both included: all, or those of the rise. `highest` is the
    statistic's highest, `now` that of today. `severity` is None where nothing is signalled;
    `log_e_now` is ln of today's e-value, not its running maximum, None where the method is no
    e-process.
    """

    method: Method
    statistic: Statistic
    observed: int
    expected: float
    exposure: int
    exposure_unit: Unit
    highest: float
    now: float
    threshold: float
    null: NullValue
    assumption: str | None
    since_day: int | None
    counted: tuple[int, int]
    first_onset_day: int | None
    last_onset_day: int | None
    signalled_day: int | None
    severity: str | None
    log_e_now: float | None
    state: str | None
    path: Path

    @property
    def e_value(self) -> float:
        """The highest e-value so far, not below 1, where every e-process starts."""
        return max(1.0, self.highest)

    @property
    def rise_day(self) -> int | None:
        """The day the rise began that signalled; None where none did."""
        return self.counted[0] if self.method in OF_RISES and self.severity else None

    def as_json(self, baseline: Baseline) -> dict[str, Any]:
        """What an alert keeps: enough to compute it again."""
        return {
            "method": self.method,
            "statistic": self.statistic,
            "observed": self.observed,
            "expected": self.expected,
            self.statistic: self.highest,
            f"{self.statistic}_now": self.now,
            "threshold": self.threshold,
            self.exposure_unit: self.exposure,
            "null": {"value": self.null.value, "described_as": self.null.described_as},
            "assumption": self.assumption,
            "baseline": {"id": baseline.id, "version": baseline.version},
            "counted_from": _iso(self.since_day),
            "signalled_on": _iso(self.signalled_day),
            **({"state": self.state} if self.state else {}),
            **self._rise(),
        }

    def _rise(self) -> dict[str, Any]:
        if self.rise_day is None:
            return {}
        return {"rise_from": _iso(self.rise_day), "rise_to": _iso(self.counted[1])}


def severity_of(log_above: float) -> str | None:
    """Critical from five times the evidence that signals; None below what signals.

    >>> severity_of(-0.1), severity_of(0.0), severity_of(1.7)
    (None, 'warning', 'critical')
    """
    if log_above >= LOG_CRITICAL:
        return "critical"
    return "warning" if log_above >= 0.0 else None


def path_of(counts: Counts, weighed: Weighed) -> Path:
    """The path on the days of the counts."""
    looked = np.where(np.isfinite(weighed.log_above), weighed.statistic, weighed.least)
    highest = np.maximum(np.maximum.accumulate(looked), weighed.least) if looked.size else looked
    return Path(
        counts.days, counts.cases, counts.expected, counts.exposure, weighed.statistic, highest
    )


def told(log_value: Numbers) -> Numbers:
    """exp, as far as there is a finite number."""
    numbers: Numbers = np.exp(np.minimum(log_value, LARGEST_LOG))
    return numbers


def _iso(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()
