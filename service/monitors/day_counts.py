"""Whole numbers by day that are added to for years, and ascending numbers some of which go again.

In:     days (or other whole numbers) and what is added on them.
Out:    the days on which the sum is not nothing, with their sums; all numbers that are left.
Source: docs/methods.md 8: signals are functions of daily series.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]
NONE: Whole = np.zeros(0, dtype=np.int64)


class DayCounts:
    """A number for each day, 0 unless added to; a copy is not changed with it.

    >>> counts = DayCounts()
    >>> counts.add(np.array([7, 3, 7, 5]), np.array([1, 1, 1, -1]))
    >>> counts.add(np.array([5]), np.array([1]))
    >>> counts.until(6), counts.until(7)
    ((array([3]), array([1])), (array([3, 7]), array([1, 2])))
    """

    def __init__(self) -> None:
        """Nothing was added."""
        self._days = NONE
        self._counts = NONE

    def add(self, days: Whole, changes: Whole) -> None:
        """Add to days in any order, each as often as it occurs."""
        found, of_day = np.unique(days, return_inverse=True)
        added = np.zeros(found.size, dtype=np.int64)
        np.add.at(added, of_day, changes)
        places = np.searchsorted(self._days, found)
        is_known = np.isin(found, self._days, assume_unique=True)
        counts = self._counts.copy()
        counts[places[is_known]] += added[is_known]
        self._days = np.insert(self._days, places[~is_known], found[~is_known])
        self._counts = np.insert(counts, places[~is_known], added[~is_known])

    def until(self, day: int | None = None) -> tuple[Whole, Whole]:
        """The days (up to and including `day`) with a number, ascending, and their numbers."""
        end = (
            self._days.size if day is None else int(np.searchsorted(self._days, day, side="right"))
        )
        places = np.flatnonzero(self._counts[:end])
        return self._days[places], self._counts[places]


class Ascending:
    """Whole numbers in ascending order, each as often as it was put in and not taken out.

    A copy is not changed with it.

    >>> numbers = Ascending([5, 3, 5])
    >>> numbers.change({4: 1, 5: -1})
    >>> numbers.values
    array([3, 4, 5])
    """

    def __init__(self, values: Iterable[int] = ()) -> None:
        """These are in it."""
        self.values: Whole = np.sort(np.array(list(values), dtype=np.int64))

    def change(self, changes: Mapping[int, int]) -> None:
        """Put each number in so many times, or take it out."""
        came = sorted(value for value, times in changes.items() for _ in range(times))
        gone = sorted(value for value, times in changes.items() for _ in range(-times))
        if gone:
            first = np.searchsorted(self.values, gone)
            again = np.arange(len(gone)) - np.searchsorted(gone, gone)
            self.values = np.delete(self.values, first + again)
        if came:
            self.values = np.insert(self.values, np.searchsorted(self.values, came), came)
