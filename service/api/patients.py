"""One patient: the timeline as computed, the events as received, and erasure.

In:     a facility and the pseudonym that is unique within it.
Out:    documents, or nothing of the patient ever again.
Source: docs/api.md.
"""

from fastapi import APIRouter, Response

from service.api.dependencies import Operator, PatientReader, SightingsDep, SurveillanceDep
from service.api.patient_answers import tell_events, tell_patient
from service.api.patient_documents import Patient, PatientEvents
from service.api.patient_report_documents import PatientReportDocument, tell_report
from service.pipeline.erase import erase
from service.pipeline.patient_reports import report_patient
from service.pipeline.patients import find_patient
from service.store.events import PatientKey

router = APIRouter(prefix="/v1/facilities/{facility}/patients/{patient}", tags=["patients"])


@router.get("")
def show_patient(
    facility: str,
    patient: str,
    surveillance: SurveillanceDep,
    sightings: SightingsDep,
    principal: PatientReader,
) -> Patient:
    """Show one patient's timeline: courses, time at risk, regimens, episodes, and every record
    with how it counted and, where it did not, why. Needs the scope `patients:read`."""
    principal.require_facility(facility)
    found = find_patient(surveillance, PatientKey(facility, patient))
    sightings.note(principal.actor, "patient_shown", [found.key], facility=facility)
    return tell_patient(found, surveillance.today())


@router.get("/events")
def show_patient_events(
    facility: str,
    patient: str,
    surveillance: SurveillanceDep,
    sightings: SightingsDep,
    principal: PatientReader,
) -> PatientEvents:
    """Show one patient's events as received, in that order; those replaced or voided are marked
    with the event that did it. Needs the scope `patients:read`."""
    principal.require_facility(facility)
    found = find_patient(surveillance, PatientKey(facility, patient))
    sightings.note(principal.actor, "patient_events_shown", [found.key], facility=facility)
    return tell_events(found)


@router.get("/report")
def show_patient_report(
    facility: str,
    patient: str,
    surveillance: SurveillanceDep,
    sightings: SightingsDep,
    principal: PatientReader,
    _operator: Operator,
) -> PatientReportDocument:
    """Tell a patient who asks: everything that is held, with who sent it, and who saw it when,
    this report included. Needs the scopes `patients:read` and `manage`."""
    principal.require_facility(facility)
    file = find_patient(surveillance, PatientKey(facility, patient))
    sightings.note(principal.actor, "patient_report_shown", [file.key], facility=facility)
    sightings.flush()
    return tell_report(report_patient(surveillance, file), surveillance.today())


@router.delete("", status_code=204)
def erase_patient(
    facility: str, patient: str, surveillance: SurveillanceDep, principal: Operator
) -> Response:
    """Erase one patient: events, ledger rows and cases in alerts go for good, the sums are put
    right, alerts are evaluated again, and the audit trail notes that a patient of the facility
    was erased, not which. Cannot be undone. Needs the scope `manage`."""
    principal.require_facility(facility)
    erase(surveillance, PatientKey(facility, patient), actor=principal.actor)
    return Response(status_code=204)
