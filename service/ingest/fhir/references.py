"""References between resources: within a Bundle, to contained ones, or out into the unknown.

In:     the entries of a Bundle.
Out:    the resource that a reference means, if it came along; the kind and id that it names.
Source: FHIR R4, references; Bundle: resolving references (fullUrl, urn:uuid, relative, absolute).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl

from service.ingest.fhir.elements import Element

_LITERAL = re.compile(
    r"(?:.*/)?([A-Z][A-Za-z]{2,40})/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)


RECORD_NUMBER = "MR"


class Identifier(NamedTuple):
    """A business identifier: the register, the value there, and whether it is a record number."""

    system: str
    value: str
    is_record: bool = False

    @classmethod
    def of(cls, element: Element) -> "Identifier | None":
        """The identifier of an element, if it has a value."""
        value = element.text("value")
        if not value:
            return None
        codings = element.concept("type").codings
        is_record = any(coding.code == RECORD_NUMBER for coding in codings)
        return cls(element.text("system"), value, is_record)


class Literal(NamedTuple):
    """A kind of resource and its id."""

    kind: str
    name: str


def literal(reference: str) -> Literal | None:
    """What a relative or absolute reference names.

    >>> literal("https://ehr.example/fhir/Patient/12/_history/3")
    Literal(kind='Patient', name='12')
    """
    match = _LITERAL.fullmatch(reference)
    return Literal(match[1], match[2]) if match else None


def sought(conditional: str) -> Identifier | None:
    """The identifier that a conditional reference or If-None-Exist asks for.

    >>> sought("Patient?identifier=urn:mrn|17")
    Identifier(system='urn:mrn', value='17', is_record=False)
    """
    _, _, query = conditional.rpartition("?")
    for name, value in parse_qsl(query):
        if name == "identifier" and value:
            system, bar, rest = value.partition("|")
            return Identifier(system, rest) if bar else Identifier("", value)
    return None


@dataclass(frozen=True, slots=True)
class References:
    """The resources that came together, by every name under which one may speak of them."""

    known: Mapping[str, Element] = field(default_factory=dict)
    reports: Mapping[int, Element] = field(default_factory=dict)
    """The report of each result, by the result's identity as a Python object."""

    @classmethod
    def among(cls, entries: Iterable[tuple[str, Element]]) -> "References":
        """The references among entries: each a fullUrl, which may be empty, and a resource."""
        known: dict[str, Element] = {}
        together = list(entries)
        for full_url, resource in together:
            kind, name = resource.value.get("resourceType"), resource.value.get("id")
            if full_url:
                known[full_url] = resource
            if isinstance(kind, str) and isinstance(name, str):
                known.setdefault(f"{kind}/{name}", resource)
        here = cls(known)
        reports: dict[int, Element] = {}
        for _, resource in together:
            if resource.value.get("resourceType") == "DiagnosticReport":
                for result in resource.elements("result"):
                    found = here.resolve(result, resource)
                    if found is not None:
                        reports[id(found.value)] = resource
        return cls(known, reports)

    def resolve(self, reference: Element, within: Element) -> Element | None:
        """The resource that is meant, if it came along."""
        target = reference.text("reference")
        if target.startswith("#"):
            return next(
                (each for each in within.elements("contained") if each.text("id") == target[1:]),
                None,
            )
        found = self.known.get(target)
        if found is None:
            named = literal(target)
            found = self.known.get(f"{named.kind}/{named.name}") if named else None
        return found

    def report_of(self, resource: Element) -> Element | None:
        """The report that a resource is a result of."""
        return self.reports.get(id(resource.value))
