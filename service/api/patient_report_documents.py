"""What is told to a patient who asks: everything held, and every access.

In:     a `PatientReport` and today's date.
Out:    one document.
Source: docs/audit.md; GDPR, Article 15.
"""

import json
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from service.api.patient_answers import tell_events, tell_patient
from service.api.patient_documents import Patient, ReceivedEvent
from service.domain.audit_chain import ChainedEntry
from service.pipeline.patient_reports import PatientReport


class Who(BaseModel):
    """Who did or saw something: the name of a key and its id, or `command line`."""

    actor: str
    key_id: str | None


class ReportedEvent(ReceivedEvent):
    """An event as it was received, what became of it, and who sent it."""

    recorded_by: Who | None = Field(
        description="Null where it was recorded before the audit trail named senders."
    )


class WaitingRow(BaseModel):
    """A row of a file that is held and not recorded yet."""

    import_id: str
    row: int = Field(description="Its number in the file.")
    said: Any = Field(description="What is held of it until it is recorded.")


class ReportedAlert(BaseModel):
    """An alert in which a case of the patient stands."""

    id: str
    title: str
    status: str
    opened_at: datetime


class Access(BaseModel):
    """Somebody saw the patient."""

    entry: int = Field(description="Its number in the audit trail.")
    recorded_at: datetime
    actor: str
    key_id: str | None
    action: str = Field(examples=["patient_shown", "alert_shown", "rate_explained"])
    facts: dict[str, Any] = Field(description="What was asked for.")


class PatientReportDocument(BaseModel):
    """Everything that is held of one patient, and who saw it."""

    facility: str
    patient: str
    position: int = Field(description="The ledger's position that this speaks for.")
    timeline: Patient = Field(description="What is computed from the events, and counted.")
    events: list[ReportedEvent] = Field(description="In order of receipt.")
    sources: list[str] = Field(description="Names of the hospital's documents, hashed by the key.")
    waiting: list[WaitingRow] = Field(description="Rows of files that are not recorded yet.")
    alerts: list[ReportedAlert]
    accesses: list[Access] = Field(description="The latest first; this report is among them.")


def tell_report(report: PatientReport, today: date) -> PatientReportDocument:
    """The whole report."""
    file = report.file
    return PatientReportDocument(
        facility=file.key.facility,
        patient=file.key.patient,
        position=file.position,
        timeline=tell_patient(file, today),
        events=[
            ReportedEvent(
                **event.model_dump(), recorded_by=_who(report.recorded_by.get(event.position))
            )
            for event in tell_events(file).items
        ],
        sources=list(report.sources),
        waiting=[
            WaitingRow(import_id=row.import_id, row=row.number, said=json.loads(row.said))
            for row in report.waiting
        ],
        alerts=[
            ReportedAlert(
                id=alert.state.id,
                title=alert.state.title,
                status=alert.state.status,
                opened_at=alert.opened_at,
            )
            for alert in report.alerts
        ],
        accesses=[_access(entry) for entry in report.accesses],
    )


def _who(entry: ChainedEntry | None) -> Who | None:
    return Who(actor=entry.actor, key_id=entry.key_id) if entry else None


def _access(entry: ChainedEntry) -> Access:
    return Access(
        entry=entry.sequence,
        recorded_at=entry.recorded_at,
        actor=entry.actor,
        key_id=entry.key_id,
        action=entry.action,
        facts=dict(entry.detail),
    )
