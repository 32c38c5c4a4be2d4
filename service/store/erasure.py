"""What an erasure removes beside the events and the ledger.

In:     a patient.
Out:    alerts without the patient's cases.
Source: docs/api.md, erasure.
"""

from sqlalchemy import Connection, delete, func, select, update
from sqlmodel import col

from service.store.events import PatientKey
from service.store.tables import AlertCaseRow, AlertRow


def forget_in_alerts(connection: Connection, patient: PatientKey) -> int:
    """Remove the patient's cases from all alerts, closed ones too; returns how many there were.

    The first and last onset of those alerts are then those of the cases left.
    """
    of_patient = (
        col(AlertCaseRow.facility) == patient.facility,
        col(AlertCaseRow.patient) == patient.patient,
    )
    named = select(col(AlertCaseRow.alert_id)).where(*of_patient).distinct()
    alert_ids = connection.execute(named).scalars().all()
    removed = connection.execute(delete(AlertCaseRow).where(*of_patient)).rowcount
    for alert_id in alert_ids:
        onset_day = col(AlertCaseRow.onset_day)
        left = select(func.min(onset_day), func.max(onset_day)).where(
            col(AlertCaseRow.alert_id) == alert_id
        )
        first, last = connection.execute(left).one()
        connection.execute(
            update(AlertRow)
            .where(col(AlertRow.id) == alert_id)
            .values(first_onset_day=first, last_onset_day=last)
        )
    return removed
