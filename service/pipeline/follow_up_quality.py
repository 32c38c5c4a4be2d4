"""The quality of follow-up: courses worked out one by one from the events, and added up.

In:     who is asked about, the day, the schedule, the position (docs/methods.md 9).
Out:    `QualityRow`s by stratum with their visits; pages of overdue courses.
Source: the events themselves, as `pipeline.explain`: the ledger keeps days at risk, which go on
        through the grace period, and not the days of contact.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from service.domain.history import standing_events
from service.domain.rules import FollowUpRules
from service.domain.visits import FollowedUp, VisitSchedule, followed_up
from service.pipeline.walk import patients_known
from service.store.engine import Connection
from service.store.events import PatientKey

AT_INDEX = ("facility", "transplant_type", "indication", "age_group", "sex")
"""The dimensions that a course has for good."""


@dataclass(frozen=True, slots=True)
class QualityDefinition:
    """Whose follow-up, up to which day, against which schedule."""

    end_day: int
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    schedule: VisitSchedule = field(default_factory=VisitSchedule)


@dataclass(slots=True)
class QualityRow:
    """Sums over the courses of a stratum; `visits` counts by day due and state."""

    stratum: dict[str, str]
    courses: int = 0
    observed_person_days: int = 0
    potential_person_days: int = 0
    under_observation: int = 0
    overdue: int = 0
    visits: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add(self, one: FollowedUp) -> None:
        """Take a course in."""
        self.courses += 1
        self.observed_person_days += one.observed_person_days
        self.potential_person_days += one.potential_person_days
        self.under_observation += one.under_observation
        self.overdue += bool(one.overdue)
        self.visits.update((visit.due, visit.state) for visit in one.visits)


@dataclass(frozen=True, slots=True)
class QualityTable:
    """The strata asked for, and all of them together."""

    rows: tuple[QualityRow, ...]
    total: QualityRow


def quality_table(
    connection: Connection, rules: FollowUpRules, asked: QualityDefinition, position: int
) -> QualityTable:
    """The quality of follow-up as known at a position; reads every patient asked about."""
    rows: dict[tuple[str, ...], QualityRow] = {}
    total = QualityRow({})
    for key, one in _walk(connection, rules, asked, position, None):
        values = at_index(key, one)
        stratum = {name: values[name] for name in asked.by}
        row = rows.setdefault(tuple(stratum.values()), QualityRow(stratum))
        for sums in (row, total):
            sums.add(one)
    return QualityTable(tuple(row for _, row in sorted(rows.items())) if asked.by else (), total)


def overdue_page(
    connection: Connection,
    rules: FollowUpRules,
    asked: QualityDefinition,
    position: int,
    *,
    after: PatientKey | None,
    limit: int,
) -> tuple[list[tuple[PatientKey, FollowedUp]], PatientKey | None]:
    """The next overdue courses in order of patient, and where the next page begins."""
    found: list[tuple[PatientKey, FollowedUp]] = []
    for key, one in _walk(connection, rules, asked, position, after):
        if one.overdue:
            if len(found) == limit:
                return found, found[-1][0]
            found.append((key, one))
    return found, None


def at_index(key: PatientKey, one: FollowedUp) -> dict[str, str]:
    """What a course is by the day it began."""
    transplant = one.course.transplant
    return {
        "facility": key.facility,
        "transplant_type": one.course.transplant_type,
        "indication": transplant.indication,
        "age_group": one.course.age_group,
        "sex": transplant.sex,
    }


def _walk(
    connection: Connection,
    rules: FollowUpRules,
    asked: QualityDefinition,
    position: int,
    after: PatientKey | None,
) -> Iterator[tuple[PatientKey, FollowedUp]]:
    facilities = asked.filters.get("facility")
    for key, known in patients_known(connection, facilities, position=position, after=after):
        for one in followed_up(standing_events(known), rules, asked.schedule, asked.end_day):
            values = at_index(key, one)
            if all(values[name] in allowed for name, allowed in asked.filters.items()):
                yield key, one
