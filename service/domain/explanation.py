"""Why a rate is what it is: what one patient adds to a cell, and what was left out and why.

In:     the patient's timeline and the definition of the rate.
Out:    `ExplainedPatient`: courses with their days and cases, and the episodes that did not count.
Source: docs/api-rates.md, explain: the sums over all patients equal the cell.

Worked out from the events alone; the ledger's sums are not looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.domain.contributions import FOLLOW_UP, LedgerEpisode, Segment, contributions_of
from service.domain.days import Days, overlap
from service.domain.figures import DENOMINATOR, NUMERATOR, Group, RateDefinition
from service.domain.strata import Stratum, Stretch
from service.domain.timeline import PatientTimeline, PlacedEpisode

NOT_FIRST = "not_first"
OUTSIDE_WINDOW = "outside_window"

REASONS = {
    "no_transplant_known": "No transplant of this patient is known.",
    "before_transplant": "The infection began before the first transplant.",
    "before_entry": "The infection began before follow-up of this course began.",
    "after_death": "The infection is dated after the patient's death.",
    "after_lost_to_follow_up": "The patient was lost to follow-up at the time.",
    "after_withdrawn": "The patient had withdrawn at the time.",
    "after_transferred_out": "The patient was in another's care at the time.",
    "elsewhere": "The patient was at another facility, where the infection counts.",
    "no_follow_up": "The infection began on a day without follow-up.",
    OUTSIDE_WINDOW: "The infection began before `start` or after `end`.",
    NOT_FIRST: "An earlier infection of this course is the first.",
    **{
        f"other_{name}": f"The filter on {name} leaves it out."
        for name in (*DENOMINATOR, "agent", *NUMERATOR)
    },
}
"""Every reason for which an episode is no case of a cell, and what it means."""


@dataclass(frozen=True, slots=True)
class ExplainedEpisode:
    """An episode of the type asked for; a case of the cell where there is no reason against it."""

    episode: LedgerEpisode
    record_ids: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class ExplainedCourse:
    """What one course adds: days of follow-up less days taken out, within filters and window."""

    index_day: int
    follow_up: tuple[Stretch, ...]
    taken_out: tuple[Stretch, ...]
    cases: tuple[ExplainedEpisode, ...]

    @property
    def person_days(self) -> int:
        """Days at risk."""
        return _length(self.follow_up) - _length(self.taken_out)


@dataclass(frozen=True, slots=True)
class ExplainedPatient:
    """What one patient adds; `exclusions` are the episodes that are no cases, each with why."""

    courses: tuple[ExplainedCourse, ...]
    exclusions: tuple[ExplainedEpisode, ...]

    @property
    def person_days(self) -> int:
        """Days at risk in all courses."""
        return sum(course.person_days for course in self.courses)

    @property
    def cases(self) -> int:
        """Cases in all courses."""
        return sum(len(course.cases) for course in self.courses)


def explained(
    patient: PatientTimeline, definition: RateDefinition, group: Group
) -> ExplainedPatient:
    """What the patient adds to the cell of a definition; no courses where that is nothing."""
    contributed = contributions_of(patient)
    kept = {episode.episode_id: episode for episode in contributed.episodes}
    judged = [
        ExplainedEpisode(
            episode=kept[placed.episode.episode_id],
            record_ids=tuple(record.record_id for record in placed.episode.records),
            reason=next(_reasons_against(placed, kept, definition, group), None),
        )
        for placed in patient.episodes
        if not group.infection_types or placed.episode.infection_type in group.infection_types
    ]
    window = Days(definition.start_day or 0, definition.end_day)
    courses = []
    for followed in patient.courses:
        index_day = followed.course.index_day
        own = [
            segment
            for segment in contributed.segments
            if segment.index_day == index_day and not _missed(segment.stratum, definition)
        ]
        course = ExplainedCourse(
            index_day,
            follow_up=_within(window, own, FOLLOW_UP),
            taken_out=_within(window, own, group.taken_out),
            cases=tuple(
                one
                for one in judged
                if one.reason is None and one.episode.course_index_day == index_day
            ),
        )
        if course.follow_up:
            courses.append(course)
    return ExplainedPatient(tuple(courses), tuple(one for one in judged if one.reason))


def _within(window: Days, segments: Sequence[Segment], risk_set: str | None) -> tuple[Stretch, ...]:
    """The segments' days in the window, in order."""
    return tuple(
        sorted(
            Stretch(*common, segment.stratum)
            for segment in segments
            if segment.risk_set == risk_set
            for common in overlap(window, [Days(segment.start_day, segment.end_day)])
        )
    )


def _reasons_against(
    placed: PlacedEpisode,
    kept: Mapping[str, LedgerEpisode],
    definition: RateDefinition,
    group: Group,
) -> Iterator[str]:
    """All that speaks against counting the episode in the cell, the weightiest first."""
    episode = kept[placed.episode.episode_id]
    if placed.reason:
        yield placed.reason
    if episode.stratum:
        yield from (f"other_{name}" for name in _missed(episode.stratum, definition))
    if episode.onset_day not in Days(definition.start_day or 0, definition.end_day):
        yield OUTSIDE_WINDOW
    allowed = {**definition.filters, "status": definition.statuses}
    for name in NUMERATOR:
        value = getattr(episode, name) or "unknown"
        if name != "infection_type" and value not in allowed.get(name, (value,)):
            yield f"other_{name}"
    is_first = {None: True, "type": episode.first_of_type, "any": episode.first_of_any}
    if not is_first[group.first_of]:
        yield NOT_FIRST


def _missed(stratum: Stratum, definition: RateDefinition) -> list[str]:
    """The filters that a stratum does not pass."""
    filters = definition.filters
    missed = [
        name
        for name in DENOMINATOR
        if name in filters and getattr(stratum, name) not in filters[name]
    ]
    agents = filters.get("agent", ())
    if agents and not set(agents) & set(stratum.regimen.split("+")):
        missed.append("agent")
    return missed


def _length(stretches: Sequence[Stretch]) -> int:
    return sum(stretch.end_day - stretch.start_day + 1 for stretch in stretches)
