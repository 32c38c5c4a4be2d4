"""Count one patient by hand, one calendar day after the other: docs/methods.md as plain code.

In:     a patient's events in order of receipt (each once), the grace period, the case definitions.
Out:    `Count`: what each day was (at risk or not, where, for what not) and every episode.
Source: docs/methods.md 2 to 4, and the decisions that fill their gaps (docs/decisions).

This is the auditor's book, not the product's. It shares with the product only the events
themselves. It must stay slow and obvious: for every day it asks every question again, of the
whole history, and it knows no intervals, no segments, no differences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain.events import (
    AnyEvent,
    Demographics,
    Finding,
    FollowUpVisit,
    Infection,
    Medication,
    Outcome,
    Regimen,
    Transplant,
    Void,
)

# --- Section 4, the case definitions as printed --------------------------------------------------


class Definition(NamedTuple):
    """How long an infection goes on being the same one, counted how, recognised by what."""

    repeat_days: int
    repeat_rule: str
    same_episode_by: str


C_DIFFICILE = "Clostridioides difficile"

CASE_DEFINITIONS: Mapping[str, Definition] = {
    "bacterial": Definition(14, "fixed", "site"),
    C_DIFFICILE: Definition(56, "fixed", "organism_group"),
    "viral": Definition(60, "rolling", "organism_group"),
    "fungal": Definition(90, "rolling", "organism_group"),
    "ntm": Definition(365, "rolling", "organism_group"),
    "tuberculosis": Definition(365, "rolling", "organism_group"),
    "parasitic": Definition(60, "rolling", "organism_group"),
    "unknown": Definition(14, "fixed", "site"),
}

ENDS_OF_OBSERVATION = {"lost_to_follow_up", "withdrawn", "transferred_out"}
STATUS_FROM_LOW_TO_HIGH = ["colonisation", "infection", "disease"]
CERTAINTY_FROM_LOW_TO_HIGH = ["possible", "probable", "confirmed"]


# --- What the count says -------------------------------------------------------------------------


class DayStratum(NamedTuple):
    """The one value of every dimension that a day at risk has."""

    facility: str
    transplant_type: str
    indication: str
    age_group: str
    sex: str
    phase: str
    regimen: str


@dataclass(frozen=True)
class DayAtRisk:
    """One day of follow-up: in which course, in which stratum, and for what it is not at risk."""

    index_day: int
    stratum: DayStratum
    is_entry: bool
    is_death: bool
    is_last_before_transplant: bool
    is_first_relapse: bool
    is_first_graft_failure: bool
    not_at_risk: frozenset[str]


class CountedEpisode(NamedTuple):
    """One episode with everything the ledger says about it; `stratum` only where it counted."""

    course_index_day: int | None
    stratum: DayStratum | None
    counted: bool
    onset_day: int
    infection_type: str
    organism: str | None
    organism_group: str
    site: str
    site_class: str
    status: str
    certainty: str
    first_of_type: bool
    first_of_any: bool


@dataclass(frozen=True)
class Count:
    """The whole patient: `days` holds the days of follow-up only, by `date.toordinal`."""

    days: Mapping[int, DayAtRisk]
    episodes: Sequence[CountedEpisode]


def count_day_by_day(
    events_in_order_of_receipt: Sequence[AnyEvent],
    followup_grace_days: int,
    definitions: Mapping[str, Definition] = CASE_DEFINITIONS,
) -> Count:
    """Count one patient, from the first index date until nothing more can happen."""
    standing = standing_events(events_in_order_of_receipt)
    courses = open_courses(standing)
    strata_of_followed_days = walk(standing, courses, followup_grace_days)
    episodes = form_episodes(standing, definitions)
    firsts = mark_firsts(episodes, strata_of_followed_days)
    days = {
        day: DayAtRisk(
            index_day=course.index_day,
            stratum=stratum,
            is_entry=day == course.entry_day,
            is_death=died_before(day + 1, standing),
            is_last_before_transplant=day + 1 in courses and not died_before(day + 1, standing),
            is_first_relapse=is_first("relapse", day, course, standing, strata_of_followed_days),
            is_first_graft_failure=is_first(
                "graft_failure", day, course, standing, strata_of_followed_days
            ),
            not_at_risk=frozenset(
                not_at_risk_on(day, course, episodes, firsts, strata_of_followed_days)
            ),
        )
        for day, (course, stratum) in strata_of_followed_days.items()
    }
    return Count(days, [describe(e, courses, strata_of_followed_days, firsts) for e in episodes])


# --- Which events stand --------------------------------------------------------------------------


def standing_events(events_in_order_of_receipt: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The events that no standing event voids or replaces, itself or through what it replaces."""
    by_name = {event.event_id: event for event in events_in_order_of_receipt}

    def versions_before(event: AnyEvent) -> list[str]:
        if event.replaces is None:
            return []
        return [event.replaces, *versions_before(by_name[event.replaces])]

    standing: list[AnyEvent] = []
    for event in reversed(events_in_order_of_receipt):
        undone = False
        for later in standing:
            if event.event_id in versions_before(later):
                undone = True
            if isinstance(later, Void) and later.voids == event.event_id:
                undone = True
        if not undone:
            standing.append(event)
    return standing


# --- Section 2: the courses and the days of follow-up --------------------------------------------


@dataclass(frozen=True)
class Course:
    """The time from one index date to the day before the next, and what holds all through it."""

    index_day: int
    entry_day: int
    facility: str
    transplant_type: str
    indication: str
    age_group: str
    sex: str


def open_courses(standing: Sequence[AnyEvent]) -> dict[int, Course]:
    """One course for each day with a transplant, by index day."""
    transplants_of_day: dict[int, list[Transplant]] = {}
    for event in standing:
        if isinstance(event, Transplant):
            transplants_of_day.setdefault(day_of(event), []).append(event)
    courses = {}
    for index_day, transplants in transplants_of_day.items():
        chosen = max(transplants, key=lambda transplant: transplant.event_id)
        entry_day = index_day
        if chosen.enrolled_on is not None and chosen.enrolled_on.toordinal() > index_day:
            entry_day = chosen.enrolled_on.toordinal()
        courses[index_day] = Course(
            index_day=index_day,
            entry_day=entry_day,
            facility=chosen.facility,
            transplant_type="+".join(sorted({each.transplant_type for each in transplants})),
            indication=chosen.indication,
            age_group=age_group_of(chosen, standing),
            sex=sex_of(chosen, standing),
        )
    return courses


def walk(
    standing: Sequence[AnyEvent], courses: Mapping[int, Course], followup_grace_days: int
) -> dict[int, tuple[Course, DayStratum]]:
    """Live through every day from the first index date on; keep the days of follow-up."""
    followed: dict[int, tuple[Course, DayStratum]] = {}
    course: Course | None = None
    under_observation = False
    for day in calendar(standing, courses, followup_grace_days):
        # The morning: a transplant closes the course before and opens its own.
        if day in courses:
            course = courses[day]
            under_observation = False
        assert course is not None
        if day == course.entry_day:
            under_observation = True

        # The day itself.
        if (
            under_observation
            and not died_before(day, standing)
            and not silent_on(day, course, standing, followup_grace_days)
        ):
            followed[day] = (course, stratum_on(day, course, standing))

        # The evening: an end of observation holds from tomorrow, and so does a return.
        if day >= course.entry_day:
            if any_end_of_observation_on(day, standing):
                under_observation = False
            elif any_contact_on(day, standing):
                under_observation = True
    return followed


def calendar(
    standing: Sequence[AnyEvent], courses: Mapping[int, Course], followup_grace_days: int
) -> Iterator[int]:
    """Every day from the first index date until the grace after the last thing known is over."""
    if not courses:
        return
    last_known = max(
        [day_of(event) for event in standing] + [course.entry_day for course in courses.values()]
    )
    yield from range(min(courses), last_known + followup_grace_days + 2)


def died_before(day: int, standing: Sequence[AnyEvent]) -> bool:
    """Had the patient died on an earlier day? Nothing re-opens after a death, of any course."""
    return any(
        isinstance(event, Outcome) and event.outcome == "death" and day_of(event) < day
        for event in standing
    )


def is_first(
    outcome: str,
    day: int,
    course: Course,
    standing: Sequence[AnyEvent],
    followed: Mapping[int, tuple[Course, DayStratum]],
) -> bool:
    """Is this the first day of follow-up of the course with such an outcome?"""
    days_with_it = {
        day_of(event)
        for event in standing
        if isinstance(event, Outcome) and event.outcome == outcome
    }
    earlier = [
        other
        for other in days_with_it
        if other < day and other in followed and followed[other][0] == course
    ]
    return day in days_with_it and not earlier


def silent_on(
    day: int, course: Course, standing: Sequence[AnyEvent], followup_grace_days: int
) -> bool:
    """Has no news come since the grace period before this day, and does none ever come?

    Entry is news, and so is every contact from the index date on, also one still ahead: news
    that arrives later fills the gap before it.
    """
    days_of_news = {course.entry_day}
    for event in standing:
        if event.is_contact and day_of(event) >= course.index_day:
            days_of_news.add(day_of(event))
    return all(day_of_news + followup_grace_days < day for day_of_news in days_of_news)


def any_end_of_observation_on(day: int, standing: Sequence[AnyEvent]) -> bool:
    """Was the patient reported lost, withdrawn, transferred out or dead on this day?"""
    return any(
        isinstance(event, Outcome)
        and (event.outcome in ENDS_OF_OBSERVATION or event.outcome == "death")
        and day_of(event) == day
        for event in standing
    )


def any_contact_on(day: int, standing: Sequence[AnyEvent]) -> bool:
    """Was the patient heard of on this day?"""
    return any(event.is_contact and day_of(event) == day for event in standing)


# --- Section 3: the stratum of a day -------------------------------------------------------------


def stratum_on(day: int, course: Course, standing: Sequence[AnyEvent]) -> DayStratum:
    """Every dimension's value on a day of a course."""
    return DayStratum(
        facility=course.facility,
        transplant_type=course.transplant_type,
        indication=course.indication,
        age_group=course.age_group,
        sex=course.sex,
        phase=phase_of(day - course.index_day),
        regimen=regimen_on(day, course, standing),
    )


def phase_of(days_since_index: int) -> str:
    """The phase as printed: 0-30, 31-100, 101-180, 181-365, 366+."""
    for first, last in [(0, 30), (31, 100), (101, 180), (181, 365)]:
        if first <= days_since_index <= last:
            return f"{first}-{last}"
    return "366+"


def told_of_the_person(standing: Sequence[AnyEvent]) -> list[Demographics]:
    """What is said of the person, the last by date and then by event_id first."""
    told = [event for event in standing if isinstance(event, Demographics)]
    return sorted(told, key=lambda event: (day_of(event), event.event_id), reverse=True)


def sex_of(transplant: Transplant, standing: Sequence[AnyEvent]) -> str:
    """The transplant's, else what is said last of the person."""
    if transplant.sex == "unknown":
        for event in told_of_the_person(standing):
            if event.sex != "unknown":
                return event.sex
    return transplant.sex


def age_group_of(transplant: Transplant, standing: Sequence[AnyEvent]) -> str:
    """The age group at index; the age in years wins over the birth year, and both over what is
    said of the person elsewhere."""
    said = [event.birth_year for event in told_of_the_person(standing) if event.birth_year]
    year = transplant.occurred_on.year
    if transplant.age_years is not None:
        age_years = transplant.age_years
    elif transplant.birth_year is not None:
        age_years = year - transplant.birth_year
    elif said and said[0] <= year:
        age_years = year - said[0]
    else:
        return "unknown"
    for first, last in [(0, 17), (18, 39), (40, 59)]:
        if first <= age_years <= last:
            return f"{first}-{last}"
    return "60+"


def regimen_on(day: int, course: Course, standing: Sequence[AnyEvent]) -> str:
    """The regimen in force: the last one recorded before this day, or on or before entry, and of
    agents reported one by one what began or ended since."""

    def is_known(then: int) -> bool:
        return then < day or then <= course.entry_day

    in_force: tuple[int, str, tuple[str, ...]] | None = None
    for event in standing:
        if not isinstance(event, Regimen | FollowUpVisit) or event.agents is None:
            continue
        recorded = (day_of(event), event.event_id, event.agents)
        if is_known(day_of(event)) and (in_force is None or recorded > in_force):
            in_force = recorded
    drugs = [event for event in standing if isinstance(event, Medication)]
    drugs = [event for event in drugs if is_known(day_of(event))]
    if in_force is None and not drugs:
        return "unrecorded"
    stated_on, agents = (in_force[0], set(in_force[2])) if in_force else (0, set())
    over = [e for e in drugs if e.ended_on is not None and is_known(e.ended_on.toordinal())]
    taken = [event for event in drugs if event not in over]
    for event in over:
        if event.ended_on.toordinal() > stated_on and event.agent not in {e.agent for e in taken}:
            agents.discard(event.agent)
    agents |= {event.agent for event in taken if day_of(event) > stated_on}
    return "+".join(sorted(agents)) if agents else "none"


# --- Section 4: the episodes ---------------------------------------------------------------------


class Record(NamedTuple):
    """One finding with its place in time: (day, event_id, place in the event) is its order."""

    day: int
    event_id: str
    place: int
    finding: Finding


@dataclass
class Episode:
    """Records that are one infection; `covered` is every day from onset to the window's end."""

    infection_type: str
    is_colonisation: bool
    same_as: tuple[Definition, str]
    records: list[Record]
    covered: set[int] = field(default_factory=set)

    @property
    def onset(self) -> tuple[int, str, int]:
        """The day of the first record, and what breaks ties on that day."""
        return self.records[0][:3]


def form_episodes(
    standing: Sequence[AnyEvent], definitions: Mapping[str, Definition]
) -> list[Episode]:
    """Every episode of the patient, in order of onset, whether it counts or not."""
    episodes: list[Episode] = []
    for record in records_in_order(standing):
        finding = record.finding
        definition = definition_of(finding, definitions)
        by = finding.site if definition.same_episode_by == "site" else finding.organism_group
        belongs_to = None
        for episode in episodes:
            if (
                episode.infection_type == finding.infection_type
                and episode.is_colonisation == (finding.status == "colonisation")
                and episode.same_as == (definition, by)
                and record.day in episode.covered
            ):
                belongs_to = episode
        if belongs_to is None:
            belongs_to = Episode(
                finding.infection_type, finding.status == "colonisation", (definition, by), []
            )
            episodes.append(belongs_to)
        belongs_to.records.append(record)
        cover_days(belongs_to, definition)
    return episodes


def records_in_order(standing: Sequence[AnyEvent]) -> list[Record]:
    """Every finding of the patient, by day, event_id and place in the event."""
    records = []
    for event in standing:
        findings: tuple[Finding, ...] = ()
        if isinstance(event, Infection):
            findings = (event.finding,)
        if isinstance(event, FollowUpVisit):
            findings = event.findings
        for place, finding in enumerate(findings):
            records.append(Record(day_of(event), event.event_id, place, finding))
    return sorted(records, key=lambda record: record[:3])


def definition_of(finding: Finding, definitions: Mapping[str, Definition]) -> Definition:
    """The case definition of a finding; C. difficile is bacterial with a definition of its own."""
    if finding.infection_type == "bacterial" and finding.organism_group == C_DIFFICILE:
        return definitions[C_DIFFICILE]
    return definitions[finding.infection_type]


def cover_days(episode: Episode, definition: Definition) -> None:
    """Note the days that still belong to the episode, now that its last record is known."""
    onset_day = episode.records[0].day
    if definition.repeat_rule == "fixed":
        last_day = onset_day + definition.repeat_days - 1
    else:
        last_day = episode.records[-1].day + definition.repeat_days
    day = onset_day
    while day <= last_day:
        episode.covered.add(day)
        day += 1


@dataclass
class Firsts:
    """The first counted episode of each type (and stream) in each course, and of any type."""

    of_type: dict[tuple[int, str, bool], Episode] = field(default_factory=dict)
    of_any: dict[int, Episode] = field(default_factory=dict)


def mark_firsts(
    episodes: Sequence[Episode], followed: Mapping[int, tuple[Course, DayStratum]]
) -> Firsts:
    """Go through the episodes by onset; the first counted one met is the first."""
    firsts = Firsts()
    for episode in sorted(episodes, key=lambda episode: episode.onset):
        onset_day = episode.onset[0]
        if onset_day not in followed:
            continue
        index_day = followed[onset_day][0].index_day
        kind = (index_day, episode.infection_type, episode.is_colonisation)
        if kind not in firsts.of_type:
            firsts.of_type[kind] = episode
        if not episode.is_colonisation and index_day not in firsts.of_any:
            firsts.of_any[index_day] = episode
    return firsts


def not_at_risk_on(
    day: int,
    course: Course,
    episodes: Sequence[Episode],
    firsts: Firsts,
    followed: Mapping[int, tuple[Course, DayStratum]],
) -> Iterator[str]:
    """Every risk set that a day of follow-up has to be taken out of."""
    for episode in episodes:
        onset_day = episode.onset[0]
        stream = ":colonisation" if episode.is_colonisation else ""
        first = firsts.of_type.get(
            (course.index_day, episode.infection_type, episode.is_colonisation)
        )
        if onset_day in followed and followed[onset_day][0].index_day == course.index_day:
            # It counted here. The time to the first episode ends with the first's onset day.
            if episode is first and day > onset_day:
                yield f"not_at_risk_first:{episode.infection_type}{stream}"
        elif day in episode.covered:
            # It did not count here, but is under way: no first one can begin on such a day.
            # (After the first's onset all days are out already, so its order does not matter.)
            yield f"not_at_risk_first:{episode.infection_type}{stream}"
        if day in episode.covered and day != onset_day:
            yield f"not_at_risk_repeat:{episode.infection_type}{stream}"
    first_of_any = firsts.of_any.get(course.index_day)
    if first_of_any is not None and day > first_of_any.onset[0]:
        yield "not_at_risk_first:any"


def describe(
    episode: Episode,
    courses: Mapping[int, Course],
    followed: Mapping[int, tuple[Course, DayStratum]],
    firsts: Firsts,
) -> CountedEpisode:
    """The episode as the ledger should show it."""
    onset_day = episode.onset[0]
    identified = [r.finding for r in episode.records if r.finding.organism is not None]
    speaking = identified[0] if identified else episode.records[0].finding
    return CountedEpisode(
        course_index_day=max((index for index in courses if index <= onset_day), default=None),
        stratum=followed[onset_day][1] if onset_day in followed else None,
        counted=onset_day in followed,
        onset_day=onset_day,
        infection_type=episode.infection_type,
        organism=speaking.organism,
        organism_group=speaking.organism_group,
        site=speaking.site,
        site_class=speaking.site_class,
        status=max(
            (record.finding.status for record in episode.records),
            key=STATUS_FROM_LOW_TO_HIGH.index,
        ),
        certainty=max(
            (record.finding.certainty for record in episode.records),
            key=CERTAINTY_FROM_LOW_TO_HIGH.index,
        ),
        first_of_type=any(episode is first for first in firsts.of_type.values()),
        first_of_any=any(episode is first for first in firsts.of_any.values()),
    )


def day_of(event: AnyEvent) -> int:
    """The calendar day of an event, as a number that can be counted on."""
    return event.occurred_on.toordinal()
