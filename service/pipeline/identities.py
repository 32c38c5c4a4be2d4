"""Merge patients who turn out to be one, and part them again.

In:     two pseudonyms of one facility.
Out:    a ledger that counts one person, or two again, and the position it has reached.
Source: docs/decisions/0014-who-a-patient-is.md; HL7 v2.5.1, 3.3.40 (ADT^A40).

What a person contributes follows from all events under all of the person's pseudonyms. A merge
posts the difference, as every change does; what was known before stays as it was known.
"""

from collections.abc import Iterable

from service.domain.audit_chain import Actor
from service.domain.contributions import Contributions
from service.errors import Conflict, NotFound
from service.pipeline.counted import counted
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.store import audit, ledger, merges
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.events import PatientKey
from service.store.ledger import Posting
from service.store.merges import Merge, Persons

Held = dict[PatientKey, Contributions]


def merge(
    surveillance: Surveillance,
    patient: PatientKey,
    into: PatientKey,
    actor: Actor,
    *,
    may_be_unknown: bool = False,
) -> int:
    """Let `patient` be `into` from now on; what is so already stays so.

    Raises `NotFound` where nothing was ever received of one of them, unless events of theirs may
    yet come, and `Conflict` where `patient` is somebody else already or would be itself.
    """
    with surveillance.write() as connection:
        known = merges.persons(connection, (patient, into))
        if not may_be_unknown:
            _require_known(connection, (patient, into))
        present = merges.merged_into(connection, patient)
        if present == into:
            return ledger.head_position(connection)
        if present is not None:
            raise Conflict(
                "This patient was merged into another one already. Part them first: "
                "DELETE the patient's `merged-into`.",
                code="already_merged",
            )
        if known.person_of[into] == patient:
            raise Conflict("The patients are one already, the other way round.", code="merge_cycle")
        before = _held(connection, surveillance, known)
        position = ledger.head_position(connection) + 1
        merges.add_merge(connection, Merge(patient, into), position)
        after = _held(connection, surveillance, merges.persons(connection, known.person_of))
        _post(connection, surveillance, before, after, position)
        facts = {"facility": patient.facility}
        note = AuditEntry(
            surveillance.clock(), actor, "patients_merged", facts, position, known.person_of
        )
        audit.append(connection, [note])
    return position


def part(surveillance: Surveillance, patient: PatientKey, actor: Actor) -> int:
    """Take a merge back: `patient` is a person alone again, with whoever was merged into it.

    Raises `NotFound` for a patient that was merged into nobody.
    """
    with surveillance.write() as connection:
        if merges.merged_into(connection, patient) is None:
            raise NotFound("This patient was merged into nobody.")
        known = merges.persons(connection, (patient,))
        before = _held(connection, surveillance, known)
        position = ledger.head_position(connection) + 1
        merges.end_merge(connection, patient, position)
        after = _held(connection, surveillance, merges.persons(connection, known.person_of))
        _post(connection, surveillance, before, after, position)
        facts = {"facility": patient.facility}
        note = AuditEntry(
            surveillance.clock(), actor, "patients_parted", facts, position, known.person_of
        )
        audit.append(connection, [note])
    return position


def _require_known(connection: Connection, patients: Iterable[PatientKey]) -> None:
    for patient in patients:
        known = merges.persons(connection, (patient,))
        if not any(merges.events_of_persons(connection, known).values()):
            raise NotFound("No such patient is known.")


def _held(connection: Connection, surveillance: Surveillance, known: Persons) -> Held:
    """What each person contributes."""
    return {
        person: counted(tuple(row.event for row in rows), surveillance.rules).contributions
        for person, rows in merges.events_of_persons(connection, known).items()
    }


def _post(
    connection: Connection, surveillance: Surveillance, before: Held, after: Held, position: int
) -> None:
    """Post the difference that a change of persons makes."""
    nothing = Contributions()
    postings = [
        Posting(person, before=before.get(person, nothing), after=after.get(person, nothing))
        for person in sorted(before.keys() | after.keys())
    ]
    ledger.post(connection, postings, position)
    ledger.advance(connection, position, surveillance.clock())
    watch(connection, surveillance, postings, position - 1, position)
