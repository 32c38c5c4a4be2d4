"""Person-days of many strata at once, over any window, from sums that are kept as steps come in.

In:     steps in the number at risk: a row (the stratum's number), a day, a change.
Out:    person-days of every row over windows that include both ends.
Source: docs/methods.md 6; `service.stats.person_time`, whose sums S0 and S1 stand here for every
        row and the first day of every month.

A window's end is two look-ups, and the steps of one month: the cost grows with the rows and with
the steps of that month, not with the years nor with the patients. A window that starts and ends
with a month is look-ups alone.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]
Small: TypeAlias = NDArray[np.int32]
"""Rows, days and changes of one month, in half the room; sums are formed of whole ones."""

UNIX_DAY = 719_163
"""The ordinal of 1970-01-01, from which numpy counts."""
FEW_STEPS = 512
"""So many steps are added one by one; more are added to all sums at once."""
MOST_FRAGMENTS = 64
"""So many additions to one month are kept apart before they are joined."""
ROOM_ROWS, ROOM_MONTHS = 1_024, 24


def month_of(days: Whole) -> Whole:
    """The number of the calendar month of each day; consecutive months have consecutive numbers.

    >>> from datetime import date
    >>> ends = [date(2024, 2, 29).toordinal(), date(2024, 3, 1).toordinal()]
    >>> print(np.diff(month_of(np.array(ends))))
    [1]
    """
    found: Whole = (days - UNIX_DAY).astype("datetime64[D]").astype("datetime64[M]").astype(int)
    return found


class StepGrid:
    """Steps by row and day, and their running sums at the start of each month.

    `change_sums[row, m]` is the sum of the changes of a row before the m-th month, and
    `change_day_sums[row, m]` that of change x day; both have room to spare.
    """

    def __init__(self) -> None:
        """No row, no step."""
        self.rows = 0
        self._first_month = 0
        self._months = 0
        self._change_sums = np.zeros((0, 0), dtype=np.int64)
        self._change_day_sums = np.zeros((0, 0), dtype=np.int64)
        self._steps: dict[int, list[Small]] = {}

    def add(self, rows: Whole, days: Whole, changes: Whole) -> None:
        """Take steps in, arrays of one length in any order; rows beyond the last are new."""
        if not rows.size:
            return
        months = month_of(days)
        self._make_room(int(rows.max()) + 1, int(months.min()), int(months.max()))
        columns = months - self._first_month + 1  # a month's steps lie before all later months
        if rows.size <= FEW_STEPS:
            for row, column, change, day in zip(rows, columns, changes, days, strict=True):
                self._change_sums[row, column:] += change
                self._change_day_sums[row, column:] += change * day
        else:
            for sums, values in (
                (self._change_sums, changes),
                (self._change_day_sums, changes * days),
            ):
                added = np.zeros((self.rows, sums.shape[1]), dtype=np.int64)
                np.add.at(added, (rows, columns), values)
                sums[: self.rows] += np.cumsum(added, axis=1)
        order = np.argsort(months, kind="stable")
        table = np.stack((rows, days, changes)).astype(np.int32)[:, order]
        found, starts = np.unique(months[order], return_index=True)
        for month, part in zip(found.tolist(), np.split(table, starts[1:], axis=1), strict=True):
            self._keep(month, part)

    def person_days(self, start_day: int | None, end_day: int) -> Whole:
        """Person-days of every row from `start_day` (None: ever) to `end_day`, both included.

        One enters on day 3 and leaves after day 6, another enters on day 5:

        >>> grid = StepGrid()
        >>> grid.add(np.array([0, 0, 1]), np.array([3, 7, 5]), np.array([1, -1, 1]))
        >>> print(grid.person_days(4, 7), grid.person_days(None, 7))
        [3 3] [4 3]
        """
        before_end = self.before(end_day + 1)
        if start_day is None:
            return before_end
        return before_end - self.before(min(start_day, end_day + 1))

    def before(self, day: int) -> Whole:
        """Person-days of every row on all days before `day`."""
        if not self.rows:
            return np.zeros(0, dtype=np.int64)
        month = int(month_of(np.array([day]))[0])
        column = min(max(month - self._first_month, 0), self._months)
        change_sums = self._change_sums[: self.rows, column].copy()
        change_day_sums = self._change_day_sums[: self.rows, column].copy()
        table = self._of_month(month)
        earlier = table[1] < day
        if earlier.any():
            rows, days, changes = table[:, earlier].astype(np.int64)
            np.add.at(change_sums, rows, changes)
            np.add.at(change_day_sums, rows, changes * days)
        return day * change_sums - change_day_sums

    def steps(self, until_day: int) -> Iterator[tuple[Whole, Whole, Whole]]:
        """Rows, days and changes of all steps up to a day, month by month in order."""
        for month in sorted(self._steps):
            table = self._of_month(month)
            wanted = table[1] <= until_day
            if not wanted.any():
                return
            rows, days, changes = table[:, wanted].astype(np.int64)
            yield rows, days, changes

    def _of_month(self, month: int) -> Small:
        fragments = self._steps.get(month)
        if fragments is None:
            return np.zeros((3, 0), dtype=np.int32)
        if len(fragments) > 1:
            fragments[:] = [np.concatenate(fragments, axis=1)]
        return fragments[0]

    def _keep(self, month: int, part: Small) -> None:
        fragments = self._steps.setdefault(month, [])
        fragments.append(part)
        if len(fragments) > MOST_FRAGMENTS:
            self._of_month(month)

    def _make_room(self, rows: int, first_month: int, last_month: int) -> None:
        """Widen the sums to so many rows and to months from the first to the last."""
        if not self._months:
            self._first_month = first_month
        earlier = max(0, self._first_month - first_month)
        months = max(self._months, last_month - self._first_month + 1) + earlier
        rows = max(self.rows, rows)
        has_rows, has_columns = self._change_sums.shape
        if earlier or rows > has_rows or months + 1 > has_columns:
            room = (max(has_rows, rows + rows // 4 + ROOM_ROWS), months + ROOM_MONTHS)
            self._change_sums = self._widened(self._change_sums, room, earlier)
            self._change_day_sums = self._widened(self._change_day_sums, room, earlier)
        self._first_month -= earlier
        self.rows, self._months = rows, months

    def _widened(self, sums: Whole, room: tuple[int, int], earlier: int) -> Whole:
        """The sums with room before and behind; behind, each row goes on with its last sum."""
        wide = np.zeros(room, dtype=np.int64)
        if self._months:
            rows, until = self.rows, earlier + self._months
            wide[:rows, earlier : until + 1] = sums[:rows, : self._months + 1]
            wide[:rows, until + 1 :] = sums[:rows, self._months, np.newaxis]
        return wide
