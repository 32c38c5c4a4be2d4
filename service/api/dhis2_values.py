"""Figures as DHIS2's data values.

In:     a mapping, whose key it is for, and the days to speak of.
Out:    a data value set, as DHIS2 takes it at `POST /api/dataValueSets`.
Source: docs/dhis2.md; DHIS2, Developer guide, "Data values", "Date and period format".

Cases and person-days add up over organisation units and periods, as DHIS2 adds them up; rates do
not, and are made there, by an indicator.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from service.api.access import Principal
from service.api.dhis2_mapping import Dhis2Figure, Dhis2Mapping
from service.api.figures import day
from service.api.formats import Figure, Row
from service.domain.windows import PERIODS, Interval, Window, calendar_windows
from service.errors import BadQuery, Detail
from service.pipeline.as_of import KnownState, known_at
from service.pipeline.rates import rate_tables
from service.pipeline.surveillance import Surveillance
from service.store import sums
from service.store.engine import Connection

PERIOD_NAMES: Mapping[Interval, Callable[[date], str]] = {
    "day": lambda first: f"{first:%Y%m%d}",
    "week": lambda first: f"{first:%G}W{first.isocalendar().week}",
    "month": lambda first: f"{first:%Y%m}",
    "quarter": lambda first: f"{first:%Y}Q{(first.month + 2) // 3}",
    "year": lambda first: f"{first:%Y}",
}
MOST_WINDOWS = 5_000


def data_value_set(
    surveillance: Surveillance,
    mapping: Dhis2Mapping,
    principal: Principal,
    *,
    start: date | None = None,
    end: date | None = None,
    as_of: Any = None,
) -> dict[str, Any]:
    """The values of every figure in the mapping, as DHIS2 takes them."""
    with surveillance.database.read() as connection:
        known = known_at(connection, surveillance, as_of)
        windows = _whole_periods(connection, mapping, principal, known, start, end)
        values = [
            value
            for asked in mapping.figure
            for row in shown(_figure(connection, asked, principal, windows, known), principal).rows
            for value in _values(mapping, asked, row)
        ]
    data_set = {"dataSet": mapping.data_set} if mapping.data_set else {}
    return {"idScheme": mapping.ids.upper(), **data_set, "dataValues": values}


def shown(figure: Figure, _principal: Principal) -> Figure:
    """What of a figure goes out to a key; a count that is None is left out.

    Every figure of the export passes here, with all facilities that the key reaches and the total
    of each window.
    """
    return figure


def _whole_periods(
    connection: Connection,
    mapping: Dhis2Mapping,
    principal: Principal,
    known: KnownState,
    start: date | None,
    end: date | None,
) -> list[Window]:
    """The periods that lie wholly between two days and are over."""
    facilities = principal.visible()
    last_over = known.latest_day.toordinal() - 1
    end_day = min(end.toordinal(), last_over) if end else last_over
    if start is not None:
        start_day = start.toordinal()
    else:
        filters = {} if facilities is None else {"facility": facilities}
        first = sums.first_day(connection, filters, position=known.past_position)
        if first is None:
            return []
        start_day = PERIODS[mapping.period].days_of(first).start_day
    found = []
    for window in calendar_windows(mapping.period, start_day, end_day):
        if not window.partial:
            found.append(window)
        if len(found) > MOST_WINDOWS:
            advice = "Ask for a shorter time from start to end."
            raise BadQuery(
                f"This would be more than {MOST_WINDOWS:,} periods.",
                code="too_many_rows",
                details=(Detail("?start", "too_many_rows", advice),),
            )
    return found


def _figure(
    connection: Connection,
    asked: Dhis2Figure,
    principal: Principal,
    windows: list[Window],
    known: KnownState,
) -> Figure:
    """One figure by facility in each window, with each window's total."""
    if not windows:
        return Figure({}, [], None)
    span = (windows[0].days.start_day, windows[-1].days.end_day)
    definition = asked.definition(*span, principal.visible())
    tables = rate_tables(
        connection,
        definition,
        [window.days for window in windows],
        position=known.past_position,
    )
    told = list(zip(windows, tables, strict=True))
    return Figure(
        head={},
        rows=[
            _row(window, row.estimate.cases, row.estimate.person_days, row.stratum)
            for window, table in told
            for row in table.rows
        ],
        total=None,
        window_totals=[
            _row(window, table.total.estimate.cases, table.total.estimate.person_days, {})
            for window, table in told
            if table.total
        ],
    )


def _row(window: Window, cases: int, person_days: int, stratum: Mapping[str, str]) -> Row:
    return {
        "window": {"name": window.name, "start": day(window.days.start_day)},
        "stratum": stratum,
        "cases": cases,
        "person_days": person_days,
    }


def _values(mapping: Dhis2Mapping, asked: Dhis2Figure, row: Row) -> Iterator[dict[str, str]]:
    """The data values of one facility and period; none of a facility without a unit."""
    unit = mapping.org_units.get(row["stratum"]["facility"])
    if unit is None:
        return
    first = date.fromisoformat(row["window"]["start"])
    place = {"period": PERIOD_NAMES[mapping.period](first), "orgUnit": unit}
    combos = {
        "categoryOptionCombo": asked.category_option_combo,
        "attributeOptionCombo": asked.attribute_option_combo,
    }
    place |= {name: combo for name, combo in combos.items() if combo is not None}
    elements = ((asked.cases, row["cases"]), (asked.person_days, row["person_days"]))
    for element, number in elements:
        if element is not None and number is not None:
            yield {"dataElement": element, **place, "value": str(number)}


def unmapped(facilities: Iterable[str], mapping: Dhis2Mapping) -> list[str]:
    """The facilities that have no organisation unit."""
    return sorted(set(facilities) - set(mapping.org_units))
