"""The audit trail: who did or saw what, append-only and chained.

In:     an actor, an action, harmless facts of it, and the patients it is about.
Out:    entries numbered without gaps, in which a patient is a digest that an erasure makes mute;
        `service.store.audit_log` reads them.
Source: docs/audit.md; docs/decisions/0019-audit-chain.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from secrets import token_hex
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import col

from service.domain.audit_chain import Actor, ChainedEntry, Link, hash_of, subject_of
from service.store.bulk import insert_rows, select_rows
from service.store.events import PatientKey
from service.store.tables import (
    AuditHeadRow,
    AuditMentionRow,
    AuditRow,
    AuditSaltRow,
    RecordedEvent,
)

SALT_BYTES = 32


class AuditEntry(NamedTuple):
    """One thing done or seen, by whom and when, and whom it is about."""

    recorded_at: datetime
    actor: Actor
    action: str
    detail: Mapping[str, Any]
    position: int | None = None
    patients: Collection[PatientKey] = ()


def append(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Put entries at the end of the chain, in the transaction that does what they say.

    Call it late in a transaction: until the commit nobody else can append.
    """
    if not entries:
        return
    end = head(connection, to_append=True)
    if end is None:
        raise RuntimeError("The audit chain has no head: see `graftwatch audit verify`.")
    subjects = _subjects(connection, {key for entry in entries for key in entry.patients})
    rows: list[dict[str, Any]] = []
    mentions: list[tuple[int, str]] = []
    for entry in entries:
        about = sorted({subjects[key] for key in entry.patients if key in subjects})
        chained = _chained(entry, end.sequence + 1, about)
        end = Link(chained.sequence, hash_of(chained, end.sha256))
        row = chained._asdict() | {"sha256": end.sha256}
        mentions += [(chained.sequence, subject) for subject in row.pop("subjects")]
        rows.append(row)
    connection.execute(insert(AuditRow), rows)
    insert_rows(connection, AuditMentionRow, ("sequence", "subject"), mentions)
    connection.execute(update(AuditHeadRow).values(sequence=end.sequence, sha256=end.sha256))


def head(connection: Connection, *, to_append: bool = False) -> Link | None:
    """Where the chain ends; None where that is not known any more, which is a break in itself.

    With `to_append` nobody else appends until the transaction ends.
    """
    query = select(col(AuditHeadRow.sequence), col(AuditHeadRow.sha256))
    found = connection.execute(query.with_for_update() if to_append else query).first()
    return Link(*found) if found else None


def subjects_known(connection: Connection) -> dict[str, PatientKey]:
    """The digests of all patients who were not erased."""
    query = select(col(AuditSaltRow.facility), col(AuditSaltRow.patient), col(AuditSaltRow.salt))
    return {
        subject_of(salt, facility, patient): PatientKey(facility, patient)
        for facility, patient, salt in connection.execute(query)
    }


def subject(connection: Connection, patient: PatientKey) -> str | None:
    """The patient's digest; None where no entry is about the patient."""
    salt = _salts(connection, [patient]).get(patient)
    return subject_of(salt, *patient) if salt else None


def forget_salt(connection: Connection, patient: PatientKey) -> None:
    """From here on nobody can tell who the patient's digest stands for."""
    connection.execute(
        delete(AuditSaltRow).where(
            col(AuditSaltRow.facility) == patient.facility,
            col(AuditSaltRow.patient) == patient.patient,
        )
    )


def _chained(entry: AuditEntry, sequence: int, subjects: Iterable[str]) -> ChainedEntry:
    return ChainedEntry(
        sequence,
        entry.recorded_at,
        entry.actor.name,
        entry.actor.key_id,
        entry.action,
        entry.position,
        dict(entry.detail),
        tuple(subjects),
    )


def _subjects(connection: Connection, patients: Collection[PatientKey]) -> dict[PatientKey, str]:
    """The digests of patients; one who is not held (any more) has none, and gets none."""
    salts = _salts(connection, patients)
    new = _held(connection, [key for key in patients if key not in salts])
    made = {key: token_hex(SALT_BYTES) for key in sorted(new)}
    rows = [(*key, salt) for key, salt in made.items()]
    insert_rows(connection, AuditSaltRow, ("facility", "patient", "salt"), rows)
    return {key: subject_of(salt, *key) for key, salt in (salts | made).items()}


def _salts(connection: Connection, patients: Iterable[PatientKey]) -> dict[PatientKey, str]:
    wanted = ("facility", "patient", "salt")
    rows = select_rows(connection, AuditSaltRow, PatientKey._fields, sorted(set(patients)), wanted)
    return {PatientKey(facility, patient): salt for facility, patient, salt in rows}


def _held(connection: Connection, patients: Iterable[PatientKey]) -> set[PatientKey]:
    columns = PatientKey._fields
    rows = select_rows(connection, RecordedEvent, columns, sorted(set(patients)), columns)
    return {PatientKey(*row) for row in rows}
