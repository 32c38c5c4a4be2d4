"""Visits: when a patient should be seen, and who has not been.

In:     a patient's standing events, a schedule, and the day on which one asks.
Out:    `Visit`s that are due, each seen in time, made up for later, missed or overdue; the days
        of a course that were observed and that could have been.
Source: docs/methods.md 9; the default schedule and its tolerance are ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from service.domain.courses import Course, courses
from service.domain.days import Days, apart
from service.domain.events import AnyEvent
from service.domain.follow_up import SILENCE, Contacts, contacts, spells
from service.domain.rules import FollowUpRules

SEEN, LATE, OVERDUE, NOT_SEEN = "seen", "late", "overdue", "not_seen"


@dataclass(frozen=True, slots=True)
class VisitSchedule:
    """Days since the index date on which a patient should be seen, then at equal steps.

    `then_every` 0 means that nothing follows the named days; ValueError for days that do not rise
    from above 0, or a negative number.
    """

    days: tuple[int, ...] = (100, 183, 365)
    then_every: int = 365
    tolerance_days: int = 45

    def __post_init__(self) -> None:
        """Refuse what is no schedule."""
        rising = all(one < other for one, other in zip((0, *self.days), self.days, strict=False))
        if not self.days or not rising or self.then_every < 0 or self.tolerance_days < 0:
            raise ValueError("visit days rise from above 0; steps and tolerance are 0 or more")

    def due(self, until: int) -> Iterator[int]:
        """The visits due up to a day since index, both included.

        >>> list(VisitSchedule().due(1100))
        [100, 183, 365, 730, 1095]
        """
        yield from (day for day in self.days if day <= until)
        if self.then_every:
            for day in count(self.days[-1] + self.then_every, self.then_every):
                if day > until:
                    return
                yield day


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit whose tolerance has passed, by days since index, and what became of it.

    `seen`: a contact in its window; `late`: the first contact only after it; `overdue`: none since
    the window opened although the patient is under observation; `not_seen`: none, of a
    patient lost, withdrawn or transferred.
    """

    due: int
    due_day: int
    state: str


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """One course on a day: what was observed of what could have been, and its visits."""

    course: Course
    observed_person_days: int
    potential_person_days: int
    last_contact_day: int
    under_observation: bool
    visits: tuple[Visit, ...]

    @property
    def overdue(self) -> tuple[Visit, ...]:
        """The visits that are waited for."""
        return tuple(visit for visit in self.visits if visit.state == OVERDUE)


def followed_up(
    standing: Sequence[AnyEvent], rules: FollowUpRules, schedule: VisitSchedule, end_day: int
) -> list[FollowedUp]:
    """The patient's courses entered by a day, by what happened up to and on that day."""
    happened = [event for event in standing if event.occurred_on.toordinal() <= end_day]
    known = contacts(happened)
    found = (_followed_up(course, known, rules, schedule, end_day) for course in courses(happened))
    return [one for one in found if one is not None]


def _followed_up(
    course: Course, known: Contacts, rules: FollowUpRules, schedule: VisitSchedule, end_day: int
) -> FollowedUp | None:
    death_day = end_day if known.death_day is None else known.death_day
    potential_end = min(end_day, course.last_possible_day, death_day)
    entry = course.entry_day
    if potential_end < entry:
        return None
    at_risk = spells(course, known, rules.followup_grace_days)
    last_contact = min(max(entry, known.days[-1]), potential_end)
    here = list(apart(Days(entry, potential_end), known.elsewhere))
    if not here:
        return None
    observed = sum(max(0, min(s.end_day, last_contact) - s.start_day + 1) for s in at_risk)
    open_course = course.last_possible_day > end_day and known.death_day is None
    under_observation = open_course and bool(at_risk) and at_risk[-1].ended_by == SILENCE
    days = [day for day in known.days if entry <= day <= potential_end]
    return FollowedUp(
        course=course,
        observed_person_days=observed,
        potential_person_days=sum(days.end_day - days.start_day + 1 for days in here),
        last_contact_day=last_contact,
        under_observation=under_observation,
        visits=tuple(
            _visit(due, course.index_day + due, days, schedule, under_observation)
            for due in schedule.due(potential_end - course.index_day)
            if any(course.index_day + due in days for days in here)
            and course.index_day + due + schedule.tolerance_days <= min(potential_end, end_day - 1)
        ),
    )


def _visit(
    due: int, due_day: int, days: Sequence[int], schedule: VisitSchedule, under_observation: bool
) -> Visit:
    opens, closes = due_day - schedule.tolerance_days, due_day + schedule.tolerance_days
    first = next((day for day in days if day >= opens), None)
    if first is not None:
        return Visit(due, due_day, SEEN if first <= closes else LATE)
    return Visit(due, due_day, OVERDUE if under_observation else NOT_SEEN)
