"""The daily series of one place: what a monitor holds its cases against.

In:     onsets of cases, and person-time, recipients or other cases, taken from the ledger.
Out:    a `Series`: its counted onsets and its exposure up to each day, from a day on.
Source: docs/methods.md 7 and 8: signals are functions of daily series.

After an alert was closed the evidence starts anew on the following day. For a rate or a share only
cases and exposure since then count. For a proportion only *recipients entered* since then and their
own cases count: cases that earlier recipients still get would stand against an expectation that no
longer holds them, and the promise about false alarms would be broken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.monitors.cases import Case
from service.monitors.day_counts import DayCounts, Whole
from service.stats.person_time import RunningPersonDays

Unit: TypeAlias = Literal["person_days", "recipients", "cases", "expected_cases"]
Amounts: TypeAlias = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Cases against person-time: onset days, and steps in the number at risk, in any order."""

    unit: ClassVar[Unit] = "person_days"
    case_days: Whole
    risk_days: Whole
    risk_changes: Whole

    def onsets(self, since_day: int | None, today: int) -> Whole:
        """The onsets that count, ascending."""
        return _within(self.case_days, self.case_days, since_day, today)

    def exposure(self, since_day: int | None, days: Whole) -> Whole:
        """Person-days up to and including each day."""
        running = RunningPersonDays.of(self.risk_days, self.risk_changes)
        if since_day is None:
            return running.before(days + 1)
        return running.between(np.full(days.shape, since_day, dtype=np.int64), days)

    @property
    def steps(self) -> tuple[Whole, Whole]:
        """Days and the change in the number at risk on each."""
        return self.risk_days, self.risk_changes

    @property
    def first_day(self) -> int | None:
        """The first day of which anything is known."""
        return _earliest(self.risk_days, self.case_days)


@dataclass(frozen=True, slots=True)
class CohortSeries:
    """Cases against recipients: for each case its onset and index day, for each recipient the
    day of entry, in any order."""

    unit: ClassVar[Unit] = "recipients"
    case_days: Whole
    case_index_days: Whole
    entered_days: Whole

    def onsets(self, since_day: int | None, today: int) -> Whole:
        """The onsets that count, ascending."""
        return _within(self.case_days, self.case_index_days, since_day, today)

    def exposure(self, since_day: int | None, days: Whole) -> Whole:
        """Recipients entered by each day."""
        return _counts(_within(self.entered_days, self.entered_days, since_day, None), days)

    @property
    def steps(self) -> tuple[Whole, Whole]:
        """Days and the recipients that entered on each."""
        return self.entered_days, np.ones_like(self.entered_days)

    @property
    def first_day(self) -> int | None:
        """The first day of which anything is known."""
        return _earliest(self.entered_days, self.case_days)


@dataclass(frozen=True, slots=True)
class ShareSeries:
    """Cases of a kind against all cases they are a share of: the onsets of both, in any order."""

    unit: ClassVar[Unit] = "cases"
    case_days: Whole
    among_days: Whole

    def onsets(self, since_day: int | None, today: int) -> Whole:
        """The onsets of the kind that count, ascending."""
        return _within(self.case_days, self.case_days, since_day, today)

    def exposure(self, since_day: int | None, days: Whole) -> Whole:
        """Cases, of the kind or not, by each day."""
        return _counts(_within(self.among_days, self.among_days, since_day, None), days)

    @property
    def steps(self) -> tuple[Whole, Whole]:
        """Days and the cases, of the kind or not, of each."""
        return self.among_days, np.ones_like(self.among_days)

    @property
    def first_day(self) -> int | None:
        """The first day of which anything is known."""
        return _earliest(self.among_days)


@dataclass(frozen=True, slots=True)
class ExpectedSeries:
    """Cases against expected cases that somebody else worked out: what is given for a replay.

    `expected` are those of each of `expected_days`, which ascend; nothing is multiplied with them.
    """

    unit: ClassVar[Unit] = "expected_cases"
    case_days: Whole
    expected_days: Whole
    expected: NDArray[np.float64]

    def onsets(self, since_day: int | None, today: int) -> Whole:
        """The onsets that count, ascending."""
        return _within(self.case_days, self.case_days, since_day, today)

    def exposure(self, since_day: int | None, days: Whole) -> Amounts:
        """Expected cases up to and including each day."""
        first = 0 if since_day is None else int(np.searchsorted(self.expected_days, since_day))
        running = np.concatenate(([0.0], np.cumsum(self.expected[first:])))
        return running[np.searchsorted(self.expected_days[first:], days, side="right")]

    @property
    def first_day(self) -> int | None:
        """The first day of which anything is known."""
        return _earliest(self.expected_days, self.case_days)


LedgerSeries: TypeAlias = DailySeries | CohortSeries | ShareSeries
"""What the ledger tells, case by case."""
Series: TypeAlias = LedgerSeries | ExpectedSeries


def daily_series(cases: Iterable[Case], risk_days: Whole, risk_changes: Whole) -> DailySeries:
    """Cases against person-time; a day on which as many leave as enter is no step."""
    steps = DayCounts()
    steps.add(risk_days, risk_changes)
    return DailySeries(onsets_of(cases), *steps.until())


def cohort_series(cases: Iterable[Case], entered_days: Whole) -> CohortSeries:
    """Cases against recipients."""
    with_course = [
        (case.onset_day, case.course_index_day)
        for case in cases
        if case.course_index_day is not None
    ]
    days = np.array(with_course, dtype=np.int64).reshape(-1, 2)
    return CohortSeries(days[:, 0], days[:, 1], entered_days)


def share_series(cases: Iterable[Case], among: Iterable[Case]) -> ShareSeries:
    """Cases of a kind against all cases they are a share of, which hold them too."""
    return ShareSeries(onsets_of(cases), onsets_of(among))


def onsets_of(cases: Iterable[Case]) -> Whole:
    """The onset day of each case."""
    return np.array([case.onset_day for case in cases], dtype=np.int64)


def _within(onsets: Whole, begun: Whole, since_day: int | None, today: int | None) -> Whole:
    """Those up to today that belong to what began since the day, ascending."""
    kept = np.ones(onsets.shape, dtype=bool) if today is None else onsets <= today
    if since_day is not None:
        kept &= (onsets >= since_day) & (begun >= since_day)
    return np.sort(onsets[kept])


def _counts(ascending: Whole, days: Whole) -> Whole:
    return np.searchsorted(ascending, days, side="right").astype(np.int64)


def _earliest(*series: Whole) -> int | None:
    first = [int(days.min()) for days in series if days.size]
    return min(first, default=None)
