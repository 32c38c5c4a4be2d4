"""The patient's timeline: what was at risk when, and how each record counted.

In:     all of a patient's events in order of receipt, and the rules.
Out:    `PatientTimeline`, from which the ledger's contributions and every explanation are read.
Source: docs/methods.md 2 to 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from service.domain.courses import Course, courses
from service.domain.days import Days, overlap
from service.domain.episodes import Episode, InfectionRecord, episodes, infection_records
from service.domain.events import AnyEvent
from service.domain.follow_up import (
    MOVED,
    NEXT_TRANSPLANT,
    SILENCE,
    Contacts,
    Spell,
    contacts,
    spells,
    spells_anywhere,
)
from service.domain.history import standing_events
from service.domain.rules import FollowUpRules
from service.domain.strata import (
    RegimenInForce,
    Stratum,
    Stretch,
    regimen_records,
    regimens_in_force,
    stretches,
)
from service.reference.case_definitions import CaseDefinitions

ELSEWHERE = "elsewhere"
"""Why an episode of a day at another facility does not count at this one."""
UNTOLD = frozenset({SILENCE, NEXT_TRANSPLANT, MOVED})
"""What ended a spell without anybody saying that observation had ended."""


@dataclass(frozen=True, slots=True)
class FollowedCourse:
    """A course with its time at risk, cut into stretches of one stratum each.

    `elsewhere` are the days at risk that belong to other facilities.
    """

    course: Course
    spells: tuple[Spell, ...]
    elsewhere: tuple[Days, ...]
    regimens: tuple[RegimenInForce, ...]
    stretches: tuple[Stretch, ...]

    def stratum_on(self, day: int) -> Stratum | None:
        """The stratum of a day at risk; None where the day is not at risk."""
        return next((s.stratum for s in self.stretches if s.start_day <= day <= s.end_day), None)


@dataclass(frozen=True, slots=True)
class PlacedEpisode:
    """An episode, the course it falls into, and whether it counts.

    `stratum` is the stratum of the onset day where the episode counts, else None, and then
    `reason` says why it does not. `first_of_type` and `first_of_any` mark the first counted
    episode of the course, of its type and of any.
    """

    episode: Episode
    followed: FollowedCourse | None
    stratum: Stratum | None
    reason: str | None
    first_of_type: bool = False
    first_of_any: bool = False

    @property
    def counts(self) -> bool:
        """Does the onset lie on a day of follow-up?"""
        return self.stratum is not None

    @property
    def counts_elsewhere(self) -> bool:
        """Does the onset lie on a day of follow-up at another facility?"""
        return self.reason == ELSEWHERE


@dataclass(frozen=True)
class PatientTimeline:
    """Everything that follows from one patient's events."""

    received: tuple[AnyEvent, ...]
    standing: tuple[AnyEvent, ...]
    courses: tuple[FollowedCourse, ...]
    records: tuple[InfectionRecord, ...]
    episodes: tuple[PlacedEpisode, ...]

    @cached_property
    def contacts(self) -> Contacts:
        """What the standing events say of observation."""
        return contacts(self.standing)

    @property
    def death_day(self) -> int | None:
        """The earliest standing report of death."""
        return self.contacts.death_day


def timeline(received: Sequence[AnyEvent], rules: FollowUpRules) -> PatientTimeline:
    """Work out a patient's timeline from all events, in order of receipt."""
    standing = standing_events(received)
    known = contacts(standing)
    regimens = regimen_records(standing)
    followed = []
    for course in courses(standing):
        at_risk = spells(course, known, rules.followup_grace_days)
        anywhere = spells_anywhere(course, known, rules.followup_grace_days)
        away = [
            days
            for spell in anywhere
            for days in overlap(Days(spell.start_day, spell.end_day), known.elsewhere)
        ]
        in_force = regimens_in_force(course, regimens)
        cut = stretches(course, at_risk, in_force)
        followed.append(
            FollowedCourse(course, tuple(at_risk), tuple(away), tuple(in_force), tuple(cut))
        )
    bare = PatientTimeline(
        received=tuple(received),
        standing=tuple(standing),
        courses=tuple(followed),
        records=tuple(infection_records(standing)),
        episodes=(),
    )
    return under(bare, rules.case_definitions)


def under(patient: PatientTimeline, case_definitions: CaseDefinitions) -> PatientTimeline:
    """The same patient with the records counted by other case definitions."""
    placed = [
        _placed(episode, patient.courses, patient.contacts)
        for episode in episodes(patient.records, case_definitions)
    ]
    return replace(patient, episodes=tuple(_with_firsts(placed)))


def _placed(episode: Episode, followed: Sequence[FollowedCourse], known: Contacts) -> PlacedEpisode:
    day = episode.onset_day
    begun = [f for f in followed if f.course.index_day <= day]
    if not begun:
        reason = "before_transplant" if followed else "no_transplant_known"
        return PlacedEpisode(episode, None, None, reason)
    current = begun[-1]
    stratum = current.stratum_on(day)
    outside = None if stratum else _why_outside_follow_up(day, current, known)
    return PlacedEpisode(episode, current, stratum, outside)


def _why_outside_follow_up(day: int, followed: FollowedCourse, known: Contacts) -> str:
    if any(day in away for away in followed.elsewhere):
        return ELSEWHERE
    if day < followed.course.entry_day:
        return "before_entry"
    if known.death_day is not None and day > known.death_day:
        return "after_death"
    earlier = [spell for spell in followed.spells if spell.end_day < day]
    ended_by = earlier[-1].ended_by if earlier else SILENCE
    return f"after_{ended_by}" if ended_by not in UNTOLD else "no_follow_up"


def _with_firsts(placed: Sequence[PlacedEpisode]) -> list[PlacedEpisode]:
    """Mark the first counted episode of each course: of its type, and of any infection.

    After one that began elsewhere, and counts there, none here is the first.
    """
    seen: set[tuple[int, str, bool]] = set()
    marked = []
    for item in placed:
        if item.followed is None or not (item.counts or item.counts_elsewhere):
            marked.append(item)
            continue
        episode, index_day = item.episode, item.followed.course.index_day
        of_type = (index_day, episode.infection_type, episode.is_colonisation)
        of_any = (index_day, "any", episode.is_colonisation)
        marked.append(
            replace(
                item,
                first_of_type=item.counts and of_type not in seen,
                first_of_any=item.counts and of_any not in seen and not episode.is_colonisation,
            )
        )
        seen |= {of_type, of_any}
    return marked
