"""A patient's own report: everything held of the patient, and every access to it.

In:     a patient.
Out:    a `PatientReport`.
Source: docs/audit.md; GDPR, Article 15.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.domain.audit_chain import ChainedEntry
from service.pipeline.audit_trail import RECORDED
from service.pipeline.patients import PatientFile
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store import audit, audit_log, import_rows
from service.store import sources as source_store
from service.store.alerts import KeptAlert
from service.store.engine import Connection


class WaitingOfFile(NamedTuple):
    """A row of a file that was sent and is not recorded yet; `said` is JSON."""

    import_id: str
    number: int
    said: str


@dataclass(frozen=True, slots=True)
class PatientReport:
    """What is held and who saw it; `recorded_by` holds the entry of each event by its position.

    An event that was recorded before such entries were kept has none.
    """

    file: PatientFile
    recorded_by: Mapping[int, ChainedEntry]
    sources: tuple[str, ...]
    waiting: tuple[WaitingOfFile, ...]
    alerts: tuple[KeptAlert, ...]
    accesses: tuple[ChainedEntry, ...]


def report_patient(surveillance: Surveillance, file: PatientFile) -> PatientReport:
    """Gather what is held beside the patient's file, and who saw the patient, the latest first."""
    with surveillance.database.read() as connection:
        subjects = [
            subject for key in file.pseudonyms if (subject := audit.subject(connection, key))
        ]
        seen = audit_log.entries(connection, limit=None, subjects=subjects) if subjects else []
        found = [
            alert_store.find_alert(connection, alert_id)
            for key in file.pseudonyms
            for alert_id in alert_store.alerts_with(connection, *key)
        ]
        return PatientReport(
            file=file,
            recorded_by=_recorded_by(connection, [row.position for row in file.received]),
            sources=tuple(
                source
                for key in file.pseudonyms
                for source in source_store.sources_of(connection, key)
            ),
            waiting=tuple(
                WaitingOfFile(*row)
                for key in file.pseudonyms
                for row in import_rows.rows_of_patient(connection, key)
            ),
            alerts=tuple(alert for alert in found if alert),
            accesses=tuple(seen),
        )


def _recorded_by(connection: Connection, positions: Iterable[int]) -> dict[int, ChainedEntry]:
    """The entry that each position belongs to; one look for all of a transaction."""
    found: dict[int, ChainedEntry] = {}
    of_transaction: list[ChainedEntry] = []
    reached = 0
    for position in sorted(positions):
        if position > reached:
            of_transaction = audit_log.entries_that_reached(connection, RECORDED, position)
            reached = (of_transaction[0].position or 0) if of_transaction else position
        entry = next((one for one in of_transaction if _holds(one.detail, position)), None)
        if entry:
            found[position] = entry
    return found


def _holds(detail: Mapping[str, Any], position: int) -> bool:
    return any(first <= position <= last for first, last in detail["positions"])
