"""Rates as they stand: person-time and cases from the ledger, made into estimates.

In:     a `RateDefinition`, the windows wanted, and the state of knowledge to speak for.
Out:    a `RateTable` for each window: one row for each stratum asked for, and the total.
Source: docs/methods.md 3 to 5 and 8.2; docs/api-rates.md.

Every row of the denominator meets every value of the numerator seen in any of them, so that a
stratum without a case stands there with its zero and its upper limit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from service.domain.days import Days
from service.domain.figures import DENOMINATOR, NUMERATOR, Group, RateDefinition
from service.errors import BadQuery, Detail
from service.pipeline.tally import Tally, store_filters, tally
from service.stats.confidence_sequence import anytime_rate_interval
from service.stats.interval import Interval
from service.stats.rates import DAYS_PER_UNIT, DAYS_PER_YEAR, RateEstimate, rate_estimate
from service.store import sums
from service.store.engine import Connection
from service.store.sums import PerWindow, Values

NO_AGENT = frozenset({"none", "unrecorded"})
REFERENCE_RATE = 0.1
"""Where the anytime interval is tightest, per person-year; a comparison uses its baseline's."""
MOST_ROWS = 5_000
"""Rows of all windows together; each takes two intervals to work out."""


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
        agents = agents_of(named["regimen"]) if "agent" in self.by else [""]
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
class Cell:
    """Cases and person-days of one row, by window; `group` says what counts as which."""

    group: Group
    stratum: dict[str, str]
    cases: PerWindow
    person_days: PerWindow


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
    """The rates of a definition over each of the windows, which may overlap.

    Raises `BadQuery` where that would be more than `MOST_ROWS` rows.
    """
    if not windows:
        return []
    layout = Layout(definition.by)
    total = definition.total
    found = tally(
        connection,
        definition,
        [*definition.groups, *([total] if total else [])],
        layout.stored_denominator,
        layout.numerator,
        windows,
        position,
    )
    cells = [cell for group in definition.groups for cell in _cells(layout, found, group)]
    if len(cells) * len(windows) > MOST_ROWS:
        raise _too_many_rows()
    totals = _over_all(definition, found, total) if total else None
    return [
        RateTable(
            replace(definition, start_day=window.start_day or None, end_day=window.end_day),
            tuple(_row(definition, cell, number) for cell in cells),
            _row(definition, totals, number) if totals else None,
        )
        for number, window in enumerate(windows)
    ]


def agents_of(regimen: str) -> list[str]:
    """The agents in a regimen as the ledger writes it.

    >>> agents_of("mycophenolic acid+tacrolimus"), agents_of("none")
    (['mycophenolic acid', 'tacrolimus'], [])
    """
    return [agent for agent in regimen.split("+") if agent not in NO_AGENT]


def _cells(layout: Layout, found: Tally, group: Group) -> Iterator[Cell]:
    """Each row's cases and person-days, in order of its values."""
    width, place = len(layout.stored_denominator), len(layout.denominator)
    days = _added_up(
        (row, at_risk) for stored, at_risk in found.at_risk(group) for row in layout.spread(stored)
    )
    cases = _added_up(
        ((*row, *stored[width:]), counted)
        for stored, counted in found.cases_of(group)
        for row in layout.spread(stored[:width])
    )
    numerators = sorted({key[place:] for key in cases}) if layout.numerator else [()]
    with_days = {key for key, at_risk in days.items() if at_risk.any()}
    denominators = sorted(with_days | {key[:place] for key in cases})
    for denominator, numerator in product(denominators, numerators):
        yield Cell(
            group,
            layout.stratum(group, denominator, numerator),
            cases.get((*denominator, *numerator), found.nothing()),
            days.get(denominator, found.nothing()),
        )


def _over_all(definition: RateDefinition, found: Tally, group: Group) -> Cell:
    return Cell(
        group,
        {"infection_type": group.infection_type} if "infection_type" in definition.by else {},
        sum((counted for _, counted in found.cases_of(group)), found.nothing()),
        sum((at_risk for _, at_risk in found.at_risk(group)), found.nothing()),
    )


def _added_up(entries: Iterable[tuple[Values, PerWindow]]) -> dict[Values, PerWindow]:
    added: dict[Values, PerWindow] = {}
    for key, values in entries:
        added[key] = added[key] + values if key in added else values
    return added


def rate_row(
    definition: RateDefinition, stratum: dict[str, str], cases: int, person_days: int
) -> RateRow:
    """Cases and person-days with both intervals, in the definition's unit."""
    estimate = rate_estimate(
        cases,
        person_days,
        per=definition.per,
        unit=definition.unit,
        method=definition.ci,
        level=definition.level,
    )
    per_year = anytime_rate_interval(
        cases,
        person_days / DAYS_PER_YEAR,
        level=definition.level,
        reference_rate=REFERENCE_RATE,
    )
    shown = definition.per * DAYS_PER_UNIT[definition.unit] / DAYS_PER_YEAR
    return RateRow(stratum, estimate, per_year.scaled(shown))


def _row(definition: RateDefinition, cell: Cell, window: int) -> RateRow:
    cases, person_days = int(cell.cases[window]), int(cell.person_days[window])
    return rate_row(definition, cell.stratum, cases, person_days)


def _with_recipients(connection: Connection, table: RateTable, position: int | None) -> RateTable:
    """The same table with the exact number of courses at risk in each row."""
    definition = table.definition
    counted: dict[str, dict[Values, int]] = {
        group.infection_type: _recipients(connection, definition, definition.by, group, position)
        for group in definition.groups
    }
    layout = Layout(definition.by)

    def count(row: RateRow) -> RateRow:
        of_type = row.stratum.get("infection_type", definition.groups[0].infection_type)
        key = tuple(row.stratum[name] for name in layout.denominator)
        return replace(row, recipients=counted[of_type].get(key, 0))

    total, group = table.total, definition.total
    if total and group:
        over_all = _recipients(connection, definition, (), group, position)
        total = replace(total, recipients=over_all.get((), 0))
    return replace(table, rows=tuple(count(row) for row in table.rows), total=total)


def _recipients(
    connection: Connection,
    definition: RateDefinition,
    by: Values,
    group: Group,
    position: int | None,
) -> dict[Values, int]:
    """Courses at risk by row; a course under several regimens with one agent counts once."""
    layout = Layout(by)

    def read(stored: Values, within: sums.Filters | None = None) -> dict[Values, int]:
        return sums.recipients(
            connection,
            {**store_filters(definition), **(within or {})},
            stored,
            group.taken_out,
            start_day=definition.start_day,
            end_day=definition.end_day,
            position=position,
        )

    if "agent" not in by:
        return read(layout.denominator)
    regimens = {regimen for (regimen,) in read(("regimen",))}
    others = tuple(name for name in layout.denominator if name != "agent")
    found: dict[Values, int] = {}
    for agent in sorted({agent for regimen in regimens for agent in agents_of(regimen)}):
        having_it = sorted(regimen for regimen in regimens if agent in agents_of(regimen))
        for values, count in read(others, {"regimen": having_it}).items():
            named = {"agent": agent, **dict(zip(others, values, strict=True))}
            found[tuple(named[name] for name in layout.denominator)] = count
    return found


def _too_many_rows() -> BadQuery:
    advice = "Ask for a longer interval, a shorter time from start to end, or fewer names in `by`."
    return BadQuery(
        f"This would be more than {MOST_ROWS:,} rows.",
        code="too_many_rows",
        details=(Detail("?interval", "too_many_rows", advice),),
    )
