"""Where and when a result was come by: its specimen, its site, its day.

In:     an Observation or DiagnosticReport, the report it belongs to, and what came along.
Out:    `Circumstances`.
Source: docs/fhir.md, Microbiology: the result's own, else its report's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from service.ingest.fhir.elements import Concept, Element
from service.ingest.fhir.readings import Surroundings


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a result takes from its report and its specimen."""

    collected_on: str = ""
    specimen: Concept = field(default_factory=Concept)
    site: Concept = field(default_factory=Concept)


def circumstances(
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
