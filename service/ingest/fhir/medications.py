"""Drugs: each immunosuppressive agent from a day to another.

In:     MedicationRequest, MedicationAdministration, MedicationStatement.
Out:    `medication` statements, from which the regimen in force is put together.
Source: docs/fhir.md; docs/decisions/0015-medications-become-regimens.md. Drops, ointments, sprays
        and inhalers of the same substance are no systemic exposure.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from service.domain.restating import Body
from service.ingest.fhir.elements import Concept, Element, Incomplete
from service.ingest.fhir.readings import Reading, Surroundings, not_used, warned
from service.ingest.fhir.terms import agent_of
from service.reference.vocabulary import Refusal

GIVEN = frozenset({"active", "completed", "stopped", "on-hold", "in-progress", "intended"})
OVER = frozenset({"completed", "stopped"})
ORDERED = frozenset(
    {"", "order", "original-order", "reflex-order", "filler-order", "instance-order"}
)
LOCAL_FORM = re.compile(
    r"\b(?:ophthalm\w*|eye|ocular|intraocular|otic|ear|nasal|nose|inhal\w*|topical\w*|cutaneous"
    r"|skin|ointment|cream|gel|lotion|shampoo|foam|drops?|spray|enema|rectal|vaginal)\b",
    re.IGNORECASE,
)
LOCAL_ROUTES = frozenset({"54485002", "6064005", "10547007", "46713006", "37161004", "16857009"})
"""SNOMED CT: ophthalmic, topical, otic, nasal, per rectum, per vagina."""


class Course(NamedTuple):
    """From when to when; `is_open` where nothing says that it has ended."""

    start: str
    end: str
    is_open: bool


def read_medication(resource: Element, surroundings: Surroundings) -> Reading:
    """An agent from a day to another, if the drug is an immunosuppressant that is taken."""
    if resource.text("status") not in GIVEN or resource.text("intent") not in ORDERED:
        return not_used(resource, "Not given: a plan, a draft, cancelled, or entered in error.")
    if resource.value.get("doNotPerform") is True:
        return not_used(resource, "An order not to give a drug.")
    drug, form = _drug(resource, surroundings)
    if not drug.terms:
        why = "The drug has no RxNorm or ATC code and no text, nor a Medication in this Bundle."
        return Reading(issues=(warned(f"{resource.path}.medication", why, "not-found"),))
    if _is_local(resource, drug, form):
        return not_used(resource, "A form for eye, ear, nose, lung or skin: no systemic exposure.")
    found = agent_of(drug)
    if found is None or (isinstance(found, Refusal) and found.code != "ambiguous_term"):
        return not_used(resource, "Of drugs only systemic immunosuppressants are used.")
    if isinstance(found, Refusal):
        why = f"{found.message} Candidates: {', '.join(found.candidates)}."
        return Reading(issues=(warned(f"{resource.path}.medication", why, "multiple-matches"),))
    course = _course(resource)
    if not course.start:
        raise Incomplete(resource.path, "A drug needs the day on which it was begun.")
    body: Body = {"type": "medication", "occurred_on": course.start, "agent": found.name}
    if course.end and course.end >= course.start:
        return Reading(({**body, "ended_on": course.end},))
    if course.is_open:
        return Reading((body,))
    why = "It is over, and nothing says since when: the drug is taken to have been given for a day."
    after = (date.fromisoformat(course.start) + timedelta(days=1)).isoformat()
    return Reading(({**body, "ended_on": after},), (warned(resource.path, why, "incomplete"),))


def _drug(resource: Element, surroundings: Surroundings) -> tuple[Concept, Concept]:
    """The drug and its form: named here, in a Medication that came along, or by the reference."""
    named = resource.concept("medicationCodeableConcept")
    if named.terms:
        return named, Concept()
    reference = resource.element("medicationReference")
    medication = surroundings.references.resolve(reference, resource)
    if medication is None:
        return Concept(text=reference.text("display")), Concept()
    drug = medication.concept("code")
    if not drug.terms:
        ingredients = [
            each.concept("itemCodeableConcept") for each in medication.elements("ingredient")
        ]
        drug = next((each for each in ingredients if each.terms), drug)
    return drug, medication.concept("form")


def _is_local(resource: Element, drug: Concept, form: Concept) -> bool:
    told = (drug, form, *_routes(resource))
    return any(LOCAL_FORM.search(text) for concept in told for text in concept.words) or any(
        coding.code in LOCAL_ROUTES for concept in _routes(resource) for coding in concept.codings
    )


def _routes(resource: Element) -> Iterator[Concept]:
    if isinstance(resource.value.get("dosage"), dict):
        yield resource.element("dosage").concept("route")
        return
    for name in ("dosageInstruction", "dosage"):
        for dosage in resource.elements(name):
            yield dosage.concept("route")


def _course(resource: Element) -> Course:
    return _COURSES[resource.text("resourceType")](resource)


def _of_request(resource: Element) -> Course:
    bounds = [
        dosage.element("timing").element("repeat").element("boundsPeriod")
        for dosage in resource.elements("dosageInstruction")
    ]
    valid = resource.element("dispenseRequest").element("validityPeriod")
    starts = [day for each in bounds if (day := each.day("start"))]
    ends = [day for each in bounds if (day := each.day("end"))]
    return Course(
        min(starts, default="") or resource.day("authoredOn") or valid.day("start"),
        max(ends, default="") or valid.day("end"),
        is_open=resource.text("status") not in OVER,
    )


def _of_statement(resource: Element) -> Course:
    period = resource.element("effectivePeriod")
    start = period.day("start") or resource.day("effectiveDateTime", "dateAsserted")
    return Course(start, period.day("end"), is_open=resource.text("status") not in OVER)


def _of_administration(resource: Element) -> Course:
    """A single one speaks to the next day, on which there will be another or none."""
    period = resource.element("effectivePeriod")
    if period.has("start"):
        return Course(period.day("start"), period.day("end"), is_open=not period.has("end"))
    start = resource.day("effectiveDateTime")
    if not start:
        return Course("", "", is_open=False)
    after = (date.fromisoformat(start) + timedelta(days=1)).isoformat()
    return Course(start, after, is_open=False)


_COURSES = {
    "MedicationRequest": _of_request,
    "MedicationStatement": _of_statement,
    "MedicationAdministration": _of_administration,
}
