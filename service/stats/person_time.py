"""Person-days of a window from the steps in the number at risk.

In:     `days` and `changes`, int64 arrays of one length in any order: on that day so many enter
        (+) or have left (-); a spell from s to e is +1 on s and -1 on e + 1.
Out:    whole person-days over windows that include both ends.
Source: docs/methods.md 6: person_days = sum of change x max(0, end + 1 - max(start, day)).

With S0 the sum of changes and S1 the sum of change x day over the steps before day x, the
person-days on all days before x are x S0 - S1, and a window is the difference of two such numbers:
its cost does not grow with the number of events.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]


def person_days(days: Whole, changes: Whole, start: int, end: int) -> int:
    """Person-days from `start` to `end`, both included; 0 if the end is before the start.

    Two patients, one at risk on days 3 to 6, one from day 5 on; the window is days 4 to 7:

    >>> person_days(np.array([3, 7, 5]), np.array([1, -1, 1]), 4, 7)
    6
    """
    if end < start:
        return 0
    return int(np.sum(changes * np.maximum(0, end + 1 - np.maximum(start, days))))


@dataclass(frozen=True, slots=True)
class RunningPersonDays:
    """The running sums of a series of steps, ready for any number of windows.

    `days` ascends; `change_sums` and `change_day_sums` have one element more: the sums over the
    first 0, 1, 2, ... steps, days counted from the first step so that the sums stay small.
    """

    days: Whole
    change_sums: Whole
    change_day_sums: Whole

    @classmethod
    def of(cls, days: Whole, changes: Whole) -> "RunningPersonDays":
        """Sum up the steps once; ValueError if the two arrays differ in length."""
        if days.shape != changes.shape or days.ndim != 1:
            raise ValueError("days and changes must be arrays of one length")
        order = np.argsort(days, kind="stable")
        ascending = days[order].astype(np.int64)
        steps = changes[order].astype(np.int64)
        since_first = ascending - ascending[:1]
        return cls(
            days=ascending,
            change_sums=np.concatenate(([0], np.cumsum(steps))),
            change_day_sums=np.concatenate(([0], np.cumsum(steps * since_first))),
        )

    def before(self, day: Whole) -> Whole:
        """Person-days on all days before each of `day`."""
        if not self.days.size:
            return np.zeros(day.shape, dtype=np.int64)
        steps_before = np.searchsorted(self.days, day, side="left")
        since_first = day.astype(np.int64) - self.days[0]
        person_time: Whole = (
            since_first * self.change_sums[steps_before] - self.change_day_sums[steps_before]
        )
        return person_time

    def between(self, starts: Whole, ends: Whole) -> Whole:
        """Person-days of each window, both ends included; 0 where the end is before the start."""
        return self.before(np.maximum(ends + 1, starts)) - self.before(starts)


def window_person_days(days: Whole, changes: Whole, starts: Whole, ends: Whole) -> Whole:
    """Person-days of many windows at once, exact in whole numbers.

    >>> steps = np.array([3, 7, 5]), np.array([1, -1, 1])
    >>> window_person_days(*steps, np.array([0, 4, 8]), np.array([3, 7, 9])).tolist()
    [1, 6, 2]
    """
    return RunningPersonDays.of(days, changes).between(starts, ends)
