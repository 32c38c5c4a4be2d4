"""What the ledger holds, and what came or went since a position, without naming patients.

In:     a position, or nothing.
Out:    steps in the number at risk and counted episodes, each with +1 (holds) or -1 (no longer).
Source: docs/methods.md 6; docs/decisions/0010-sums-in-memory.md.

A segment or an episode holds from `posted_at` until before `withdrawn_at`, so what changed after a
position is found by either of the two; what came and went after it changed nothing.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, and_, case, literal, or_, select
from sqlmodel import col

from service.domain.contributions import MARKERS
from service.domain.figures import DENOMINATOR, NUMERATOR
from service.store.tables import EpisodeRow, RiskStepRow, SegmentRow, StratumRow

Whole: TypeAlias = NDArray[np.int64]
Term = TypeVar("Term", bound=Hashable)
AnySelect: TypeAlias = Select[*tuple[Any, ...]]
ROWS_AT_ONCE = 200_000

STRATUM = DENOMINATOR
"""What describes a stratum, the facility first."""
CASE = (*STRATUM, *NUMERATOR, "onset_day", "first_of_type", "first_of_any")
"""What is known of a counted episode."""


class Steps(NamedTuple):
    """Changes in the numbers at risk, as columns of one length.

    `stratum` and `risk_set` are places in the lists of those that occur; a stratum's values are in
    the order of `STRATUM`.
    """

    strata: list[tuple[str, ...]]
    risk_sets: list[str]
    stratum: Whole
    risk_set: Whole
    day: Whole
    change: Whole


class CaseChange(NamedTuple):
    """A counted episode that holds (+1) or no longer does (-1); `values` in the order of `CASE`."""

    values: tuple[Any, ...]
    change: int


def all_steps(connection: Connection) -> Iterator[Steps]:
    """The running sums as they stand."""
    columns = (RiskStepRow.stratum_id, RiskStepRow.risk_set, RiskStepRow.day, RiskStepRow.change)
    strata = _strata(connection)
    for part in _parts(connection, select(*(col(column) for column in columns))):
        stratum_ids, risk_sets, days, changes = zip(*part, strict=True)
        found, places = np.unique(np.array(stratum_ids, dtype=np.int64), return_inverse=True)
        named = [strata[stratum_id] for stratum_id in found.tolist()]
        yield _steps(named, places, risk_sets, days, changes)


def steps_since(connection: Connection, position: int) -> Iterator[Steps]:
    """The steps of segments that came or went after a position."""
    columns = (SegmentRow.risk_set, SegmentRow.start_day, SegmentRow.end_day)
    query: AnySelect = select(
        *(_column(StratumRow, name) for name in STRATUM),
        *(col(column) for column in columns),
        _sign(SegmentRow),
    )
    query = query.join(StratumRow, _is_stratum_of(SegmentRow))
    for part in _parts(connection, query.where(_changed(SegmentRow, position))):
        steps = [
            (tuple(stratum), risk_set, day, change)
            for *stratum, risk_set, start_day, end_day, sign in part
            for day, change in ((start_day, sign), (end_day + 1, -sign))
            if day == start_day or risk_set not in MARKERS
        ]
        strata, risk_sets, days, changes = zip(*steps, strict=True)
        named, places = _numbered(strata)
        yield _steps(named, places, risk_sets, days, changes)


def all_cases(connection: Connection) -> Iterator[CaseChange]:
    """The counted episodes that hold now."""
    query = _cases(literal(1)).where(col(EpisodeRow.withdrawn_at).is_(None))
    yield from _case_changes(connection, query)


def cases_since(connection: Connection, position: int) -> Iterator[CaseChange]:
    """The counted episodes that came or went after a position."""
    query = _cases(_sign(EpisodeRow)).where(_changed(EpisodeRow, position))
    yield from _case_changes(connection, query)


def _steps(
    strata: list[tuple[str, ...]],
    stratum: Whole,
    risk_sets: Iterable[str],
    days: Sequence[int],
    changes: Sequence[int],
) -> Steps:
    named, places = _numbered(risk_sets)
    columns = (np.array(values, dtype=np.int64) for values in (days, changes))
    return Steps(strata, named, stratum, places, *columns)


def _numbered(values: Iterable[Term]) -> tuple[list[Term], Whole]:
    """The values that occur, and the place of each among them."""
    numbers: dict[Term, int] = {}
    places = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), np.array(places, dtype=np.int64)


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
