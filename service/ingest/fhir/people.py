"""Patients: how a resource names its own, and what a Patient resource says.

In:     a Patient, or the `subject` of another resource.
Out:    `PersonNamed`, from which the pseudonym is made; year of birth, sex and death.
Source: docs/fhir.md, Patients. Names, addresses, telephone numbers and photos are not looked at.
"""

from collections.abc import Mapping
from typing import NamedTuple

from service.domain.restating import Body
from service.ingest.fhir.elements import Element, Incomplete, Issue, Malformed
from service.ingest.fhir.readings import Reading, Surroundings, warned
from service.ingest.fhir.references import Identifier, References, literal, sought
from service.ingest.fields import EARLIEST
from service.reference import SEXES

NOT_A_PATIENT = "It is about something else than a Patient."
PAST_USES = frozenset({"old", "temp"})


class PersonNamed(NamedTuple):
    """A patient as a hospital's systems name them: by a number, by a resource's id, or both."""

    identifier: Identifier | None = None
    resource_id: str = ""


def record_number(patient: Element) -> Identifier | None:
    """The medical record number, or else the first identifier that is in use."""
    in_use = [
        found
        for each in patient.elements("identifier")
        if each.text("use") not in PAST_USES and (found := Identifier.of(each))
    ]
    return next((found for found in in_use if found.is_record), in_use[0] if in_use else None)


def subject_of(resource: Element, references: References, names: Mapping[int, str]) -> PersonNamed:
    """Whom a resource is about; `Malformed` where it does not say.

    `names` are the ids of the Patients that came along, by their identity as Python objects.
    """
    name = "subject" if resource.has("subject") else "patient"
    subject = resource.element(name)
    along = references.resolve(subject, resource)
    if along is not None:
        if along.text("resourceType") != "Patient":
            raise Incomplete(subject.path, NOT_A_PATIENT)
        named = PersonNamed(record_number(along), names.get(id(along.value), ""))
        if named == PersonNamed():
            raise Malformed(subject.path, "A contained Patient needs an identifier.", "required")
        return named
    logical = Identifier.of(subject.element("identifier"))
    reference = subject.text("reference")
    asked = sought(reference) if reference.startswith("Patient?") else None
    target = literal(reference)
    if target and target.kind == "Patient":
        return PersonNamed(logical or asked, target.name)
    if logical or asked:
        return PersonNamed(logical or asked)
    if target:
        raise Incomplete(subject.path, NOT_A_PATIENT)
    if reference:
        message = "The reference leads to no Patient: neither in this Bundle nor of the form "
        raise Malformed(subject.path, message + "Patient/[id].", "not-found")
    raise Incomplete(f"{resource.path}.subject", "It does not say whom it is about.")


def read_patient(patient: Element, _surroundings: Surroundings) -> Reading:
    """Year of birth, sex, and death."""
    birth_year = patient.year("birthDate")
    sex = patient.text("gender") or "unknown"
    if sex not in SEXES:
        raise Malformed(f"{patient.path}.gender", f"Must be one of {', '.join(SEXES)}.", "value")
    if birth_year is not None and birth_year < EARLIEST.year:
        birth_year = None
    body: Body = {
        "type": "demographics",
        "occurred_on": f"{birth_year or EARLIEST.year}-01-01",
        "sex": sex,
    }
    if birth_year is not None:
        body["birth_year"] = birth_year
    bodies, issues = [body], list[Issue]()
    died_on = patient.day("deceasedDateTime")
    if died_on:
        bodies.append({"type": "outcome", "outcome": "death", "occurred_on": died_on})
    elif patient.has("deceasedDateTime") or patient.value.get("deceasedBoolean") is True:
        why = "A death without its day cannot be counted. Send deceasedDateTime to the day."
        issues.append(warned(f"{patient.path}.deceased", why, "incomplete"))
    return Reading(tuple(bodies), tuple(issues))
