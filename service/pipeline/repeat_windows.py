"""A rate under other repeat windows: every patient's records counted again, nothing stored.

In:     a `RateDefinition` of one infection type, the windows, and the position to speak for.
Out:    one `WindowRate` for each window; that of the window in force equals `pipeline.rates`.
Source: docs/methods.md 4; docs/api-rates.md, under other repeat windows.

Patients are read a few at a time and only sums are kept, so memory does not grow with their
number; time does, and with the number of windows for those who had a record of the type.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.explanation import ExplainedPatient, explained
from service.domain.figures import Group, RateDefinition
from service.domain.repeat_windows import RepeatWindow, Variation, variations
from service.domain.rules import FollowUpRules
from service.domain.timeline import PatientTimeline, timeline, under
from service.errors import BadQuery, Detail
from service.pipeline.rates import RateRow, rate_row
from service.pipeline.walk import patients_known
from service.store.census import take_census
from service.store.engine import Connection

MOST_PATIENTS = 20_000
"""Patients counted again for one answer."""
ONE_TYPE = (
    "Each infection type has its own case definition, and `any` has none: ask for exactly one "
    "infection_type."
)


@dataclass(frozen=True, slots=True)
class WindowRate:
    """The rate as it would be under a repeat window."""

    window: RepeatWindow
    row: RateRow
    in_force: bool


@dataclass(slots=True)
class Sum:
    """Cases and person-days under one window."""

    cases: int = 0
    person_days: int = 0

    def add(self, patient: ExplainedPatient) -> None:
        """Take a patient in."""
        self.cases += patient.cases
        self.person_days += patient.person_days


def rates_under(
    connection: Connection,
    rules: FollowUpRules,
    definition: RateDefinition,
    windows: Sequence[RepeatWindow],
    *,
    position: int,
) -> list[WindowRate]:
    """The rate under each of the windows and the one in force, as known at a position.

    Raises `BadQuery` unless one infection type is asked for, and for more than `MOST_PATIENTS`.
    """
    types, group = definition.infection_types, definition.total
    if len(types) != 1 or group is None:
        raise BadQuery(ONE_TYPE, details=(Detail("?infection_type", "bad_query", ONE_TYPE),))
    facilities = definition.filters.get("facility")
    if take_census(connection, facilities).patients > MOST_PATIENTS:
        raise _too_many_patients()
    groups = definition.filters.get("organism_group", ())
    varied = variations(rules.case_definitions, types[0], groups, windows)
    sums = [Sum() for _ in varied]
    for _, events in patients_known(connection, facilities, position=position):
        _count(timeline(events, rules), definition, group, varied, sums)
    return [
        WindowRate(
            one.window, rate_row(definition, {}, counted.cases, counted.person_days), one.in_force
        )
        for one, counted in zip(varied, sums, strict=True)
    ]


def _count(
    patient: PatientTimeline,
    definition: RateDefinition,
    group: Group,
    varied: Sequence[Variation],
    sums: Sequence[Sum],
) -> None:
    """Add one patient under each window; without a record of the type all are alike."""
    (infection_type,) = definition.infection_types
    if any(record.finding.infection_type == infection_type for record in patient.records):
        for one, counted in zip(varied, sums, strict=True):
            counted.add(explained(under(patient, one.definitions), definition, group))
        return
    alike = explained(patient, definition, group)
    for counted in sums:
        counted.add(alike)


def _too_many_patients() -> BadQuery:
    message = (
        f"More than {MOST_PATIENTS:,} patients would have to be counted again: ask for fewer "
        "facilities at a time, and add up cases and person_days."
    )
    return BadQuery(message, details=(Detail("?facility", "too_many_patients", message),))
