"""What is kept of a question's answer, and grows with what is posted.

In:     a series, or runs of days at risk, as they were read; what some postings change of them.
Out:    the same as they stand after that; what it grew from is not changed with it.
Source: docs/decisions/0012-series-kept-by-the-writer.md.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from service.monitors.cases import Case
from service.monitors.day_counts import Ascending, DayCounts, Whole
from service.monitors.linkage import may_share
from service.monitors.series import CohortSeries, DailySeries, LedgerSeries, ShareSeries
from service.pipeline.course_rows import CourseRows, Runs

INDEX_BITS = 32
"""A case is one number: its onset day, and in cohorts behind it the index day of its course."""


class Change(NamedTuple):
    """What some postings change: numbers or cases that come or go, and what is added on a day."""

    cases: Counter[Any]
    exposure: Counter[int]


class GrowingSeries:
    """One series as it stands; with cases and exposure added or taken away it is another one."""

    def __init__(self, kind: type[LedgerSeries], cases: Iterable[int], exposure: DayCounts) -> None:
        """Begin with these."""
        self._kind = kind
        self._cases = Ascending(cases)
        self._exposure = exposure

    @classmethod
    def of(cls, series: LedgerSeries) -> "GrowingSeries":
        """The series as it was read."""
        exposure = DayCounts()
        exposure.add(*series.steps)
        index_days = getattr(series, "case_index_days", np.zeros_like(series.case_days))
        return cls(type(series), (series.case_days << INDEX_BITS) + index_days, exposure)

    def with_change(self, change: Change) -> "GrowingSeries":
        """The series grown, or shrunk."""
        grown = copy(self)
        grown._cases, grown._exposure = copy(self._cases), copy(self._exposure)
        grown._cases.change(change.cases)
        days = np.fromiter(change.exposure.keys(), dtype=np.int64, count=len(change.exposure))
        changes = np.fromiter(change.exposure.values(), dtype=np.int64, count=len(change.exposure))
        grown._exposure.add(days, changes)
        return grown

    def until(self, end_day: int) -> LedgerSeries:
        """The series with what it is held against up to a day."""
        return SERIES_WITH[self._kind](self._cases.values, *self._exposure.until(end_day))


def _daily(cases: Whole, days: Whole, changes: Whole) -> LedgerSeries:
    return DailySeries(cases >> INDEX_BITS, days, changes)


def _cohort(cases: Whole, days: Whole, recipients: Whole) -> LedgerSeries:
    index_days = cases & ((1 << INDEX_BITS) - 1)
    return CohortSeries(cases >> INDEX_BITS, index_days, np.repeat(days, recipients))


def _share(cases: Whole, days: Whole, among: Whole) -> LedgerSeries:
    return ShareSeries(cases >> INDEX_BITS, np.repeat(days, among))


SERIES_WITH: Mapping[type[LedgerSeries], Callable[[Whole, Whole, Whole], LedgerSeries]] = {
    DailySeries: _daily,
    CohortSeries: _cohort,
    ShareSeries: _share,
}


class GrowingCourses:
    """The runs of days at risk of some courses; a change has them among its cases."""

    def __init__(self, numbers: Iterable[int]) -> None:
        """Begin with these."""
        self._numbers = Ascending(numbers)

    def with_change(self, change: Change) -> "GrowingCourses":
        """The runs with some that came, without those that went."""
        grown = copy(self)
        grown._numbers = copy(self._numbers)
        grown._numbers.change(change.cases)
        return grown

    def until(self, end_day: int) -> Runs:
        """The runs as they stand on a day."""
        return CourseRows(self._numbers.values).until(end_day)


class GrowingCases:
    """Cases, each once."""

    def __init__(self, cases: Iterable[Case]) -> None:
        """Begin with these."""
        self.cases = frozenset(cases)

    def with_change(self, change: Change) -> "GrowingCases":
        """The cases with some that came, without those that went."""
        came, gone = _came_and_gone(change)
        return GrowingCases(self.cases.difference(gone).union(came))


class GrowingInfections:
    """The infections of one type, each once: by facility, and those that may be linked."""

    def __init__(self, infections: Iterable[Case]) -> None:
        """Begin with these."""
        self._by_facility: dict[str, frozenset[Case]] = {}
        self.linkable: frozenset[Case] = frozenset()
        self._add(set(infections))

    def with_change(self, change: Change) -> "GrowingInfections":
        """The infections with some that came, without those that went."""
        grown = copy(self)
        grown._by_facility = dict(self._by_facility)
        came, gone = _came_and_gone(change)
        grown._remove(gone)
        grown._add(came)
        return grown

    @property
    def facilities(self) -> frozenset[str]:
        """Those that have reported any."""
        return frozenset(name for name, cases in self._by_facility.items() if cases)

    def at(self, facilities: Iterable[str]) -> frozenset[Case]:
        """The infections of some facilities."""
        none: frozenset[Case] = frozenset()
        return none.union(*(self._by_facility.get(name, none) for name in facilities))

    def _add(self, came: Collection[Case]) -> None:
        for facility, cases in _by_facility(came).items():
            self._by_facility[facility] = self._by_facility.get(facility, frozenset()) | cases
        self.linkable |= {case for case in came if may_share(case)}

    def _remove(self, gone: Collection[Case]) -> None:
        for facility, cases in _by_facility(gone).items():
            self._by_facility[facility] = self._by_facility.get(facility, frozenset()) - cases
        self.linkable -= {case for case in gone if may_share(case)}


def _came_and_gone(change: Change) -> tuple[set[Case], set[Case]]:
    came = {case for case, times in change.cases.items() if times > 0}
    return came, {case for case, times in change.cases.items() if times < 0}


def _by_facility(cases: Iterable[Case]) -> dict[str, set[Case]]:
    found: dict[str, set[Case]] = defaultdict(set)
    for case in cases:
        found[case.facility].add(case)
    return found


Growing: TypeAlias = GrowingSeries | GrowingCourses | GrowingCases | GrowingInfections
