"""Patients who turned out to be one: which pseudonym stands for which.

In:     pseudonyms of patients.
Out:    `Persons`: for each the pseudonym that stands for the person, and all that belong to it.
Source: docs/decisions/0014-who-a-patient-is.md.

A merge is one row: from this position on, this pseudonym is that one; taken back, it keeps the
position until which that held. Events keep the pseudonym they came under, so that a merge can be
taken back exactly.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, or_, update
from sqlmodel import col

from service.store.bulk import select_rows
from service.store.events import PatientKey, ReceivedEvent, events_of_patients
from service.store.tables import PatientMergeRow
from service.store.unread_terms import as_they_count


class Merge(NamedTuple):
    """One pseudonym that stands for nobody of its own any more."""

    patient: PatientKey
    into: PatientKey

    @classmethod
    def of(cls, facility: str, patient: str, into: str) -> "Merge":
        """Two pseudonyms of one facility."""
        return cls(PatientKey(facility, patient), PatientKey(facility, into))


@dataclass(frozen=True, slots=True)
class Persons:
    """Who is who: `person_of` each pseudonym asked for, and the pseudonyms `of` each person."""

    person_of: Mapping[PatientKey, PatientKey]
    of: Mapping[PatientKey, tuple[PatientKey, ...]]


def persons(
    connection: Connection, patients: Iterable[PatientKey], position: int | None = None
) -> Persons:
    """The persons behind some pseudonyms, at a position (None: now); most are one alone."""
    asked = set(patients)
    rows, reached = set[Merge](), set[PatientKey]()
    while following := ({name for row in rows for name in row} | asked) - reached:
        reached |= following
        for column in ("patient", "merged_into"):
            rows |= _rows(connection, column, following, position)
    into = dict(rows)
    person_of = {patient: _end(patient, into) for patient in reached}
    of: dict[PatientKey, list[PatientKey]] = defaultdict(list)
    for patient, person in sorted(person_of.items()):
        of[person].append(patient)
    return Persons(person_of, {person: tuple(names) for person, names in of.items()})


def events_of_persons(
    connection: Connection, known: Persons, position: int | None = None
) -> dict[PatientKey, list[ReceivedEvent]]:
    """All events of each person, whatever the pseudonym, in order of receipt.

    They are as they count: their terms read as was decided up to the position (None: now).
    """
    as_recorded = events_of_patients(connection, known.person_of)
    everything = [row for rows in as_recorded.values() for row in rows]
    received: dict[PatientKey, list[ReceivedEvent]] = defaultdict(list)
    for row in as_they_count(connection, everything, position):
        received[PatientKey(row.event.facility, row.event.patient)].append(row)
    found: dict[PatientKey, list[ReceivedEvent]] = {}
    for person, names in known.of.items():
        rows = [row for name in names for row in received.get(name, ())]
        found[person] = rows if len(names) == 1 else sorted(rows, key=lambda row: row.position)
    return found


def add_merge(connection: Connection, merge: Merge, position: int) -> None:
    """Let one pseudonym stand for the other from a position on."""
    connection.execute(
        insert(PatientMergeRow),
        {
            "facility": merge.patient.facility,
            "patient": merge.patient.patient,
            "merged_into": merge.into.patient,
            "position": position,
        },
    )


def end_merge(connection: Connection, patient: PatientKey, position: int) -> None:
    """Let a pseudonym stand for itself again from a position on."""
    row = PatientMergeRow
    connection.execute(
        update(row)
        .where(
            col(row.facility) == patient.facility,
            col(row.patient) == patient.patient,
            col(row.parted_at).is_(None),
        )
        .values(parted_at=position)
    )


def once_one_with(connection: Connection, patients: Collection[PatientKey]) -> list[PatientKey]:
    """Who was one person with these for a time, and is not: past rows of theirs may hold both."""
    reached, following = set[PatientKey](), set(patients)
    while following := following - reached:
        reached |= following
        following = {
            name
            for column in ("patient", "merged_into")
            for merge, _, _ in _all_rows(connection, column, following)
            for name in merge
        }
    return sorted(reached.difference(patients))


def forget_merges(connection: Connection, patients: Iterable[PatientKey]) -> None:
    """Remove every row that names one of the pseudonyms."""
    row = PatientMergeRow
    for facility, patient in patients:
        connection.execute(
            delete(row).where(
                col(row.facility) == facility,
                or_(col(row.patient) == patient, col(row.merged_into) == patient),
            )
        )


def merged_into(connection: Connection, patient: PatientKey) -> PatientKey | None:
    """What a pseudonym was merged into; None where it stands for itself."""
    return next((row.into for row in _rows(connection, "patient", {patient}, None)), None)


def _rows(
    connection: Connection, column: str, names: set[PatientKey], position: int | None
) -> set[Merge]:
    return {
        merge
        for merge, since, until in _all_rows(connection, column, names)
        if (until is None if position is None else since <= position < (until or position + 1))
    }


def _all_rows(
    connection: Connection, column: str, names: set[PatientKey]
) -> list[tuple[Merge, int, int | None]]:
    """Every merge that names one of these, from when, and until when where it was taken back."""
    wanted = ("facility", "patient", "merged_into", "position", "parted_at")
    found = select_rows(connection, PatientMergeRow, ("facility", column), sorted(names), wanted)
    return [(Merge.of(*merge), since, until) for *merge, since, until in found]


def _end(patient: PatientKey, into: Mapping[PatientKey, PatientKey]) -> PatientKey:
    while patient in into:
        patient = into[patient]
    return patient
