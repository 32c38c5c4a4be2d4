"""What the ledger holds, and what came or went since a position, without naming patients.

In:     a position, or nothing.
Out:    steps in the number at risk and counted episodes, each with +1 (holds) or -1 (no longer).
Source: docs/methods.md 6; docs/decisions/0010-sums-in-memory.md.

A segment or an episode holds from `posted_at` until before `withdrawn_at`, so what changed after a
position is found by either of the two; what came and went after it changed nothing.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Select, and_, case, literal, or_, select
from sqlmodel import col

from service.domain.contributions import MARKERS
from service.domain.figures import DENOMINATOR, NUMERATOR
from service.store.tables import EpisodeRow, RiskStepRow, SegmentRow, StratumRow

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
ROWS_AT_ONCE = 20_000

STRATUM = DENOMINATOR
"""What describes a stratum, the facility first."""
CASE = (*STRATUM, *NUMERATOR, "onset_day", "first_of_type", "first_of_any")
"""What is known of a counted episode."""


class StepChange(NamedTuple):
    """A change in the number in a risk set; `stratum` in the order of `STRATUM`."""

    stratum: tuple[str, ...]
    risk_set: str
    day: int
    change: int


class CaseChange(NamedTuple):
    """A counted episode that holds (+1) or no longer does (-1); `values` in the order of `CASE`."""

    values: tuple[Any, ...]
    change: int


def all_steps(connection: Connection) -> Iterator[StepChange]:
    """The running sums as they stand."""
    strata = _strata(connection)
    query: AnySelect = select(
        col(RiskStepRow.stratum_id),
        col(RiskStepRow.risk_set),
        col(RiskStepRow.day),
        col(RiskStepRow.change),
    )
    for part in _parts(connection, query):
        for stratum_id, risk_set, day, change in part:
            yield StepChange(strata[stratum_id], risk_set, day, change)


def steps_since(connection: Connection, position: int) -> Iterator[StepChange]:
    """The steps of segments that came or went after a position."""
    strata_columns = [_column(StratumRow, name) for name in STRATUM]
    query: AnySelect = select(
        *strata_columns,
        col(SegmentRow.risk_set),
        col(SegmentRow.start_day),
        col(SegmentRow.end_day),
        _sign(SegmentRow),
    )
    query = query.join(StratumRow, _is_stratum_of(SegmentRow))
    for part in _parts(connection, query.where(_changed(SegmentRow, position))):
        for *stratum, risk_set, start_day, end_day, sign in part:
            named = tuple(stratum)
            yield StepChange(named, risk_set, start_day, sign)
            if risk_set not in MARKERS:
                yield StepChange(named, risk_set, end_day + 1, -sign)


def all_cases(connection: Connection) -> Iterator[CaseChange]:
    """The counted episodes that hold now."""
    query = _cases(literal(1)).where(col(EpisodeRow.withdrawn_at).is_(None))
    yield from _case_changes(connection, query)


def cases_since(connection: Connection, position: int) -> Iterator[CaseChange]:
    """The counted episodes that came or went after a position."""
    query = _cases(_sign(EpisodeRow)).where(_changed(EpisodeRow, position))
    yield from _case_changes(connection, query)


def _cases(sign: Any) -> AnySelect:
    columns = [_column(StratumRow if name in STRATUM else EpisodeRow, name) for name in CASE]
    query: AnySelect = select(*columns, sign)
    return query.join(StratumRow, _is_stratum_of(EpisodeRow)).where(col(EpisodeRow.counted))


def _case_changes(connection: Connection, query: AnySelect) -> Iterator[CaseChange]:
    for part in _parts(connection, query):
        for *values, sign in part:
            yield CaseChange(tuple(values), sign)


def _changed(table: type[SegmentRow] | type[EpisodeRow], position: int) -> Any:
    posted_at, withdrawn_at = col(table.posted_at), col(table.withdrawn_at)
    came = and_(posted_at > position, withdrawn_at.is_(None))
    return or_(came, and_(withdrawn_at > position, posted_at <= position))


def _sign(table: type[SegmentRow] | type[EpisodeRow]) -> Any:
    return case((col(table.withdrawn_at).is_(None), 1), else_=-1)


def _strata(connection: Connection) -> dict[int, tuple[str, ...]]:
    columns = [_column(StratumRow, name) for name in STRATUM]
    query: AnySelect = select(_column(StratumRow, "stratum_id"), *columns)
    return {row[0]: tuple(row[1:]) for row in connection.execute(query)}


def _column(table: Any, name: str) -> Any:
    return table.metadata.tables[str(table.__tablename__)].c[name]


def _is_stratum_of(row: Any) -> Any:
    return and_(
        col(StratumRow.facility) == row.facility, col(StratumRow.stratum_id) == row.stratum_id
    )


def _parts(connection: Connection, query: AnySelect) -> Iterator[Any]:
    """The rows in parts, so that memory stays flat while they are read."""
    streamed = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    yield from streamed.execute(query).partitions(ROWS_AT_ONCE)
