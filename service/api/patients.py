"""One patient: the timeline as computed, the events as received, and erasure.

In:     a facility and the pseudonym that is unique within it.
Out:    documents, or nothing of the patient ever again.
Source: docs/api.md.
"""

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import (
    EventWriter,
    Operator,
    PatientReader,
    SightingsDep,
    SurveillanceDep,
)
from service.api.patient_answers import tell_events, tell_patient
from service.api.patient_documents import MergedInto, Patient, PatientEvents
from service.api.patient_report_documents import PatientReportDocument, tell_report
from service.errors import BadQuery, Detail
from service.ingest.fields import Identifier
from service.ingest.wire import Strict
from service.pipeline.erase import erase
from service.pipeline.identities import merge, part
from service.pipeline.patient_reports import report_patient
from service.pipeline.patients import find_patient
from service.store.events import PatientKey


class Survivor(Strict):
    """Who a patient turned out to be."""

    patient: Identifier = Field(
        description="The pseudonym that stands for both from now on.", examples=["p0002"]
    )


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


@router.put("/merged-into")
def merge_patient(
    facility: str,
    patient: str,
    survivor: Survivor,
    surveillance: SurveillanceDep,
    principal: EventWriter,
) -> MergedInto:
    """Merge a patient into another of the facility: both are one person, whose timeline is that of
    all events under either pseudonym, those still to come included. Done again it changes nothing.
    Needs the scope `events:write`."""
    principal.require_facility(facility)
    if survivor.patient == patient:
        message = "Must name another patient."
        raise BadQuery(message, details=(Detail("/patient", "self_reference", message),))
    position = merge(
        surveillance,
        PatientKey(facility, patient),
        PatientKey(facility, survivor.patient),
        principal.actor,
    )
    return MergedInto(
        facility=facility, patient=patient, merged_into=survivor.patient, position=position
    )


@router.delete("/merged-into", status_code=204)
def part_patient(
    facility: str, patient: str, surveillance: SurveillanceDep, principal: EventWriter
) -> Response:
    """Take a merge back: the patient is a person alone again, exactly as if never merged; what was
    known meanwhile stays in `as_of`. Needs the scope `events:write`."""
    principal.require_facility(facility)
    part(surveillance, PatientKey(facility, patient), principal.actor)
    return Response(status_code=204)


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
