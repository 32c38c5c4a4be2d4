"""Rates as they stand: person-time and cases from the ledger, made into estimates.

In:     a `RateDefinition`, the windows wanted, and the state of knowledge to speak for.
Out:    a `RateTable` for each window: one row for each stratum asked for, and the total.
Source: METHODS 3 to 6; CONTRACT 2.

Every row of the denominator meets every value of the numerator seen in any of them, so that a
stratum without a case stands there with its zero and its upper limit.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from service.domain.contributions import FOLLOW_UP
from service.domain.days import Days
from service.domain.figures import DENOMINATOR, NUMERATOR, Group, RateDefinition
from service.stats.confidence_sequence import anytime_rate_interval
from service.stats.interval import Interval
from service.stats.person_time import RunningPersonDays
from service.stats.rates import DAYS_PER_UNIT, DAYS_PER_YEAR, RateEstimate, rate_estimate
from service.store import sums

Values = tuple[str, ...]
PerWindow = NDArray[np.int64]
NO_AGENT = frozenset({"none", "unrecorded"})
REFERENCE_RATE = 0.1
"""Where the anytime interval is tightest, per person-year; a comparison uses its baseline's."""


@dataclass(frozen=True, slots=True)
class RateRow:
    """One stratum's rate; `recipients` only where it was asked for."""

    stratum: dict[str, str]
    estimate: RateEstimate
    anytime: Interval
    recipients: int | None = None


@dataclass(frozen=True, slots=True)
class RateTable:
    """The rows asked for and the total; no total where such a figure does not exist."""

    definition: RateDefinition
    rows: tuple[RateRow, ...]
    total: RateRow | None


@dataclass(frozen=True, slots=True)
class Layout:
    """How the dimensions asked for are read from the store.

    Agents overlap and are not stored: they are read off the regimen. Infection types are groups
    of rows where each has its own time at risk, so they are no column.
    """

    by: Values

    @property
    def denominator(self) -> Values:
        """The dimensions of a row's time at risk, in the order asked for."""
        return tuple(name for name in self.by if name in (*DENOMINATOR, "agent"))

    @property
    def stored_denominator(self) -> Values:
        """What has to be read for them."""
        names = ("regimen" if name == "agent" else name for name in self.denominator)
        return tuple(dict.fromkeys(names))

    @property
    def numerator(self) -> Values:
        """The dimensions of a row's cases."""
        return tuple(name for name in self.by if name in NUMERATOR and name != "infection_type")

    def spread(self, stored: Values) -> Iterator[Values]:
        """The row values that stored values belong to: one, or one for each agent."""
        named = dict(zip(self.stored_denominator, stored, strict=True))
        agents = [""]
        if "agent" in self.by:
            agents = [agent for agent in named["regimen"].split("+") if agent not in NO_AGENT]
        for agent in agents:
            yield tuple(agent if name == "agent" else named[name] for name in self.denominator)

    def stratum(self, group: Group, denominator: Values, numerator: Values) -> dict[str, str]:
        """A row's values by name, in the order asked for."""
        values = {
            "infection_type": group.infection_type,
            **dict(zip(self.denominator, denominator, strict=True)),
            **dict(zip(self.numerator, numerator, strict=True)),
        }
        return {name: values[name] for name in self.by}


@dataclass(frozen=True, slots=True)
class Tally:
    """Person-days and cases of the whole population asked for, by stored values and window."""

    person_days: Mapping[tuple[Values, str], PerWindow]
    cases: Sequence[tuple[sums.CaseCount, int]]
    windows: Sequence[Days]

    def at_risk(self, group: Group) -> Iterator[tuple[Values, PerWindow]]:
        """Each stratum's days of follow-up less those the group takes out."""
        for (values, risk_set), follow_up in self.person_days.items():
            if risk_set != FOLLOW_UP:
                continue
            taken_out = self.person_days.get((values, group.taken_out or ""))
            yield values, follow_up if taken_out is None else np.subtract(follow_up, taken_out)

    def cases_of(self, group: Group) -> Iterator[tuple[Values, PerWindow]]:
        """The group's cases, each entry in its window."""
        for count, window in self.cases:
            if group.infection_types and count.infection_type not in group.infection_types:
                continue
            found = np.zeros(len(self.windows), dtype=np.int64)
            found[window] = {
                None: count.cases,
                "type": count.first_of_type,
                "any": count.first_of_any,
            }[group.first_of]
            yield tuple(value or "unknown" for value in count.values), found


def rate_table(
    connection: Connection,
    definition: RateDefinition,
    *,
    position: int | None = None,
    with_recipients: bool = False,
) -> RateTable:
    """The rates of a definition over its window, as known at a position (None: now)."""
    window = Days(definition.start_day or 0, definition.end_day)
    (table,) = rate_tables(connection, definition, [window], position=position)
    return _with_recipients(connection, table, position) if with_recipients else table


def rate_tables(
    connection: Connection,
    definition: RateDefinition,
    windows: Sequence[Days],
    *,
    position: int | None = None,
) -> list[RateTable]:
    """The rates of a definition over each of the windows, which may overlap."""
    layout = Layout(definition.by)
    tally = _tally(connection, definition, layout, windows, position)
    rows: list[list[RateRow]] = [[] for _ in windows]
    for group in definition.groups:
        for stratum, cases, days in _strata(layout, tally, group):
            for number, row in enumerate(_rows(definition, stratum, cases, days)):
                rows[number].append(row)
    totals: Sequence[RateRow | None] = [None] * len(windows)
    if definition.total:
        totals = list(_total(definition, tally, definition.total))
    return [
        RateTable(
            replace(definition, start_day=window.start_day or None, end_day=window.end_day),
            tuple(rows[number]),
            totals[number],
        )
        for number, window in enumerate(windows)
    ]


def store_filters(definition: RateDefinition) -> dict[str, tuple[str, ...]]:
    """The filters as the store applies them: defaults written out, `any` left out."""
    filters = {**definition.filters, "status": definition.statuses}
    filters["infection_type"] = definition.infection_types
    return {name: values for name, values in filters.items() if values or name == "facility"}


def _tally(
    connection: Connection,
    definition: RateDefinition,
    layout: Layout,
    windows: Sequence[Days],
    position: int | None,
) -> Tally:
    filters = store_filters(definition)
    groups = [*definition.groups, *([definition.total] if definition.total else [])]
    risk_sets = sorted({FOLLOW_UP, *(group.taken_out for group in groups if group.taken_out)})
    by = (*layout.stored_denominator, *layout.numerator)
    start_day, end_day = windows[0].start_day, max(window.end_day for window in windows)
    counts = sums.case_counts(
        connection,
        filters,
        by,
        start_day=start_day,
        end_day=end_day,
        by_day=len(windows) > 1,
        position=position,
    )
    read = _window_person_days if len(windows) > 1 else _person_days
    return Tally(
        person_days=read(
            connection, filters, layout.stored_denominator, risk_sets, windows, position
        ),
        cases=[
            (count, number)
            for count in counts
            for number, window in enumerate(windows)
            if count.onset_day is None or count.onset_day in window
        ],
        windows=windows,
    )


def _person_days(
    connection: Connection,
    filters: sums.Filters,
    by: Values,
    risk_sets: Sequence[str],
    windows: Sequence[Days],
    position: int | None,
) -> dict[tuple[Values, str], PerWindow]:
    (window,) = windows
    read = sums.person_days(
        connection,
        filters,
        by,
        risk_sets,
        start_day=window.start_day,
        end_day=window.end_day,
        position=position,
    )
    return {(row.values, row.risk_set): np.array([row.person_days]) for row in read}


def _window_person_days(
    connection: Connection,
    filters: sums.Filters,
    by: Values,
    risk_sets: Sequence[str],
    windows: Sequence[Days],
    position: int | None,
) -> dict[tuple[Values, str], PerWindow]:
    steps: dict[tuple[Values, str], list[tuple[int, int]]] = defaultdict(list)
    end_day = max(window.end_day for window in windows)
    for step in sums.daily_steps(
        connection, filters, by, risk_sets, end_day=end_day, position=position
    ):
        steps[step.values, step.risk_set].append((step.day, step.change))
    starts, ends = np.array(windows, dtype=np.int64).T
    found = {}
    for key, of_key in steps.items():
        days, changes = np.array(of_key, dtype=np.int64).T
        found[key] = RunningPersonDays.of(days, changes).between(starts, ends)
    return found


def _strata(
    layout: Layout, tally: Tally, group: Group
) -> Iterator[tuple[dict[str, str], PerWindow, PerWindow]]:
    """Each row's stratum with its cases and person-days, in order."""
    width = len(layout.stored_denominator)
    nothing = np.zeros(len(tally.windows), dtype=np.int64)
    days = _added_up(
        (row, at_risk) for stored, at_risk in tally.at_risk(group) for row in layout.spread(stored)
    )
    cases = _added_up(
        ((*row, *stored[width:]), counted)
        for stored, counted in tally.cases_of(group)
        for row in layout.spread(stored[:width])
    )
    place = len(layout.denominator)
    numerators = sorted({key[place:] for key in cases}) if layout.numerator else [()]
    denominators = sorted(
        {*(key for key, d in days.items() if d.any()), *(k[:place] for k in cases)}
    )
    for denominator, numerator in product(denominators, numerators):
        yield (
            layout.stratum(group, denominator, numerator),
            cases.get((*denominator, *numerator), nothing),
            days.get(denominator, nothing),
        )


def _added_up(entries: Iterable[tuple[Values, PerWindow]]) -> dict[Values, PerWindow]:
    added: dict[Values, PerWindow] = {}
    for key, values in entries:
        added[key] = added[key] + values if key in added else values
    return added


def _total(definition: RateDefinition, tally: Tally, group: Group) -> Iterator[RateRow]:
    nothing = np.zeros(len(tally.windows), dtype=np.int64)
    cases = sum((counted for _, counted in tally.cases_of(group)), nothing)
    days = sum((at_risk for _, at_risk in tally.at_risk(group)), nothing)
    stratum = {"infection_type": group.infection_type} if "infection_type" in definition.by else {}
    return _rows(definition, stratum, cases, days)


def _rows(
    definition: RateDefinition, stratum: dict[str, str], cases: PerWindow, days: PerWindow
) -> Iterator[RateRow]:
    for counted, person_days in zip(cases.tolist(), days.tolist(), strict=True):
        estimate = rate_estimate(
            counted,
            person_days,
            per=definition.per,
            unit=definition.unit,
            method=definition.ci,
            level=definition.level,
        )
        per_year = anytime_rate_interval(
            counted,
            person_days / DAYS_PER_YEAR,
            level=definition.level,
            reference_rate=REFERENCE_RATE,
        )
        shown = definition.per * DAYS_PER_UNIT[definition.unit] / DAYS_PER_YEAR
        yield RateRow(stratum, estimate, per_year.scaled(shown))


def _with_recipients(connection: Connection, table: RateTable, position: int | None) -> RateTable:
    """The same table with the exact number of courses at risk in each row."""
    definition = table.definition

    def counted(row: RateRow, group: Group) -> RateRow:
        at = {name: (value,) for name, value in row.stratum.items() if name not in NUMERATOR}
        found = sums.recipients(
            connection,
            {**store_filters(definition), **at},
            group.taken_out,
            start_day=definition.start_day,
            end_day=definition.end_day,
            position=position,
        )
        return replace(row, recipients=found)

    groups = {group.infection_type: group for group in definition.groups}
    default = definition.total or definition.groups[0]
    return replace(
        table,
        rows=tuple(
            counted(row, groups.get(row.stratum.get("infection_type", ""), default))
            for row in table.rows
        ),
        total=counted(table.total, default) if table.total else None,
    )
