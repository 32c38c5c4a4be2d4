"""Who was at risk of a first infection, and what came first: the courses behind a curve.

In:     a `RateDefinition`, one group of its rows, and the markers of what competes.
Out:    `Followed` courses, each with its days at risk and what ended them.
Source: docs/methods.md 5; docs/api-rates.md, cumulative incidence.

A first episode that the filters leave out, or that belongs to another row, ends the time at risk
as it does in a rate; it therefore competes, as `other_case`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain.competing_risks import CASE, CourseHistory, IncidenceRow, incidence_rows
from service.domain.days import Days, overlap
from service.domain.figures import NUMERATOR, Group, RateDefinition
from service.errors import BadQuery, Detail
from service.pipeline.rates import agents_of
from service.store.cohorts import AT_INDEX, CourseCase, course_histories, first_cases
from service.store.engine import Connection

OTHER_CASE = "other_case"
BY_COURSE = (*AT_INDEX, "regimen", "agent")
"""By what courses can be grouped; regimen and agent, which change, are those of the entry day."""
SPLITS = (*BY_COURSE, *NUMERATOR)


def require_recipients(definition: RateDefinition) -> None:
    """Raise `BadQuery` where the question is not one of recipients."""
    in_by = [name for name in definition.by if name not in SPLITS]
    if in_by or "phase" in definition.filters:
        message = (
            "Phases are stretches of the time axis itself: ask for a `horizon`, or for "
            "`GET /v1/rates?by=phase`."
        )
        detail = Detail("?by" if in_by else "?phase", "bad_query", message)
        raise BadQuery("Recipients cannot be grouped by phase.", details=(detail,))


def require_followed(
    horizon_days: int, recipients: int, estimate: float | None, followed_days: int
) -> None:
    """Raise `BadQuery` where there are recipients and none was followed up to the horizon."""
    if recipients and estimate is None:
        message = (
            f"Nobody was followed for {horizon_days} days: the longest follow-up here is "
            f"{followed_days} days. Ask for a `horizon` up to that."
        )
        raise BadQuery(message, details=(Detail("?horizon", "beyond_follow_up", message),))


@dataclass(frozen=True, slots=True)
class Followed:
    """One course with its rows for one idea of a case."""

    history: CourseHistory
    first: CourseCase | None
    rows: tuple[IncidenceRow, ...]

    def under(self, values: Mapping[str, str]) -> tuple[IncidenceRow, ...]:
        """The rows where only a first case with these terms is asked about."""
        if self.first is None or all(self.first.terms[name] == values[name] for name in values):
            return self.rows
        return tuple(
            row._replace(cause=OTHER_CASE) if row.cause == CASE else row for row in self.rows
        )


def followed_courses(
    connection: Connection,
    definition: RateDefinition,
    markers: Sequence[str],
    group: Group,
    position: int | None,
) -> list[Followed]:
    """Every course at risk in the window, and what came first in it."""
    of_colonisation = definition.of_colonisation
    firsts = first_cases(
        connection, definition.filters, group, of_colonisation=of_colonisation, position=position
    )
    histories = course_histories(
        connection, definition.filters, taken_out=group.taken_out, position=position
    )
    window = Days(definition.start_day or 0, definition.end_day)
    found = []
    for history in histories:
        if not is_of(definition.filters, history):
            continue
        first = firsts.get((history.facility, history.patient, history.index_day))
        case = (first.onset_day, _name(definition, first)) if first else None
        clipped = replace(history, at_risk=list(within(window, history.at_risk)))
        rows = tuple(incidence_rows(clipped, case, markers, definition.end_day))
        if rows:
            found.append(Followed(history, first, rows))
    return found


def within(window: Days, runs: Iterable[Days]) -> Iterator[Days]:
    """The parts of the runs that lie in the window."""
    for run in runs:
        yield from overlap(run, [window])


def is_of(filters: Mapping[str, Sequence[str]], history: CourseHistory) -> bool:
    """Was the course on one of the regimens asked for, on the day of entry?"""
    regimen = history.at_entry["regimen"]
    regimens, agents = filters.get("regimen"), filters.get("agent")
    return (regimens is None or regimen in regimens) and (
        agents is None or not set(agents).isdisjoint(agents_of(regimen))
    )


def _name(definition: RateDefinition, first: CourseCase) -> str:
    wanted = {**definition.filters, "status": definition.statuses}
    matches = all(
        first.terms[name] in wanted[name]
        for name in NUMERATOR
        if wanted.get(name) and name != "infection_type"
    )
    return CASE if matches else OTHER_CASE


def groups_of(names: Sequence[str], history: CourseHistory) -> list[tuple[str, ...]]:
    """The groups a course belongs to: one, or one for each agent of its first regimen."""
    at_entry = history.at_entry
    agents = agents_of(at_entry["regimen"]) if "agent" in names else [""]
    return [
        tuple(agent if name == "agent" else at_entry[name] for name in names) for agent in agents
    ]
