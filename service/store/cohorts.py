"""Courses one by one, for the figures that need to know whose time is whose.

In:     filters on the population and on the cases, and the position to speak for (None: now).
Out:    `CourseHistory` values, and the first case, or all cases, of each course.
Source: docs/methods.md 7: cumulative incidence and proportions are of recipients, not of
        person-time.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, select
from sqlmodel import col

from service.domain.competing_risks import CourseHistory, course_history
from service.domain.contributions import ENTERED, FOLLOW_UP, MARKERS
from service.domain.days import Days
from service.domain.episodes import COLONISATION
from service.domain.figures import DENOMINATOR, NUMERATOR, Group
from service.store import sums
from service.store.tables import SegmentRow, StratumRow

CourseKey = tuple[str, str, int]
"""Facility, patient and index day."""
AT_INDEX = ("facility", "transplant_type", "indication", "age_group", "sex")
"""What a course has for good: filters on these choose whole courses."""


class CourseCase(NamedTuple):
    """A counted episode of a course; `terms` by `NUMERATOR`."""

    onset_day: int
    terms: dict[str, str]


def course_histories(
    connection: Connection,
    population: sums.Filters,
    *,
    taken_out: str | None = None,
    position: int | None = None,
) -> Iterator[CourseHistory]:
    """Every course of the population with at least one day of follow-up.

    The days of the risk set `taken_out` are not at risk. Filters other than `AT_INDEX` are not
    looked at.
    """
    runs: dict[CourseKey, dict[str, list[Days]]] = defaultdict(lambda: defaultdict(list))
    entered: dict[CourseKey, dict[str, str]] = {}
    for row in connection.execute(_segments(population, taken_out, position)):
        facility, patient, index_day, risk_set, start_day, end_day, *stratum = row
        key = (facility, patient, index_day)
        runs[key][risk_set].append(Days(start_day, end_day))
        if risk_set == ENTERED:
            entered[key] = dict(zip(DENOMINATOR, stratum, strict=True))
    for key, of_course in runs.items():
        yield course_history(*key, entered[key], of_course, taken_out)


def all_cases(
    connection: Connection, filters: sums.Filters, *, position: int | None = None
) -> dict[CourseKey, list[CourseCase]]:
    """The counted episodes of each course that pass the filters, those on cases included."""
    asked = {name: filters[name] for name in (*AT_INDEX, *NUMERATOR) if name in filters}
    found: dict[CourseKey, list[CourseCase]] = defaultdict(list)
    for key, case in _cases(connection, asked, (), position):
        found[key].append(case)
    return found


def first_cases(
    connection: Connection,
    population: sums.Filters,
    group: Group,
    *,
    of_colonisation: bool,
    position: int | None = None,
) -> dict[CourseKey, CourseCase]:
    """The first case of each course by the group's own idea of a first one."""
    flag = sums.case_column("first_of_any" if group.first_of == "any" else "first_of_type")
    status = sums.case_column("status")
    asked = {
        **{name: population[name] for name in AT_INDEX if name in population},
        "infection_type": group.infection_types or (),
    }
    conditions = (flag, status == COLONISATION if of_colonisation else status != COLONISATION)
    return dict(_cases(connection, asked, conditions, position))


def _cases(
    connection: Connection,
    filters: sums.Filters,
    conditions: Sequence[ColumnElement[bool]],
    position: int | None,
) -> Iterator[tuple[CourseKey, CourseCase]]:
    names = ("facility", "patient", "course_index_day", "onset_day", *NUMERATOR)
    query = sums.counted_episodes([sums.case_column(name) for name in names], filters, position)
    for facility, patient, index_day, onset_day, *terms in connection.execute(
        query.where(*conditions)
    ):
        case = CourseCase(onset_day, dict(zip(NUMERATOR, terms, strict=True)))
        yield (facility, patient, index_day), case


def _segments(
    population: sums.Filters, taken_out: str | None, position: int | None
) -> Select[*tuple[Any, ...]]:
    wanted = [FOLLOW_UP, *sorted(MARKERS), *([taken_out] if taken_out else [])]
    names: Sequence[str] = ("facility", "patient", "index_day", "risk_set", "start_day", "end_day")
    table = SegmentRow.metadata.tables["segments"].c
    strata = StratumRow.metadata.tables["strata"].c
    query: Select[*tuple[Any, ...]] = select(
        *(table[name] for name in names), *(strata[name] for name in DENOMINATOR)
    )
    chosen = {name: population[name] for name in AT_INDEX if name in population}
    return query.join(
        StratumRow,
        and_(
            col(StratumRow.facility) == col(SegmentRow.facility),
            col(StratumRow.stratum_id) == col(SegmentRow.stratum_id),
        ),
    ).where(
        table.risk_set.in_(wanted), sums.held(SegmentRow, position), *sums.stratum_filters(chosen)
    )
