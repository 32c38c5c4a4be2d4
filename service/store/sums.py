"""Person-time and cases, summed in the database.

In:     filters, the dimensions to group by, a window, and the state of knowledge to speak for.
Out:    person-days, daily steps and case counts, by group.
Source: docs/methods.md 6. The present is read from the sums in memory where they are loaded, else
        from `risk_steps`; a past position from the segments that held then.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    SQLColumnExpression,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlmodel import col

from service.domain.contributions import ENTERED, FOLLOW_UP, MARKERS
from service.domain.days import Days
from service.domain.figures import DENOMINATOR, NUMERATOR
from service.stats.person_time import RunningPersonDays
from service.store.running_sums import RunningSums
from service.store.step_view import GroupStep
from service.store.tables import EpisodeRow, RiskStepRow, SegmentRow, StratumRow

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
Filters: TypeAlias = Mapping[str, Sequence[str]]
Values: TypeAlias = tuple[str, ...]
PerWindow: TypeAlias = NDArray[np.int64]
"""One whole number for each window."""


class CaseCount(NamedTuple):
    """Counted episodes of one group; `onset_day` is None where they are not wanted by day."""

    values: tuple[str | None, ...]
    infection_type: str
    onset_day: int | None
    cases: int
    first_of_type: int
    first_of_any: int


def person_days(
    connection: Connection,
    filters: Filters,
    by: Sequence[str],
    risk_sets: Sequence[str],
    windows: Sequence[Days],
    *,
    position: int | None = None,
) -> dict[tuple[Values, str], PerWindow]:
    """The days of each group in each risk set, in each of the windows.

    One window is summed in the database; for many, the steps are read once and each window is two
    look-ups in their running sums.
    """
    asked = (connection, filters, by, risk_sets, windows)
    if memory := _memory(connection):
        found = memory.person_days(*asked, position)
        if found is not None:
            return found
    read = _one_window if len(windows) == 1 else _many_windows
    return read(*asked, position)


def _one_window(
    connection: Connection,
    filters: Filters,
    by: Sequence[str],
    risk_sets: Sequence[str],
    windows: Sequence[Days],
    position: int | None,
) -> dict[tuple[Values, str], PerWindow]:
    """A step before the window counts for all of it, a step within it from its own day on."""
    ((begins, end_day),) = windows
    steps = _steps(position)
    days_from_step = case(
        (steps.c.day < begins, end_day + 1 - begins), else_=end_day + 1 - steps.c.day
    )
    total = func.sum(cast(steps.c.change, BigInteger) * days_from_step)
    query = _grouped_steps(steps, filters, by, risk_sets, end_day, total)
    return {
        (tuple(values), risk_set): np.array([int(days)])
        for *values, risk_set, days in connection.execute(query)
    }


def _many_windows(
    connection: Connection,
    filters: Filters,
    by: Sequence[str],
    risk_sets: Sequence[str],
    windows: Sequence[Days],
    position: int | None,
) -> dict[tuple[Values, str], PerWindow]:
    steps: dict[tuple[Values, str], list[tuple[int, int]]] = defaultdict(list)
    starts, ends = np.array(windows, dtype=np.int64).T
    for step in daily_steps(
        connection, filters, by, risk_sets, end_day=int(ends.max()), position=position
    ):
        steps[step.values, step.risk_set].append((step.day, step.change))
    return {
        key: RunningPersonDays.of(*np.array(of_key, dtype=np.int64).T).between(starts, ends)
        for key, of_key in steps.items()
    }


def daily_steps(
    connection: Connection,
    filters: Filters,
    by: Sequence[str],
    risk_sets: Sequence[str],
    *,
    end_day: int,
    position: int | None = None,
) -> Iterator[GroupStep]:
    """The steps of each group in each risk set up to `end_day`, for windows without number."""
    if memory := _memory(connection):
        found = memory.steps(connection, filters, by, risk_sets, end_day, position)
        if found is not None:
            yield from found
            return
    steps = _steps(position)
    total = func.sum(steps.c.change)
    query = _grouped_steps(steps, filters, by, risk_sets, end_day, steps.c.day, total)
    for *values, risk_set, day, change in connection.execute(query):
        yield GroupStep(tuple(values), risk_set, day, int(change))


def case_counts(
    connection: Connection,
    filters: Filters,
    by: Sequence[str],
    *,
    start_day: int | None,
    end_day: int,
    by_day: bool = False,
    position: int | None = None,
) -> Iterator[CaseCount]:
    """Count the counted episodes with an onset in the window, grouped."""
    if memory := _memory(connection):
        between = (start_day, end_day)
        tallied = memory.counts(connection, filters, by, between, by_day=by_day, position=position)
        if tallied is not None:
            for one in tallied:
                cases, of_type, of_any = one.counted.tolist()
                yield CaseCount(
                    one.values, one.infection_type, one.onset_day, cases, of_type, of_any
                )
            return
    columns = [case_column(name) for name in by]
    infection_type = case_column("infection_type")
    days = [case_column("onset_day")] if by_day else []
    query = (
        counted_episodes(
            [
                *columns,
                infection_type,
                *days,
                func.count(),
                func.sum(cast(EpisodeRow.first_of_type, Integer)),
                func.sum(cast(EpisodeRow.first_of_any, Integer)),
            ],
            filters,
            position,
        )
        .where(*_window(start_day, end_day))
        .group_by(*columns, infection_type, *days)
    )
    for row in connection.execute(query):
        *values, of_infection_type = row[: len(columns) + 1]
        *onset, cases, of_type, of_any = row[len(columns) + 1 :]
        yield CaseCount(
            tuple(values), of_infection_type, onset[0] if onset else None, cases, of_type, of_any
        )


def first_day(
    connection: Connection, filters: Filters, *, position: int | None = None
) -> int | None:
    """The first day at risk of a population; None where nobody was ever at risk."""
    if position is None and (memory := _memory(connection)):
        found, first = memory.first_day(connection, filters)
        if found:
            return first
    steps = _steps(position)
    query: AnySelect = select(func.min(steps.c.day))
    query = query.join(StratumRow, _is_stratum_of(steps.c)).where(
        steps.c.risk_set == FOLLOW_UP, *stratum_filters(filters)
    )
    day: int | None = connection.execute(query).scalar_one()
    return day


def recipients(
    connection: Connection,
    filters: Filters,
    by: Sequence[str],
    taken_out: str | None,
    *,
    start_day: int | None,
    end_day: int,
    position: int | None = None,
) -> dict[tuple[str, ...], int]:
    """Courses with at least one day at risk in the window, by group, counted one by one.

    A course with days in several groups counts in each of them; with no `by`, once.
    """
    risk_sets = [FOLLOW_UP, *([taken_out] if taken_out else [])]
    begins, ends = col(SegmentRow.start_day), col(SegmentRow.end_day)
    first = case((begins < (start_day or 0), start_day or 0), else_=begins)
    last = case((ends > end_day, end_day), else_=ends)
    sign = case((col(SegmentRow.risk_set) == FOLLOW_UP, 1), else_=-1)
    columns = [_stratum_column(name).label(f"by_{name}") for name in by]
    course = (col(SegmentRow.facility), col(SegmentRow.patient), col(SegmentRow.index_day))
    courses_at_risk = (
        select(*columns, literal(1).label("course"))
        .select_from(SegmentRow)
        .join(StratumRow, _is_stratum_of(SegmentRow))
        .where(
            col(SegmentRow.risk_set).in_(risk_sets),
            begins <= end_day,
            ends >= (start_day or 0),
            held(SegmentRow, position),
            *stratum_filters(filters),
        )
        .group_by(*columns, *course)
        .having(func.sum(sign * (last - first + 1)) > 0)
        .subquery()
    )
    groups = [courses_at_risk.c[f"by_{name}"] for name in by]
    query: AnySelect = select(*groups, func.count()).select_from(courses_at_risk).group_by(*groups)
    return {tuple(values): count for *values, count in connection.execute(query)}


def entered_days(
    connection: Connection, filters: Filters, *, end_day: int
) -> list[tuple[int, int]]:
    """How many courses entered follow-up on which day."""
    steps = daily_steps(connection, filters, (), (ENTERED,), end_day=end_day)
    return sorted((step.day, step.change) for step in steps)


def _memory(connection: Connection) -> RunningSums | None:
    """The sums in memory; a writer, whose changes could still be undone, asks the database."""
    if connection.get_execution_options().get("writes", False):
        return None
    memory: RunningSums | None = connection.info.get(RunningSums)
    return memory


def _steps(position: int | None) -> Subquery:
    """The steps as they stand, or those of the segments that held at a past position."""
    if position is None:
        return select(
            col(RiskStepRow.facility),
            col(RiskStepRow.stratum_id),
            col(RiskStepRow.risk_set),
            col(RiskStepRow.day),
            col(RiskStepRow.change),
        ).subquery()

    def changes(day: SQLColumnExpression[int], change: int) -> AnySelect:
        query: AnySelect = select(
            col(SegmentRow.facility),
            col(SegmentRow.stratum_id),
            col(SegmentRow.risk_set),
            day.label("day"),
            literal(change, Integer).label("change"),
        )
        return query.where(held(SegmentRow, position))

    leaving = changes(col(SegmentRow.end_day) + 1, -1)
    return union_all(
        changes(col(SegmentRow.start_day), 1),
        leaving.where(col(SegmentRow.risk_set).not_in(MARKERS)),
    ).subquery()


def _grouped_steps(
    steps: Subquery,
    filters: Filters,
    by: Sequence[str],
    risk_sets: Sequence[str],
    end_day: int,
    *wanted: ColumnElement[Any],
) -> AnySelect:
    *keys, _ = wanted
    named = {*by, *(name for name in (*DENOMINATOR, "agent") if filters.get(name) is not None)}
    if named <= {"facility"}:
        # A step knows its facility: without the strata the sum takes two thirds of the time.
        columns: list[ColumnElement[Any]] = [steps.c.facility for _ in by]
        facilities = filters.get("facility")
        conditions: list[ColumnElement[bool]] = (
            [] if facilities is None else [steps.c.facility.in_(list(facilities))]
        )
        query: AnySelect = select(*columns, steps.c.risk_set, *wanted)
    else:
        columns = [_stratum_column(name) for name in by]
        conditions = stratum_filters(filters)
        query = select(*columns, steps.c.risk_set, *wanted)
        query = query.join(StratumRow, _is_stratum_of(steps.c))
    return query.where(
        steps.c.risk_set.in_(list(risk_sets)), steps.c.day <= end_day, *conditions
    ).group_by(*columns, steps.c.risk_set, *keys)


def counted_episodes(
    columns: Sequence[ColumnElement[Any]], filters: Filters, position: int | None
) -> AnySelect:
    """Counted episodes that pass the filters, with their strata, to select from."""
    query: AnySelect = select(*columns)
    return (
        query.select_from(EpisodeRow)
        .join(StratumRow, _is_stratum_of(EpisodeRow))
        .where(
            held(EpisodeRow, position),
            col(EpisodeRow.counted),
            *stratum_filters(filters),
            *(
                case_column(name).in_(list(filters[name]))
                for name in NUMERATOR
                if filters.get(name)
            ),
        )
    )


def _is_stratum_of(row: Any) -> ColumnElement[bool]:
    return and_(
        col(StratumRow.facility) == row.facility, col(StratumRow.stratum_id) == row.stratum_id
    )


def held(table: type[SegmentRow] | type[EpisodeRow], position: int | None) -> ColumnElement[bool]:
    """Rows that hold now, or held at a past position."""
    if position is None:
        return col(table.withdrawn_at).is_(None)
    withdrawn_at = col(table.withdrawn_at)
    return and_(
        col(table.posted_at) <= position, or_(withdrawn_at.is_(None), withdrawn_at > position)
    )


def _window(start_day: int | None, end_day: int) -> list[ColumnElement[bool]]:
    onset_day = col(EpisodeRow.onset_day)
    return [onset_day <= end_day, *([onset_day >= start_day] if start_day is not None else [])]


def _stratum_column(name: str) -> ColumnElement[str]:
    return StratumRow.metadata.tables["strata"].c[name]


def case_column(name: str) -> ColumnElement[Any]:
    """The column behind a dimension of a case, or behind any field of an episode."""
    if name in DENOMINATOR:
        return _stratum_column(name)
    if name == "organism":
        return func.coalesce(col(EpisodeRow.organism), "unknown")
    return EpisodeRow.metadata.tables["episodes"].c[name]


def stratum_filters(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions on a stratum; an empty list of facilities allows none."""
    conditions: list[ColumnElement[bool]] = [
        _stratum_column(name).in_(list(filters[name]))
        for name in DENOMINATOR
        if filters.get(name) is not None
    ]
    if agents := filters.get("agent"):
        regimen = literal("+") + col(StratumRow.regimen) + "+"
        conditions.append(
            or_(*(regimen.contains(f"+{agent}+", autoescape=True) for agent in agents))
        )
    return conditions
