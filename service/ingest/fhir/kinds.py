"""Which kinds of resource are read, and by what.

In:     a resource.
Out:    its `Reading`.
Source: docs/fhir.md.
"""

from collections.abc import Mapping

from service.ingest.fhir.care import read_encounter, read_procedure
from service.ingest.fhir.diagnoses import read_condition
from service.ingest.fhir.elements import Element, Malformed
from service.ingest.fhir.laboratory import read_observation, read_report
from service.ingest.fhir.medications import read_medication
from service.ingest.fhir.people import read_patient
from service.ingest.fhir.readings import Reader, Reading, Surroundings, not_used

READERS: Mapping[str, Reader] = {
    "Patient": read_patient,
    "Procedure": read_procedure,
    "Condition": read_condition,
    "Observation": read_observation,
    "DiagnosticReport": read_report,
    "MedicationRequest": read_medication,
    "MedicationAdministration": read_medication,
    "MedicationStatement": read_medication,
    "Encounter": read_encounter,
}
USED_WITH_OTHERS = frozenset({"Specimen", "Medication"})
ACCEPTED = (*READERS, *sorted(USED_WITH_OTHERS))


def read(resource: Element, surroundings: Surroundings) -> Reading:
    """What a resource says; a fault in it is told as an issue."""
    kind = resource.text("resourceType")
    reader = READERS.get(kind)
    if reader is not None:
        try:
            return reader(resource, surroundings)
        except Malformed as fault:
            return Reading(issues=(fault.issue,))
    if kind in USED_WITH_OTHERS:
        return not_used(resource, "Read where another resource of the same Bundle refers to it.")
    return not_used(resource, "Resources of this kind are not used.")
