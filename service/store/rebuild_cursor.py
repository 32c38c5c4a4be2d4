"""How far a rebuild has come, so that one that was cut goes on from there.

In:     a `RebuildCursor`.
Out:    the same, as the last transaction of the rebuild left it.
Source: docs/operations.md, "Rebuild".
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import col

from service.store.events import PatientKey
from service.store.tables import RebuildCursorRow


@dataclass(frozen=True, slots=True)
class RebuildCursor:
    """The rules a rebuild counts under, the last patient done, and what was found so far."""

    rules_fingerprint: str
    last: PatientKey | None = None
    patients: int = 0
    patients_that_differ: int = 0


def rebuild_cursor(connection: Connection) -> RebuildCursor | None:
    """Where a rebuild under way stands; None where none is."""
    row = connection.execute(select(*RebuildCursorRow.metadata.tables["rebuild_cursor"].c)).first()
    if row is None:
        return None
    last = None if row.facility is None else PatientKey(row.facility, row.patient)
    return RebuildCursor(row.rules_fingerprint, last, row.patients, row.patients_that_differ)


def put_rebuild_cursor(connection: Connection, cursor: RebuildCursor) -> None:
    """Note how far the rebuild is."""
    remove_rebuild_cursor(connection)
    facility, patient = cursor.last or (None, None)
    connection.execute(
        insert(RebuildCursorRow),
        {
            "only_row": 1,
            "rules_fingerprint": cursor.rules_fingerprint,
            "facility": facility,
            "patient": patient,
            "patients": cursor.patients,
            "patients_that_differ": cursor.patients_that_differ,
        },
    )


def remove_rebuild_cursor(connection: Connection) -> None:
    """The rebuild is done, or is to begin anew."""
    connection.execute(delete(RebuildCursorRow))


def forget_in_rebuild(connection: Connection, patient: PatientKey) -> None:
    """Do not name an erased patient: the rebuild goes on from the beginning of its facility."""
    connection.execute(
        update(RebuildCursorRow)
        .where(
            col(RebuildCursorRow.facility) == patient.facility,
            col(RebuildCursorRow.patient) == patient.patient,
        )
        .values(patient="")
    )
