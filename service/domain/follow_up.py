"""Follow-up: the days on which an infection would have been seen.

In:     a course and the patient's standing events.
Out:    `Spell` values, the runs of days at risk, each with what ended it.
Source: docs/methods.md 2; docs/decisions/0003-what-reopens-follow-up.md.

Silence must not count as health: without news a patient stops accruing `followup_grace_days`
after the last contact, and accrues again, the gap included, when news arrives.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.domain.courses import Course
from service.domain.days import FAR_FUTURE_DAY, Days, apart, merge
from service.domain.events import AnyEvent, Arrival, Departure, Move, Outcome

DEATH = "death"
END_OF_OBSERVATION = frozenset({"lost_to_follow_up", "withdrawn", "transferred_out"})
SILENCE = "silence"
NEXT_TRANSPLANT = "next_transplant"
MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Spell:
    """A run of days at risk, both ends included.

    `ended_by` is an outcome, `next_transplant`, `moved` to another facility, or `silence`: the
    grace period after the last contact, which may still lie in the future.
    """

    start_day: int
    end_day: int
    ended_by: str


@dataclass(frozen=True, slots=True)
class Contacts:
    """What a patient's standing events say of observation, whatever the course.

    `days` are all days of contact; `reopening_days` those that show the patient back under
    care, which a report of the loss itself does not. `elsewhere` are the days at other facilities.
    """

    days: tuple[int, ...]
    reopening_days: tuple[int, ...]
    ends_of_observation: tuple[tuple[int, str], ...]
    death_day: int | None
    elsewhere: tuple[Days, ...] = ()


def elsewhere(standing: Iterable[AnyEvent]) -> list[Days]:
    """The days that belong to other facilities: from a departure to the next arrival.

    Before an arrival without a departure they are those since the other facility had the patient.
    """
    moves = [event for event in standing if isinstance(event, Move)]
    runs: list[Days] = []
    left: int | None = None
    for move in sorted(moves, key=lambda move: (move.occurred_on, isinstance(move, Departure))):
        day = move.occurred_on.toordinal()
        if isinstance(move, Arrival):
            since = (move.since or move.occurred_on).toordinal()
            runs.append(Days(since if left is None else left, day - 1))
            left = None
        elif left is None:
            left = day + 1
    if left is not None:
        runs.append(Days(left, FAR_FUTURE_DAY))
    return merge(runs)


def contacts(standing: Iterable[AnyEvent]) -> Contacts:
    """The patient's contacts, ends of observation and death, each in order of day.

    Who arrives was seen the day before, elsewhere: follow-up is open on the day itself.
    """
    standing = tuple(standing)
    days: set[int] = set()
    seen_days: set[int] = set()
    ends: set[tuple[int, str]] = set()
    deaths: list[int] = []
    for event in standing:
        if not event.is_contact:
            continue
        day = event.occurred_on.toordinal() - isinstance(event, Arrival)
        days.add(day)
        if isinstance(event, Outcome) and event.outcome in END_OF_OBSERVATION:
            ends.add((day, event.outcome))
        elif isinstance(event, Outcome) and event.outcome == DEATH:
            deaths.append(day)
        else:
            seen_days.add(day)
    end_days = {day for day, _ in ends}
    return Contacts(
        days=tuple(sorted(days)),
        reopening_days=tuple(sorted(seen_days - end_days)),
        ends_of_observation=tuple(sorted(ends)),
        death_day=min(deaths, default=None),
        elsewhere=tuple(elsewhere(standing)),
    )


def spells(course: Course, known: Contacts, followup_grace_days: int) -> list[Spell]:
    """The course's time at risk at this facility, in order."""
    return [
        here
        for spell in spells_anywhere(course, known, followup_grace_days)
        for here in _here(spell, known.elsewhere)
    ]


def spells_anywhere(course: Course, known: Contacts, followup_grace_days: int) -> list[Spell]:
    """The course's time at risk, in order, whichever the facility.

    A loss, withdrawal or transfer closes a spell on its day; the first later contact opens the
    next one on the day after it, because the infection that brought a patient back was not
    under observation. Nothing re-opens after death.
    """
    last_contact_day = max(course.entry_day, known.days[-1])
    found: list[Spell] = []
    start: int | None = course.entry_day
    while start is not None and (known.death_day is None or start <= known.death_day):
        end, ended_by = _end(start, known, last_contact_day + followup_grace_days)
        if course.last_possible_day < end:
            end, ended_by = course.last_possible_day, NEXT_TRANSPLANT
        if end < start:
            break
        found.append(Spell(start, end, ended_by))
        start = _reopened(end, known) if ended_by in END_OF_OBSERVATION else None
    return found


def _here(spell: Spell, others: Iterable[Days]) -> Iterator[Spell]:
    for start, end in apart(Days(spell.start_day, spell.end_day), others):
        yield Spell(start, end, spell.ended_by if end == spell.end_day else MOVED)


def _end(start: int, known: Contacts, silence_day: int) -> tuple[int, str]:
    reported = [(day, outcome) for day, outcome in known.ends_of_observation if day >= start]
    if known.death_day is not None:
        reported.append((known.death_day, DEATH))
    return min(reported, default=(silence_day, SILENCE))


def _reopened(end: int, known: Contacts) -> int | None:
    return next((day + 1 for day in known.reopening_days if day > end), None)
