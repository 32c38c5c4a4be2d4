"""The rows of a file, from when they come until they are recorded.

In:     rows as text, by their number within an import, and whose they are.
Out:    the same, in order; nothing once they are recorded, or their patient is erased.
Source: docs/imports.md; docs/decisions/0021-files-wait-in-the-store.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlmodel import col

from service.store.bulk import insert_rows
from service.store.events import PatientKey
from service.store.tables import ImportRow, ImportWaitingRow

COLUMNS = ("import_id", "number", "facility", "patient", "body")


class WaitingRow(NamedTuple):
    """A row by its number, from 1; whose it is, None of a row that could not be read."""

    number: int
    facility: str | None
    patient: str | None
    body: str


def add_rows(connection: Connection, import_id: str, rows: Sequence[WaitingRow]) -> None:
    """Put rows down."""
    insert_rows(connection, ImportWaitingRow, COLUMNS, [(import_id, *row) for row in rows])


def rows_after(
    connection: Connection, import_id: str, number: int, limit: int
) -> list[tuple[int, str]]:
    """The next rows, each as its number and its text."""
    place = col(ImportWaitingRow.number)
    query = (
        select(place, col(ImportWaitingRow.body))
        .where(col(ImportWaitingRow.import_id) == import_id, place > number)
        .order_by(place)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def rows_of_patient(connection: Connection, patient: PatientKey) -> list[tuple[str, int, str]]:
    """What waits of a patient: the import, the row's number in it, and its text."""
    query = (
        select(
            col(ImportWaitingRow.import_id),
            col(ImportWaitingRow.number),
            col(ImportWaitingRow.body),
        )
        .where(
            col(ImportWaitingRow.facility) == patient.facility,
            col(ImportWaitingRow.patient) == patient.patient,
        )
        .order_by(col(ImportWaitingRow.import_id), col(ImportWaitingRow.number))
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def drop_rows(connection: Connection, import_id: str, up_to: int | None = None) -> None:
    """Remove the rows of an import, all of them or up to a number."""
    gone = delete(ImportWaitingRow).where(col(ImportWaitingRow.import_id) == import_id)
    if up_to is not None:
        gone = gone.where(col(ImportWaitingRow.number) <= up_to)
    connection.execute(gone)


def drop_orphans(connection: Connection, import_id: str | None = None, *, before: str = "") -> None:
    """Remove the rows of files that were never sent whole: of one, or all named before a name."""
    name = col(ImportWaitingRow.import_id)
    of_files = name == import_id if import_id else name < before
    unsent = name.not_in(select(col(ImportRow.id)))
    connection.execute(delete(ImportWaitingRow).where(of_files, unsent))


def forget_in_imports(connection: Connection, patient: PatientKey) -> None:
    """Remove the rows of a patient that wait."""
    connection.execute(
        delete(ImportWaitingRow).where(
            col(ImportWaitingRow.facility) == patient.facility,
            col(ImportWaitingRow.patient) == patient.patient,
        )
    )
