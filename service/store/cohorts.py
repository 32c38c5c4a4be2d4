"""Courses one by one, for the figures that need to know whose time is whose.

In:     filters on the population and on the cases.
Out:    `CourseHistory` values: days at risk, the first matching case and the death of a course.
Source: docs/methods.md 7: cumulative incidence and proportions are of recipients, not of
        person-time.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, func, select
from sqlmodel import col

from service.domain.contributions import DIED, FOLLOW_UP
from service.domain.days import Days, merge
from service.store import sums
from service.store.tables import SegmentRow, StratumRow

CourseKey = tuple[str, str, int]
"""Facility, patient and index day."""


@dataclass(slots=True)
class CourseHistory:
    """One course: its days at risk, and the days of its first matching case and its death."""

    facility: str
    patient: str
    index_day: int
    follow_up: list[Days] = field(default_factory=list)
    case_day: int | None = None
    death_day: int | None = None


def course_histories(
    connection: Connection, population: sums.Filters, cases: sums.Filters
) -> Iterator[CourseHistory]:
    """Every course of the population with at least one day at risk."""
    runs: dict[CourseKey, list[Days]] = defaultdict(list)
    deaths: dict[CourseKey, int] = {}
    query = (
        select(
            col(SegmentRow.facility),
            col(SegmentRow.patient),
            col(SegmentRow.index_day),
            col(SegmentRow.risk_set),
            col(SegmentRow.start_day),
            col(SegmentRow.end_day),
        )
        .join(
            StratumRow,
            and_(
                col(StratumRow.facility) == col(SegmentRow.facility),
                col(StratumRow.stratum_id) == col(SegmentRow.stratum_id),
            ),
        )
        .where(
            col(SegmentRow.risk_set).in_([FOLLOW_UP, DIED]),
            col(SegmentRow.withdrawn_at).is_(None),
            *sums.stratum_filters(population),
        )
    )
    for facility, patient, index_day, risk_set, start_day, end_day in connection.execute(query):
        key = (facility, patient, index_day)
        if risk_set == DIED:
            deaths[key] = end_day
        else:
            runs[key].append(Days(start_day, end_day))
    onsets = _first_onsets(connection, {**population, **cases})
    for key, days in runs.items():
        yield CourseHistory(*key, merge(days), onsets.get(key), deaths.get(key))


def _first_onsets(connection: Connection, filters: sums.Filters) -> dict[CourseKey, int]:
    key = [sums.case_column(name) for name in ("facility", "patient", "course_index_day")]
    first_onset = func.min(sums.case_column("onset_day"))
    query = sums.counted_episodes([*key, first_onset], filters, None).group_by(*key)
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}
