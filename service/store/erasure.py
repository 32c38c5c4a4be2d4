"""What an erasure removes beside the events and the ledger.

In:     a patient.
Out:    alerts without the patient's cases.
Source: CONTRACT 1, erasure.
"""

from sqlalchemy import Connection, delete
from sqlmodel import col

from service.store.events import PatientKey
from service.store.tables import AlertCaseRow


def forget_in_alerts(connection: Connection, patient: PatientKey) -> int:
    """Remove the patient's cases from all alerts, closed ones too; returns how many there were."""
    return connection.execute(
        delete(AlertCaseRow).where(
            col(AlertCaseRow.facility) == patient.facility,
            col(AlertCaseRow.patient) == patient.patient,
        )
    ).rowcount
