"""The number at risk by some of its dimensions, kept in memory.

In:     changes of the ledger, in any order.
Out:    person-days by chosen dimensions over any windows; the steps themselves.
Source: docs/methods.md 6; docs/decisions/0010-sums-in-memory.md.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from service.domain.contributions import FOLLOW_UP
from service.domain.days import Days
from service.stats.step_grid import StepGrid
from service.store import changes
from service.store.changes import STRATUM, Steps
from service.store.codes import Codes, Filters, Values, Whole, summed

NONE = np.zeros(0, dtype=np.int64)


class GroupStep(NamedTuple):
    """The change in the number of one group and risk set on one day."""

    values: Values
    risk_set: str
    day: int
    change: int


class StepView:
    """Steps added up over all dimensions but `dimensions`; a row for each stratum and risk set."""

    def __init__(self, dimensions: Sequence[str], position: int) -> None:
        """Nobody is at risk; what comes after the position can be followed."""
        self.dimensions = tuple(dimensions)
        self.position = position
        self._places = [STRATUM.index(name) for name in self.dimensions]
        self._strata = Codes(self.dimensions)
        self._rows = Rows()
        self._grid = StepGrid()

    def add(self, steps: Steps) -> None:
        """Take steps in."""
        codes = np.array(
            [
                self._strata.code(tuple(stratum[place] for place in self._places))
                for stratum in steps.strata
            ],
            dtype=np.int64,
        )
        pairs = codes[steps.stratum] * len(steps.risk_sets) + steps.risk_set
        found, places = np.unique(pairs, return_inverse=True)
        rows = [
            self._rows.code(stratum, steps.risk_sets[risk_set])
            for stratum, risk_set in (divmod(pair, len(steps.risk_sets)) for pair in found.tolist())
        ]
        self._grid.add(np.array(rows, dtype=np.int64)[places], steps.day, steps.change)

    def follow(self, connection: Connection, position: int) -> None:
        """Take in what came or went up to a position, which this transaction sees as the last."""
        for part in changes.steps_since(connection, self.position):
            self.add(part)
        self.position = position

    def person_days(
        self, filters: Filters, by: Sequence[str], risk_sets: Sequence[str], windows: Sequence[Days]
    ) -> dict[tuple[Values, str], Whole]:
        """Person-days of each group and risk set in each window."""
        groups = self._strata.groups(by)
        looked_up: dict[int, Whole] = {}
        for window in windows:
            for day in (window.start_day, window.end_day + 1):
                if day not in looked_up:
                    looked_up[day] = self._grid.before(day)
        found = {}
        for risk_set in risk_sets:
            rows, strata = self._wanted(filters, risk_set)
            table = np.array(
                [looked_up[w.end_day + 1][rows] - looked_up[w.start_day][rows] for w in windows],
                dtype=np.int64,
            ).reshape(len(windows), rows.size)
            for group, days in summed(groups.of_code[strata], table.T):
                found[groups.values[group], risk_set] = days
        return found

    def steps(
        self, filters: Filters, by: Sequence[str], risk_sets: Sequence[str], until_day: int
    ) -> Iterator[GroupStep]:
        """Each group's steps up to a day."""
        groups = self._strata.groups(by)
        for risk_set in risk_sets:
            rows, strata = self._wanted(filters, risk_set)
            group_of_row = np.full(self._grid.rows, -1, dtype=np.int64)
            group_of_row[rows] = groups.of_code[strata]
            for of_month, days, moved in self._grid.steps(until_day):
                group = group_of_row[of_month]
                asked = group >= 0
                first = int(days.min())
                width = int(days.max()) - first + 1
                place = group[asked] * width + days[asked] - first
                for where, change in summed(place, moved[asked, np.newaxis]):
                    values = groups.values[where // width]
                    yield GroupStep(values, risk_set, first + where % width, int(change[0]))

    def first_day(self, filters: Filters) -> int | None:
        """The first day on which anybody of the population was at risk."""
        rows, _ = self._wanted(filters, FOLLOW_UP)
        wanted = np.zeros(self._grid.rows, dtype=np.bool_)
        wanted[rows] = True
        for of_month, days, moved in self._grid.steps(np.iinfo(np.int64).max):
            asked = wanted[of_month]
            for day, change in summed(days[asked], moved[asked, np.newaxis]):
                if change[0]:
                    return day
        return None

    def _wanted(self, filters: Filters, risk_set: str) -> tuple[Whole, Whole]:
        """The rows of a risk set that pass the filters, and the stratum of each."""
        rows, strata = self._rows.of(risk_set)
        allowed = self._strata.allowed(filters)[strata]
        return rows[allowed], strata[allowed]


class Rows:
    """Numbers strata in risk sets, in order of appearance."""

    def __init__(self) -> None:
        """There is no row."""
        self._count = 0
        self._of_risk_set: dict[str, dict[int, int]] = {}
        self._arrays: dict[str, tuple[Whole, Whole]] = {}

    def code(self, stratum: int, risk_set: str) -> int:
        """The number of a stratum in a risk set."""
        of_set = self._of_risk_set.setdefault(risk_set, {})
        found = of_set.get(stratum)
        if found is None:
            found = of_set[stratum] = self._count
            self._count += 1
        return found

    def of(self, risk_set: str) -> tuple[Whole, Whole]:
        """The numbers of all rows of a risk set, and their strata."""
        of_set = self._of_risk_set.get(risk_set, {})
        rows, strata = self._arrays.get(risk_set, (NONE, NONE))
        if rows.size != len(of_set):
            rows = np.fromiter(of_set.values(), dtype=np.int64, count=len(of_set))
            strata = np.fromiter(of_set.keys(), dtype=np.int64, count=len(of_set))
            self._arrays[risk_set] = (rows, strata)
        return rows, strata
