"""Days as whole numbers, and runs of days.

In:     `datetime.date` at the edge, everywhere else its proleptic Gregorian ordinal (day 1 is
        0001-01-01), so that spans are integer sums and nothing is rounded.
Out:    `Days`, an inclusive run; `merge`, `overlap` and `apart` on runs.
Source: docs/methods.md 1: the unit is the calendar day, and all ranges include both ends.

The axis, with a course whose index date is 1 March (day 0) and a spell from 3 to 6 March::

    calendar   1 Mar   2 Mar   3 Mar   4 Mar   5 Mar   6 Mar   7 Mar
    since index    0       1       2       3       4       5       6
    at risk                        x       x       x       x            end - start + 1 = 4 days
    steps                         +1                              -1
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

FAR_FUTURE_DAY = 3_652_059
"""9999-12-31, the last day a calendar date can name: "for as long as follow-up lasts"."""


class Days(NamedTuple):
    """The days `start_day` to `end_day`, both included; empty when the end is before the start."""

    start_day: int
    end_day: int

    def __contains__(self, day: object) -> bool:
        """Is the day one of the run's?"""
        return isinstance(day, int) and self.start_day <= day <= self.end_day


def merge(runs: Iterable[Days]) -> list[Days]:
    """The same days in the fewest runs, in order.

    >>> merge([Days(5, 9), Days(1, 3), Days(4, 4), Days(20, 19)])
    [Days(start_day=1, end_day=9)]
    """
    merged: list[Days] = []
    for run in sorted(run for run in runs if run.start_day <= run.end_day):
        if merged and run.start_day <= merged[-1].end_day + 1:
            merged[-1] = Days(merged[-1].start_day, max(merged[-1].end_day, run.end_day))
        else:
            merged.append(run)
    return merged


def apart(one: Days, runs: Iterable[Days]) -> Iterator[Days]:
    """The parts of `one` that lie in none of the disjoint, ordered `runs`.

    >>> list(apart(Days(1, 10), [Days(0, 2), Days(5, 6), Days(9, 30)]))
    [Days(start_day=3, end_day=4), Days(start_day=7, end_day=8)]
    """
    start = one.start_day
    for run in overlap(one, runs):
        if start < run.start_day:
            yield Days(start, run.start_day - 1)
        start = run.end_day + 1
    if start <= one.end_day:
        yield Days(start, one.end_day)


def overlap(one: Days, runs: Iterable[Days]) -> Iterator[Days]:
    """The parts of `one` that lie in any of the disjoint `runs`.

    >>> list(overlap(Days(1, 10), [Days(0, 2), Days(9, 30), Days(40, 41)]))
    [Days(start_day=1, end_day=2), Days(start_day=9, end_day=10)]
    """
    for run in runs:
        common = Days(max(one.start_day, run.start_day), min(one.end_day, run.end_day))
        if common.start_day <= common.end_day:
            yield common
