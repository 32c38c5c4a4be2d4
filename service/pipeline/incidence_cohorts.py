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
from service.pipeline.rates import agents_of
from service.store.cohorts import FirstCase, course_histories, first_cases
from service.store.engine import Connection

OTHER_CASE = "other_case"


@dataclass(frozen=True, slots=True)
class Followed:
    """One course with its rows for one idea of a case."""

    history: CourseHistory
    first: FirstCase | None
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
        if not _is_of(definition.filters, history):
            continue
        first = firsts.get((history.facility, history.patient, history.index_day))
        case = (first.onset_day, _name(definition, first)) if first else None
        clipped = replace(history, at_risk=list(_within(window, history.at_risk)))
        rows = tuple(incidence_rows(clipped, case, markers, definition.end_day))
        if rows:
            found.append(Followed(history, first, rows))
    return found


def _within(window: Days, runs: Iterable[Days]) -> Iterator[Days]:
    for run in runs:
        yield from overlap(run, [window])


def _is_of(filters: Mapping[str, Sequence[str]], history: CourseHistory) -> bool:
    """Was the course on one of the regimens asked for, on the day of entry?"""
    regimen = history.at_entry["regimen"]
    regimens, agents = filters.get("regimen"), filters.get("agent")
    return (regimens is None or regimen in regimens) and (
        agents is None or not set(agents).isdisjoint(agents_of(regimen))
    )


def _name(definition: RateDefinition, first: FirstCase) -> str:
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
