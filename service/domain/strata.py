"""Strata: every day at risk has exactly one value of each dimension.

In:     a course, its spells and the patient's recorded regimens.
Out:    `Stretch` values, runs of days at risk within one `Stratum`.
Source: docs/methods.md 3; docs/decisions/0015-medications-become-regimens.md. Missing is the
        value `unknown` (regimen: `unrecorded`), never dropped, so that strata always add up to the
        whole.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from service.domain.courses import Course
from service.domain.days import FAR_FUTURE_DAY
from service.domain.events import AnyEvent, FollowUpVisit, Medication, Regimen
from service.domain.follow_up import Spell
from service.reference import PHASE_STARTS, PHASES


class Stratum(NamedTuple):
    """One cell of the denominator: the seven dimensions a day at risk is counted under."""

    facility: str
    transplant_type: str
    indication: str
    age_group: str
    sex: str
    phase: str
    regimen: str


class Stretch(NamedTuple):
    """Days at risk of one course within one stratum, both ends included."""

    start_day: int
    end_day: int
    stratum: Stratum


class RegimenRecord(NamedTuple):
    """A regimen as recorded on a day; ordered so that the later event_id of one day comes last."""

    day: int
    event_id: str
    regimen: str


class RegimenInForce(NamedTuple):
    """The regimen that holds from `from_day` until the next one."""

    from_day: int
    regimen: str


class DrugCourse(NamedTuple):
    """One agent from a day on, to its last day."""

    agent: str
    start_day: int
    end_day: int

    @classmethod
    def of(cls, event: Medication) -> "DrugCourse":
        """What a report of one agent says."""
        end = event.ended_on.toordinal() if event.ended_on else FAR_FUTURE_DAY
        return cls(event.agent, event.occurred_on.toordinal(), end)


def regimen_records(standing: Sequence[AnyEvent]) -> list[RegimenRecord]:
    """All recorded regimens in order: agents joined by `+`, `none` where none is given.

    Where agents are reported one by one, there is a record on each day on which one comes or goes.
    """
    stated = sorted(
        (event.occurred_on.toordinal(), event.event_id, frozenset(event.agents))
        for event in standing
        if isinstance(event, Regimen | FollowUpVisit) and event.agents is not None
    )
    courses = [DrugCourse.of(event) for event in standing if isinstance(event, Medication)]
    records = [RegimenRecord(day, name, _named(agents)) for day, name, agents in stated]
    if courses:
        turns = {day for course in courses for day in (course.start_day, course.end_day)}
        days = sorted((turns | {day for day, _, _ in stated}) - {FAR_FUTURE_DAY})
        records = [RegimenRecord(day, "", _named(_held(day, stated, courses))) for day in days]
    return sorted(records)


def _held(
    day: int, stated: Sequence[tuple[int, str, frozenset[str]]], courses: Sequence[DrugCourse]
) -> frozenset[str]:
    """The agents after a day: the last whole regimen, and what came or went since it was stated."""
    known = [(stated_day, agents) for stated_day, _, agents in stated if stated_day <= day]
    since, whole = known[-1] if known else (0, frozenset[str]())
    going_on = {one.agent for one in courses if one.start_day <= day < one.end_day}
    begun = {one.agent for one in courses if since < one.start_day <= day < one.end_day}
    ended = {one.agent for one in courses if since < one.end_day <= day}
    return whole - (ended - going_on) | begun


def _named(agents: Iterable[str]) -> str:
    return "+".join(sorted(agents)) or "none"


def regimens_in_force(course: Course, recorded: Sequence[RegimenRecord]) -> list[RegimenInForce]:
    """The regimens of a course, the first from its entry.

    A regimen recorded on day d holds from d + 1, because immunosuppression is often cut on the
    very day an infection is found, and counting that infection against the new regimen would
    reverse cause and effect. What was recorded on or before entry holds from entry.
    """
    known_at_entry = [record.regimen for record in recorded if record.day <= course.entry_day]
    in_force = {course.entry_day: known_at_entry[-1] if known_at_entry else "unrecorded"}
    for record in recorded:
        if record.day > course.entry_day:
            in_force[record.day + 1] = record.regimen
    return [RegimenInForce(day, regimen) for day, regimen in in_force.items()]


def phase(day: int, index_day: int) -> str:
    """The phase of a day, by days since the index date.

    >>> [phase(day, 0) for day in (0, 30, 31, 100, 365, 366)]
    ['0-30', '0-30', '31-100', '31-100', '181-365', '366+']
    """
    return PHASES[bisect_right(PHASE_STARTS, day - index_day) - 1]


def stretches(
    course: Course, spells: Iterable[Spell], in_force: Sequence[RegimenInForce]
) -> list[Stretch]:
    """The spells of a course, cut wherever the stratum changes and nowhere else."""
    phase_days = [course.index_day + start for start in PHASE_STARTS]
    regimen_days = [entry.from_day for entry in in_force]
    cuts = sorted({*phase_days, *regimen_days, FAR_FUTURE_DAY + 1})
    found: list[Stretch] = []
    for spell in spells:
        for cut, following in pairwise(cuts):
            start, end = max(cut, spell.start_day), min(following - 1, spell.end_day)
            if start > end:
                continue
            stratum = Stratum(
                facility=course.transplant.facility,
                transplant_type=course.transplant_type,
                indication=course.transplant.indication,
                age_group=course.age_group,
                sex=course.transplant.sex,
                phase=phase(start, course.index_day),
                regimen=in_force[bisect_right(regimen_days, start) - 1].regimen,
            )
            if found and found[-1].stratum == stratum and found[-1].end_day + 1 == start:
                found[-1] = found[-1]._replace(end_day=end)
            else:
                found.append(Stretch(start, end, stratum))
    return found
