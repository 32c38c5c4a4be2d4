"""The mean number of infections of a recipient, group by group, beside the rate of the same days.

In:     a `RateDefinition` of all episodes over follow-up, a horizon, an estimator.
Out:    `MeanTable`: a function and a rate for each group, and over all.
Source: docs/methods.md 5; docs/api-rates.md, mean cumulative function.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from service.domain.competing_risks import CourseHistory
from service.domain.contributions import DIED
from service.domain.days import Days
from service.domain.figures import NUMERATOR, RateDefinition
from service.pipeline.incidence_cohorts import (
    groups_of,
    is_of,
    require_followed,
    require_recipients,
    within,
)
from service.pipeline.tally import store_filters
from service.stats.mean_cumulative import (
    Estimator,
    MeanCumulative,
    MeanCumulativeFunction,
    RecurrentRows,
    mean_cumulative_function,
)
from service.stats.rates import RateEstimate, rate_estimate
from service.store.cohorts import CourseCase, all_cases, course_histories
from service.store.engine import Connection


@dataclass(frozen=True, slots=True)
class MeanChoice:
    """How the function is estimated, and up to which day."""

    horizon_days: int = 365
    estimator: Estimator = "ghosh_lin"
    interval: str = "log"


@dataclass(frozen=True, slots=True)
class MeanFigure:
    """One group: the function, its value at the horizon, the rate of the same days and cases."""

    stratum: dict[str, str]
    recipients: int
    deaths: int
    function: MeanCumulativeFunction
    found: MeanCumulative
    rate: RateEstimate
    followed_days: int


@dataclass(frozen=True, slots=True)
class MeanTable:
    """The groups asked for, and all together."""

    definition: RateDefinition
    rows: tuple[MeanFigure, ...]
    total: MeanFigure


@dataclass(frozen=True, slots=True)
class Recurrent:
    """One course: its days at risk within the window, and its cases on them."""

    history: CourseHistory
    runs: tuple[Days, ...]
    cases: tuple[CourseCase, ...] = field(default=())

    def days_of(self, asked: Mapping[str, str]) -> Iterator[int]:
        """The days, since the index date, of the cases with these terms."""
        for case in self.cases:
            if all(case.terms[name] == value for name, value in asked.items()):
                yield case.onset_day - self.history.index_day


def mean_table(
    connection: Connection,
    definition: RateDefinition,
    choice: MeanChoice,
    *,
    position: int | None = None,
) -> MeanTable:
    """The functions of a definition, as known at a position (None: now).

    Raises `BadQuery` where nobody was followed up to the horizon.
    """
    require_recipients(definition)
    courses = list(_courses(connection, definition, position))
    total = _figure(definition, choice, {}, courses, {})
    require_followed(
        choice.horizon_days, total.recipients, total.found.estimate, total.followed_days
    )
    return MeanTable(definition, tuple(_figures(definition, choice, courses)), total)


def _courses(
    connection: Connection, definition: RateDefinition, position: int | None
) -> Iterator[Recurrent]:
    filters = store_filters(definition, definition.groups)
    cases = all_cases(connection, filters, position=position)
    window = Days(definition.start_day or 0, definition.end_day)
    for history in course_histories(connection, definition.filters, position=position):
        runs = tuple(within(window, history.at_risk))
        if runs and is_of(definition.filters, history):
            own = cases.get((history.facility, history.patient, history.index_day), ())
            seen = tuple(case for case in own if any(case.onset_day in run for run in runs))
            yield Recurrent(history, runs, seen)


def _figures(
    definition: RateDefinition, choice: MeanChoice, courses: Sequence[Recurrent]
) -> Iterator[MeanFigure]:
    by_case = [name for name in definition.by if name in NUMERATOR]
    by_course = [name for name in definition.by if name not in NUMERATOR]
    members: dict[tuple[str, ...], list[Recurrent]] = defaultdict(list)
    for one in courses:
        for values in groups_of(by_course, one.history):
            members[values].append(one)
    kinds = {tuple(c.terms[name] for name in by_case) for one in courses for c in one.cases}
    for values, kind in product(sorted(members), sorted(kinds) if by_case else [()]):
        asked = dict(zip(by_case, kind, strict=True))
        named = {**dict(zip(by_course, values, strict=True)), **asked}
        stratum = {name: named[name] for name in definition.by}
        yield _figure(definition, choice, stratum, members[values], asked)


def _figure(
    definition: RateDefinition,
    choice: MeanChoice,
    stratum: dict[str, str],
    courses: Sequence[Recurrent],
    asked: Mapping[str, str],
) -> MeanFigure:
    horizon = choice.horizon_days
    rows = [
        (run.start_day - 1 - index_day, run.end_day - index_day, number, run.end_day == death_day)
        for number, one in enumerate(courses)
        for index_day, death_day in [(one.history.index_day, one.history.marks.get(DIED))]
        for run in one.runs
    ]
    events = [(day, number) for number, one in enumerate(courses) for day in one.days_of(asked)]
    entry, exit_, subject, died = zip(*rows, strict=True) if rows else ((), (), (), ())
    days, whose = zip(*events, strict=True) if events else ((), ())
    function = mean_cumulative_function(
        RecurrentRows(entry, exit_, subject, died, days, whose),
        estimator=choice.estimator,
        level=definition.level,
        interval=choice.interval,
    )
    found = function.at(horizon)
    return MeanFigure(
        stratum=stratum,
        recipients=len({number for start, _, number, _ in rows if start < horizon}),
        deaths=sum(dead and day <= horizon for _, day, _, dead in rows),
        function=function,
        found=found,
        rate=rate_estimate(
            found.events,
            sum(max(0, min(day, horizon) - start) for start, day, _, _ in rows),
            per=definition.per,
            unit=definition.unit,
            method=definition.ci,
            level=definition.level,
        ),
        followed_days=max(exit_, default=0),
    )
