"""Microbiology: which organism was found, where, on which day.

In:     Observation, DiagnosticReport, with their specimens.
Out:    `infection` statements; nothing for what was not found, cancelled, or is a susceptibility.
Source: docs/fhir.md, Microbiology; HL7 v3 ObservationInterpretation; SNOMED CT qualifiers; LOINC
        answer lists (Positive, Detected, Present and their opposites).

An organism is found where it is the value ("Escherichia coli"), or where the test is named after
it and the value says that it is there ("Positive", "Isolated", a count that is no detection limit).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from service.domain.restating import Body
from service.ingest.fhir.elements import Concept, Element, Issue, Malformed
from service.ingest.fhir.readings import Reading, Surroundings, not_used, warned
from service.ingest.fhir.terms import (
    analyte_of,
    is_of_the_patient,
    organism_of,
    site_of,
    specimen_in_name,
)
from service.reference.vocabulary import Organism, Refusal

WITHDRAWN = frozenset({"cancelled", "entered-in-error"})
NOT_YET = frozenset({"registered"})
TENTATIVE = frozenset({"preliminary", "partial"})

ELSEWHERE = frozenset(
    {"social-history", "vital-signs", "survey", "exam", "therapy", "activity", "imaging"}
)
THERE_CODES = frozenset({"10828004", "260373001", "52101004", "LA6576-8", "LA11882-0", "LA9633-4"})
THERE_FLAGS = frozenset({"POS", "DET", "RR", "WR"})
THERE = re.compile(
    r"(?:weakly |strongly )?(?:positive|pos|detected|isolated|present|reactive|grown|\++)\b.*|\++",
    re.IGNORECASE,
)
COUNT = re.compile(r"([<>]?)=?\s*([0-9][0-9.,]*)(?:\s.*)?")
SUSCEPTIBILITY = re.compile(
    r"suscept|resistan|\bMIC\b|minimum inhibitory|antibiogram|disk diffusion", re.IGNORECASE
)
SEROLOGY = re.compile(r"antibod|\bIg[AGM]\b|\bAb\b|serolog|\btitr?er?\b", re.IGNORECASE)
MICROBIOLOGY = re.compile(
    r"identified|culture|organism|isolat|microb|bacteri|fung|virus|viral|parasit|\bAFB\b|\bPCR\b",
    re.IGNORECASE,
)
SCREENING = re.compile(r"screen|surveillance|coloni[sz]ation|carriage", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a result takes from its report and its specimen."""

    collected_on: str = ""
    specimen: Concept = field(default_factory=Concept)
    site: Concept = field(default_factory=Concept)


def read_observation(observation: Element, surroundings: Surroundings) -> Reading:
    """The organisms that a result has found."""
    report = surroundings.references.report_of(observation)
    if report is not None and report.text("status") in WITHDRAWN:
        return not_used(observation, "Its report was cancelled or entered in error.")
    if _is_elsewhere(observation):
        return not_used(observation, "Of observations only those of a laboratory are used.")
    around = _circumstances(observation, report, surroundings)
    if not is_of_the_patient(around.specimen):
        return not_used(observation, "A culture of a product is no infection of the patient.")
    bodies, issues = _found(observation, around, surroundings)
    if not bodies and not issues:
        return not_used(observation, "It tells of no organism that was found.")
    return Reading(bodies, issues)


def read_report(report: Element, surroundings: Surroundings) -> Reading:
    """What a report says beyond the results that are resources of their own."""
    status = report.text("status")
    if status in WITHDRAWN | NOT_YET:
        return not_used(report, "Cancelled, entered in error, or not reported yet.")
    around = _circumstances(report, None, surroundings)
    if not is_of_the_patient(around.specimen):
        return not_used(report, "A culture of a product is no infection of the patient.")
    bodies: list[Body] = []
    issues: list[Issue] = []
    is_along = False
    for reference in report.elements("result"):
        result = surroundings.references.resolve(reference, report)
        is_along = is_along or result is not None
        if result is not None and reference.text("reference").startswith("#"):
            found, more = _found(result, _circumstances(result, report, surroundings), surroundings)
            bodies += found
            issues += more
    if not is_along:
        for concept in report.concepts("conclusionCode"):
            organism = organism_of(concept)
            if isinstance(organism, Organism):
                bodies.append(_body(report, organism, around, Concept(), status))
    if not bodies and not issues:
        return not_used(report, "Its results are read for themselves; it adds none.")
    return Reading(_each_once(bodies), tuple(issues))


def _is_elsewhere(observation: Element) -> bool:
    """Is it an answer, a measurement or a habit, which may well name an organism?"""
    categories = {
        coding.code for each in observation.concepts("category") for coding in each.codings
    }
    return bool(categories & ELSEWHERE) and "laboratory" not in categories


def _found(
    result: Element, around: Circumstances, surroundings: Surroundings
) -> tuple[tuple[Body, ...], tuple[Issue, ...]]:
    """The organisms of a result, its components and its contained members."""
    status = result.text("status")
    code = result.concept("code")
    named = " ".join(code.words)
    if status in WITHDRAWN | NOT_YET or SUSCEPTIBILITY.search(named) or SEROLOGY.search(named):
        return (), ()
    bodies: list[Body] = []
    issues: list[Issue] = []
    organism = _organism(result, code)
    if isinstance(organism, Organism):
        bodies.append(_body(result, organism, around, code, status))
    elif isinstance(organism, Refusal):
        issues.append(warned(f"{result.path}.value", organism.message))
    for component in result.elements("component"):
        part = component.concept("code")
        words = " ".join(part.words)
        if SUSCEPTIBILITY.search(words) or SEROLOGY.search(words):
            continue
        found = _organism(component, part)
        if isinstance(found, Organism):
            bodies.append(_body(result, found, around, code, status))
        elif isinstance(found, Refusal):
            issues.append(warned(f"{component.path}.value", found.message))
    for member in result.elements("hasMember"):
        inside = surroundings.references.resolve(member, result)
        if inside is not None and member.text("reference").startswith("#"):
            more, told = _found(inside, around, surroundings)
            bodies += more
            issues += told
    return _each_once(bodies), tuple(issues)


def _organism(result: Element, code: Concept) -> Organism | Refusal | None:
    """What was found; a refusal where a value looks like an organism and none is known."""
    value = _value(result)
    named = organism_of(value) if value.terms else None
    if isinstance(named, Organism):
        return named
    if _is_there(result, value):
        return analyte_of(code)
    is_unknown = isinstance(named, Refusal) and named.code != "not_an_organism"
    is_told = not _flags(result) and not COUNT.fullmatch(value.text)
    if is_unknown and is_told and MICROBIOLOGY.search(" ".join(code.words)):
        return None if analyte_of(code) else named
    return None


def _value(result: Element) -> Concept:
    if result.has("valueString"):
        return Concept(text=result.text("valueString"))
    return result.concept("valueCodeableConcept")


def _is_there(result: Element, value: Concept) -> bool:
    """Does the result say that what was looked for is there?"""
    quantity = result.element("valueQuantity")
    count = quantity.number("value")
    if count is not None:
        return count > 0 and not quantity.text("comparator").startswith("<")
    if result.has("valueInteger"):
        return (result.number("valueInteger") or 0) > 0
    if any(coding.code in THERE_CODES for coding in value.codings):
        return True
    for text in value.words:
        counted = COUNT.fullmatch(text)
        if counted:
            return counted[1] != "<" and counted[2].strip("0.,") != ""
        if THERE.fullmatch(text):
            return True
    return not value.terms and bool(_flags(result) & THERE_FLAGS)


def _flags(result: Element) -> set[str]:
    return {coding.code for each in result.concepts("interpretation") for coding in each.codings}


def _circumstances(
    result: Element, report: Element | None, surroundings: Surroundings
) -> Circumstances:
    """The specimen and the day: the result's own, else the report's."""
    specimens = list(_specimens(result, surroundings))
    if report is not None:
        specimens += _specimens(report, surroundings)
    collections = [specimen.element("collection") for specimen in specimens]
    days = [
        each.day("collectedDateTime") or each.element("collectedPeriod").day("start")
        for each in collections
    ]
    days += [_reported_on(each) for each in (result, report) if each is not None]
    sites = [result.concept("bodySite"), *(each.concept("bodySite") for each in collections)]
    return Circumstances(
        next((day for day in days if day), ""),
        next((kind for each in specimens if (kind := each.concept("type")).terms), Concept()),
        next((site for site in sites if site.terms), Concept()),
    )


def _specimens(result: Element, surroundings: Surroundings) -> Iterator[Element]:
    references = (
        [result.element("specimen")]
        if isinstance(result.value.get("specimen"), dict)
        else list(result.elements("specimen"))
    )
    for reference in references:
        found = surroundings.references.resolve(reference, result)
        if found is not None:
            yield found
        elif reference.has("display"):
            shown = {"type": {"text": reference.text("display")}}
            yield Element(shown, reference.path)


def _reported_on(result: Element) -> str:
    return (
        result.day("effectiveDateTime", "effectiveInstant")
        or result.element("effectivePeriod").day("start")
        or result.day("issued")
    )


def _body(
    result: Element, organism: Organism, around: Circumstances, code: Concept, status: str
) -> Body:
    if not around.collected_on:
        message = "A finding needs the day of its specimen, effective[x] or issued."
        raise Malformed(f"{result.path}.effective", message, "required")
    body: Body = {
        "type": "infection",
        "occurred_on": around.collected_on,
        "organism": organism.name,
    }
    specimen = site_of(around.specimen) or site_of(specimen_in_name(code))
    site = site_of(around.site)
    if specimen is not None:
        body["specimen"] = specimen.specimen or specimen.name
    if site is not None:
        body["site"] = site.name
    if status in TENTATIVE:
        body["certainty"] = "probable"
    if SCREENING.search(" ".join(code.words)):
        body["status"] = "colonisation"
    return body


def _each_once(bodies: list[Body]) -> tuple[Body, ...]:
    return tuple(body for place, body in enumerate(bodies) if body not in bodies[:place])
