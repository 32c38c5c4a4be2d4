"""The counted episodes, kept in memory.

In:     changes of the ledger, in any order.
Out:    numbers of cases by chosen dimensions, in a window or by day.
Source: docs/methods.md 4 and 6; docs/decisions/0010-sums-in-memory.md.

An episode that no longer holds is counted once more, with -1: nothing has to be found again. Those
that came lately lie apart from the many, which are in order of onset: a window is a slice of them,
and news costs as little as there is of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from service.domain.figures import NUMERATOR
from service.store import changes
from service.store.changes import CASE, STRATUM, CaseChange
from service.store.codes import Codes, Filters, Values, Whole, summed

AT_ONCE = 100_000
FEW = 10_000
"""So many that came lately are left apart, or an eighth of all where that is more."""
ONSET_DAY, WIDTH = 3, 7
"""A case has three numbers, its onset day, and three counts."""
FACILITY = STRATUM[:1]
NETWORK_STRATUM = STRATUM[1:]


class CaseTally(NamedTuple):
    """Cases of one group; `onset_day` is None where they are not wanted by day.

    `counted` holds how many there are, how many are first of their type, how many first of any.
    """

    values: Values
    infection_type: str
    onset_day: int | None
    counted: Whole


class CaseView:
    """Every case as three numbers (facility, stratum, kind), its onset day, and its marks."""

    def __init__(self, position: int) -> None:
        """There is no case; what comes after the position can be followed."""
        self.position = position
        self._tables = (Codes(FACILITY), Codes(NETWORK_STRATUM), Codes(NUMERATOR))
        self._by_day = np.zeros((WIDTH, 0), dtype=np.int32)
        self._latest = np.zeros((WIDTH, 0), dtype=np.int32)

    def add(self, cases: Iterable[CaseChange]) -> None:
        """Take cases in."""
        waiting = iter(cases)
        while part := list(islice(waiting, AT_ONCE)):
            lines = np.array([self._line(change) for change in part], dtype=np.int32).T
            self._latest = np.concatenate((self._latest, lines), axis=1)
            if self._latest.shape[1] > max(FEW, self._by_day.shape[1] // 8):
                together = np.concatenate((self._by_day, self._latest), axis=1)
                self._by_day = together[:, np.argsort(together[ONSET_DAY], kind="stable")]
                self._latest = self._latest[:, :0]

    def follow(self, connection: Connection, position: int) -> None:
        """Take in what came or went up to a position, which this transaction sees as the last."""
        self.add(changes.cases_since(connection, self.position))
        self.position = position

    def counts(
        self,
        filters: Filters,
        by: Sequence[str],
        start_day: int | None,
        end_day: int,
        *,
        by_day: bool,
    ) -> Iterator[CaseTally]:
        """The cases of each group in the window."""
        given = {name: values for name, values in filters.items() if values or name in STRATUM}
        codes, days, marks = self._between(start_day, end_day)
        asked = np.ones(days.size, dtype=np.bool_)
        for table, column in zip(self._tables, codes, strict=True):
            if any(name in given for name in (*table.names, "agent")):
                asked &= table.allowed(given)[column]
        where = np.flatnonzero(asked)
        names = (*by, "infection_type")
        groups = [table.groups(names) for table in self._tables]
        place = np.zeros(where.size, dtype=np.int64)
        for group, column in zip(groups, codes, strict=True):
            place = place * max(len(group.values), 1) + group.of_code[column[where]]
        first = int(days[where].min()) if by_day and where.size else 0
        width = int(days[where].max()) - first + 1 if by_day and where.size else 1
        if by_day:
            place = place * width + days[where] - first
        for found, counted in summed(place, marks[:, where].T):
            if counted.any():
                rest, day = divmod(found, width)
                named: dict[str, str] = {}
                for table, group in reversed(list(zip(self._tables, groups, strict=True))):
                    rest, number = divmod(rest, len(group.values))
                    own = [name for name in names if name in table.names]
                    named |= dict(zip(own, group.values[number], strict=True))
                values = tuple(named[name] for name in by)
                onset_day = first + day if by_day else None
                yield CaseTally(values, named["infection_type"], onset_day, counted)

    def _line(self, change: CaseChange) -> tuple[int, ...]:
        *terms, onset_day, first_of_type, first_of_any = change.values
        named = dict(zip(CASE, terms, strict=False))
        weight = change.change
        return (
            *(
                table.code(tuple(named[name] or "unknown" for name in table.names))
                for table in self._tables
            ),
            onset_day,
            weight,
            weight * bool(first_of_type),
            weight * bool(first_of_any),
        )

    def _between(self, start_day: int | None, end_day: int) -> tuple[Whole, Whole, Whole]:
        """The numbers of facility, stratum and kind, the days, and the three counts of each case
        with an onset between two days."""
        by_day, latest = self._by_day[ONSET_DAY], self._latest[ONSET_DAY]
        first = 0 if start_day is None else np.searchsorted(by_day, start_day, side="left")
        last = np.searchsorted(by_day, end_day, side="right")
        is_asked = latest <= end_day
        if start_day is not None:
            is_asked &= latest >= start_day
        parts = (self._by_day[:, first:last], self._latest[:, is_asked])
        table = np.concatenate(parts, axis=1).astype(np.int64)
        return table[:ONSET_DAY], table[ONSET_DAY], table[ONSET_DAY + 1 :]


def added_up(tallies: Iterable[CaseTally]) -> list[CaseTally]:
    """The tallies of each group as one; none where nothing is left."""
    found: dict[tuple[Values, str, int | None], Whole] = {}
    for values, infection_type, onset_day, counted in tallies:
        key = (values, infection_type, onset_day)
        found[key] = found.get(key, 0) + counted
    return [CaseTally(*key, counted) for key, counted in found.items() if counted.any()]
