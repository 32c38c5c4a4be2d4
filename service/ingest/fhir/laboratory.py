"""Microbiology: which organisms were found, where, on which day.

In:     Observation, DiagnosticReport, with their specimens.
Out:    `infection` statements; nothing for what was not found, cancelled, or is a susceptibility.
Source: docs/fhir.md, Microbiology.
"""

import re

from service.domain.restating import Body
from service.ingest.fhir.elements import Concept, Element, Incomplete, Issue
from service.ingest.fhir.findings import Unread, finds_organisms, organism_found
from service.ingest.fhir.readings import Reading, Surroundings, not_used, warned
from service.ingest.fhir.specimens import Circumstances, circumstances
from service.ingest.fhir.terms import is_of_the_patient, organism_of, site_of, specimen_in_name
from service.reference.vocabulary import Organism

WITHDRAWN = frozenset({"cancelled", "entered-in-error"})
NOT_YET = frozenset({"registered"})
TENTATIVE = frozenset({"preliminary", "partial"})

ELSEWHERE = frozenset(
    {"social-history", "vital-signs", "survey", "exam", "therapy", "activity", "imaging"}
)
SCREENING = re.compile(r"screen|surveillance|coloni[sz]ation|carriage", re.IGNORECASE)


def read_observation(observation: Element, surroundings: Surroundings) -> Reading:
    """The organisms that a result has found."""
    report = surroundings.references.report_of(observation)
    if report is not None and report.text("status") in WITHDRAWN:
        return not_used(observation, "Its report was cancelled or entered in error.")
    if _is_elsewhere(observation):
        return not_used(observation, "Of observations only those of a laboratory are used.")
    around = circumstances(observation, report, surroundings)
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
    around = circumstances(report, None, surroundings)
    if not is_of_the_patient(around.specimen):
        return not_used(report, "A culture of a product is no infection of the patient.")
    bodies: list[Body] = []
    issues: list[Issue] = []
    is_along = False
    for reference in report.elements("result"):
        result = surroundings.references.resolve(reference, report)
        is_along = is_along or result is not None
        if result is not None and reference.text("reference").startswith("#"):
            found, more = _found(result, circumstances(result, report, surroundings), surroundings)
            bodies += found
            issues += more
    if not is_along:
        for concept in report.concepts("conclusionCode"):
            organism = organism_of(concept)
            if isinstance(organism, Organism):
                bodies.append(_body(report, organism.name, around, Concept(), status))
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
    if status in WITHDRAWN | NOT_YET or not finds_organisms(code):
        return (), ()
    bodies: list[Body] = []
    issues: list[Issue] = []
    organism = organism_found(result, code)
    if isinstance(organism, Organism):
        bodies.append(_body(result, organism.name, around, code, status))
    elif isinstance(organism, Unread):
        issues += _passed_over(result, organism)
        bodies += _doubtful(result, organism, around, code, status)
    for component in result.elements("component"):
        part = component.concept("code")
        found = organism_found(component, part) if finds_organisms(part) else None
        if isinstance(found, Organism):
            bodies.append(_body(result, found.name, around, code, status))
        elif isinstance(found, Unread):
            issues += _passed_over(component, found)
            bodies += _doubtful(result, found, around, code, status)
    for member in result.elements("hasMember"):
        inside = surroundings.references.resolve(member, result)
        if inside is not None and member.text("reference").startswith("#"):
            more, told = _found(inside, around, surroundings)
            bodies += more
            issues += told
    return _each_once(bodies), tuple(issues)


def _passed_over(result: Element, unread: Unread) -> list[Issue]:
    """What is not kept is told; of what waits the event itself says so."""
    return [] if unread.text else [warned(f"{result.path}.value", unread.message)]


def _doubtful(
    result: Element, unread: Unread, around: Circumstances, code: Concept, status: str
) -> list[Body]:
    """What may be an organism and may be none: it counts for nothing until somebody decides."""
    if unread.text is None:
        return []
    return [_body(result, unread.text, around, code, status) | {"while_unread": "waits"}]


def _body(
    result: Element, organism: str, around: Circumstances, code: Concept, status: str
) -> Body:
    if not around.collected_on:
        message = "A finding needs the day of its specimen, effective[x] or issued."
        raise Incomplete(f"{result.path}.effective", message)
    body: Body = {
        "type": "infection",
        "occurred_on": around.collected_on,
        "organism": organism,
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
