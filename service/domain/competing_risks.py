"""A course as cumulative incidence sees it: at risk in runs of days, until something comes first.

In:     a course's segments, its first case, and the moments of what competes.
Out:    `CourseHistory`, and `IncidenceRow`s: days at risk in (entry, exit], counted from the index
        date.
Source: docs/methods.md 5; `service.stats.cumulative_incidence`, whose rows these are.

What competes ends the course's time at risk wherever it falls, also in a gap of observation: who
has died or relapsed cannot come back as somebody to whom neither has happened.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain.contributions import ENTERED, FOLLOW_UP, MARKERS, Segment
from service.domain.days import Days, merge

CENSORED = "censored"
CASE = "case"


@dataclass(slots=True)
class CourseHistory:
    """One course: its stratum on the day of entry, its days at risk, and what befell it when.

    `marks` holds the day of each marker of `service.domain.contributions`.
    """

    facility: str
    patient: str
    index_day: int
    at_entry: Mapping[str, str] = field(default_factory=dict)
    at_risk: Sequence[Days] = ()
    marks: Mapping[str, int] = field(default_factory=dict)


def course_history(
    facility: str,
    patient: str,
    index_day: int,
    at_entry: Mapping[str, str],
    runs: Mapping[str, Sequence[Days]],
    taken_out: str | None = None,
) -> CourseHistory:
    """The course with these runs of days by risk set; those of `taken_out` are not at risk."""
    at_risk = merge(runs.get(FOLLOW_UP, ()))
    if taken_out:
        at_risk = without(at_risk, merge(runs.get(taken_out, ())))
    marks = {name: days[0].end_day for name, days in runs.items() if name in MARKERS}
    return CourseHistory(facility, patient, index_day, at_entry, at_risk, marks)


def course_histories(
    facility: str, patient: str, segments: Iterable[Segment]
) -> list[CourseHistory]:
    """The courses of one patient, from all segments of theirs."""
    runs: dict[int, dict[str, list[Days]]] = defaultdict(lambda: defaultdict(list))
    entered: dict[int, Mapping[str, str]] = {}
    for index_day, stratum, risk_set, start_day, end_day in segments:
        runs[index_day][risk_set].append(Days(start_day, end_day))
        if risk_set == ENTERED:
            entered[index_day] = stratum._asdict()
    return [
        course_history(facility, patient, day, at_entry, runs[day])
        for day, at_entry in entered.items()
    ]


class IncidenceRow(NamedTuple):
    """Days at risk of one course in (entry, exit], and what ended them: `CENSORED`, `CASE`, else
    the name of the case that is not asked about, or of the marker, that came first."""

    entry: int
    exit: int
    cause: str


def incidence_rows(
    history: CourseHistory,
    first_case: tuple[int, str] | None,
    competing: Sequence[str],
    end_day: int,
) -> Iterator[IncidenceRow]:
    """The course's runs of days at risk up to a day.

    `first_case` is the day of the first case with `CASE`, or with the name under which it competes;
    of two things on one day the case comes first, then `competing` in its order.

    Seen first on day 45, lost on day 60, back on day 80 and infected on day 90:

    >>> runs = [Days(1045, 1060), Days(1080, 1200)]
    >>> history = CourseHistory("ucd-01", "p1", 1000, at_risk=runs, marks={"died": 1195})
    >>> for row in incidence_rows(history, (1090, CASE), ["died"], end_day=1300):
    ...     print(*row)
    44 60 censored
    79 90 case
    """
    marked = [(history.marks[name], name) for name in competing if name in history.marks]
    ends = [*([first_case] if first_case else []), *marked]
    last_day, cause = min(ends, key=lambda end: end[0], default=(end_day + 1, CENSORED))
    for run in history.at_risk:
        last = min(run.end_day, last_day, end_day)
        if last < run.start_day:
            return
        yield IncidenceRow(
            run.start_day - 1 - history.index_day,
            last - history.index_day,
            cause if last == last_day else CENSORED,
        )


def without(runs: Sequence[Days], taken_out: Sequence[Days]) -> list[Days]:
    """The days of the runs that lie in none of those taken out; both in order, none overlapping.

    >>> without([Days(1, 10), Days(20, 30)], [Days(4, 5), Days(28, 40)])
    [Days(start_day=1, end_day=3), Days(start_day=6, end_day=10), Days(start_day=20, end_day=27)]
    """
    left = []
    for run in runs:
        start_day = run.start_day
        for out in taken_out:
            if out.start_day <= run.end_day and out.end_day >= start_day:
                if out.start_day > start_day:
                    left.append(Days(start_day, out.start_day - 1))
                start_day = out.end_day + 1
        if start_day <= run.end_day:
            left.append(Days(start_day, run.end_day))
    return left
