"""Microbiology results: each order of a message as the report that it is.

In:     an ORU^R01 message.
Out:    `Order`s: the name under which an order is known, and the report as FHIR has it, which
        `service.ingest.fhir.laboratory` reads.
Source: HL7 v2.5.1, 7.3.1 and 7.4 (OBR, OBX, SPM); v2-to-FHIR Implementation Guide (ORU_R01);
        tables 0085 (OBX-11), 0123 (OBR-25).

What names an organism, and which answers mean that it is there, stands in one place for both
formats. Results of results (OBR-26: susceptibilities of an isolate) are no orders of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.ingest.fhir.elements import Element
from service.ingest.hl7.people import day_of
from service.ingest.hl7.syntax import Message, Part, Segment

RESULT_STATUS = {
    "X": "cancelled",
    "D": "entered-in-error",
    "W": "entered-in-error",
    "I": "registered",
    "O": "registered",
    "N": "registered",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "C": "corrected",
}
ORDER_STATUS = {
    "X": "cancelled",
    "Y": "registered",
    "Z": "registered",
    "O": "registered",
    "I": "registered",
    "S": "registered",
    "P": "preliminary",
    "A": "partial",
    "R": "preliminary",
    "C": "corrected",
}
SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "SNM": "http://snomed.info/sct",
}
NUMERIC, STRUCTURED = "NM", "SN"
CODED = frozenset({"CE", "CWE", "CNE", "CF", "IS", "ID"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """A report and the name under which the laboratory knows it, which may hold a patient's."""

    name: str
    report: Element
    where: str


@dataclass
class _Group:
    """An OBR with what belongs to it; SPM may stand before or after the results."""

    request: Segment
    number: int
    results: list[Segment] = field(default_factory=list)
    specimens: list[Segment] = field(default_factory=list)


def orders(message: Message) -> Iterator[Order]:
    """The orders of a message, those of results left out."""
    for group in _groups(message):
        if group.request.parts(26):
            continue
        yield Order(_name(message, group.request), _report(group), f"OBR^{group.number}")


def _groups(message: Message) -> list[_Group]:
    groups: list[_Group] = []
    for segment in message.segments:
        if segment.name == "OBR":
            groups.append(_Group(segment, len(groups) + 1))
        elif segment.name == "OBX" and groups:
            # Since 2.5.1 an OBX may speak of a specimen: it says nothing of an organism either way.
            groups[-1].results.append(segment)
        elif segment.name == "SPM" and groups:
            groups[-1].specimens.append(segment)
    return groups


def _name(message: Message, request: Segment) -> str:
    """The filler's number, else the placer's, else what was ordered when."""
    for number in (3, 2):
        part = request.part(number)
        if part.component(1):
            return f"{part.component(1)}|{part.component(2)}"
    patient = message.first("PID")
    whose = patient.part(3).text if patient else ""
    return "|".join((whose, request.part(4).text, request.text(7)))


def _report(group: _Group) -> Element:
    request = group.request
    collected = [day_of(one.text(17)) for one in group.specimens]
    collected += [day_of(request.text(7)), day_of(request.text(22))]
    collected_on = next((day for day in collected if day), "")
    observations = [
        _observation(result, request, collected_on, place)
        for place, result in enumerate(group.results, start=1)
    ]
    specimen = _specimen(group, collected_on)
    report: Json = {
        "resourceType": "DiagnosticReport",
        "status": ORDER_STATUS.get(request.text(25).upper(), "final"),
        "code": _concept(request.part(4)),
        "specimen": [{"reference": "#s"}],
        "contained": [specimen, *observations],
        "result": [{"reference": f"#{one['id']}"} for one in observations],
        **({"effectiveDateTime": collected_on} if collected_on else {}),
    }
    return Element(report, f"OBR[{group.number}]")


def _specimen(group: _Group, collected_on: str) -> Json:
    kinds: Sequence[Part] = [one.part(4) for one in group.specimens if one.parts(4)]
    sites: Sequence[Part] = [one.part(8) for one in group.specimens if one.parts(8)]
    source = group.request.part(15)
    kind = _concept(kinds[0]) if kinds else _subconcept(source, 1)
    site = _concept(sites[0]) if sites else _subconcept(source, 4)
    collection: Json = {"bodySite": site} if site else {}
    if collected_on:
        collection["collectedDateTime"] = collected_on
    return {"resourceType": "Specimen", "id": "s", "type": kind, "collection": collection}


def _observation(result: Segment, request: Segment, collected_on: str, place: int) -> Json:
    seen_on = day_of(result.text(14)) or collected_on
    flags = [{"coding": [{"code": part.component(1)}]} for part in result.parts(8)]
    code = _concept(result.part(3)) | {"text": request.text(4, 2)}
    return {
        "resourceType": "Observation",
        "id": f"o{place}",
        "status": RESULT_STATUS.get(result.text(11).upper(), "final"),
        "code": code,
        "specimen": {"reference": "#s"},
        **({"interpretation": flags} if flags else {}),
        **({"effectiveDateTime": seen_on} if seen_on else {}),
        **_value(result),
    }


def _value(result: Segment) -> Json:
    """OBX-5 by its type; several repetitions of text are one text."""
    kind, parts = result.text(2).upper(), result.parts(5)
    if not parts:
        return {}
    first = parts[0]
    if kind == NUMERIC and (number := _number(first.component(1))) is not None:
        return {"valueQuantity": {"value": number}}
    if kind == STRUCTURED and (number := _number(first.component(2))) is not None:
        comparator = first.component(1)
        is_bound = comparator.startswith(("<", ">"))
        return {
            "valueQuantity": {"value": number} | ({"comparator": comparator} if is_bound else {})
        }
    if kind in CODED or (first.component(2) and not kind):
        return {"valueCodeableConcept": _concept(first)}
    text = " ".join(part.whole for part in parts)
    return {"valueString": text[:2000]}


def _concept(part: Part) -> Json:
    """CE or CWE: code, name and system, their alternatives, the original text."""
    codings = [
        {
            "system": SYSTEMS.get(part.component(first + 2).upper(), "urn:local"),
            "code": part.component(first),
            "display": part.component(first + 1),
        }
        for first in (1, 4)
        if part.component(first) or part.component(first + 1)
    ]
    return {"coding": codings, "text": part.component(9)}


def _subconcept(part: Part, component: int) -> Json:
    """A coded component of a field before SPM was: its parts are subcomponents."""
    code, display = part.component(component, 1), part.component(component, 2)
    return {"coding": [{"code": code, "display": display}]} if code or display else {}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
