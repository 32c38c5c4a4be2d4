"""Elements of a resource, read with their place, so that every fault can name it.

In:     parsed JSON of a resource.
Out:    texts, days, concepts and further elements; `Malformed` where one has not its type.
Source: FHIR R4, JSON representation and data types. Only what Graftwatch reads is looked at: a
        resource may hold anything else, of any shape.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from service.ingest.json_text import Ambiguous

_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T.*)?")
_YEAR = re.compile(r"([0-9]{4})(-.*)?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
LONGEST_TEXT = 2_000


TERMINOLOGIES = re.compile(
    r"snomed|rxnorm|\batc\b|whocc|icd-?(?:9|10)|v2-0487"
    r"|2\.16\.840\.1\.113883\.6\.(?:3|4|73|88|90|96)\b",
    re.IGNORECASE,
)
"""Systems whose codes the vocabulary knows: SNOMED CT, RxNorm, ATC, ICD, HL7 specimen types."""


class Issue(NamedTuple):
    """One row of an OperationOutcome; no value that was sent is repeated."""

    severity: str
    code: str
    text: str
    expression: str


class Malformed(Exception):
    """An element that is not of its type, or a required one that is missing."""

    def __init__(
        self, expression: str, text: str, code: str = "structure", severity: str = "error"
    ) -> None:
        """Keep where and what."""
        super().__init__(text)
        self.issue = Issue(severity, code, text, expression)


class Incomplete(Malformed):
    """Sound as FHIR, but without something that it takes to count it: not used, with a warning."""

    def __init__(self, expression: str, text: str) -> None:
        """Keep where and what."""
        super().__init__(expression, text, "incomplete", "warning")


class Coding(NamedTuple):
    """A code of a code system, with its name there."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Concept:
    """What was meant: codes, and perhaps a text."""

    codings: tuple[Coding, ...] = ()
    text: str = ""

    @property
    def terms(self) -> tuple[str, ...]:
        """The codes, then the names, then the text: the most exact first, each once.

        A code of a hospital's own may be that of something else in a terminology.
        """
        told = (
            *(coding.code for coding in self.codings if TERMINOLOGIES.search(coding.system)),
            *(coding.display for coding in self.codings),
            self.text,
        )
        return tuple(dict.fromkeys(term for term in told if term))

    @property
    def words(self) -> tuple[str, ...]:
        """The names and the text."""
        told = (*(coding.display for coding in self.codings), self.text)
        return tuple(dict.fromkeys(term for term in told if term))


@dataclass(frozen=True, slots=True)
class Element:
    """An object of a resource and its FHIRPath."""

    value: dict[str, Any]
    path: str

    @classmethod
    def of(cls, value: Any, path: str) -> "Element":
        """The element; `Malformed` where it is no object, or names a member twice."""
        if isinstance(value, Ambiguous):
            raise Malformed(path, "A member is given more than once. Send each once.")
        if not isinstance(value, dict):
            raise Malformed(path, "Must be an object.")
        return cls(value, path)

    def has(self, *names: str) -> bool:
        """Is one of these members there?"""
        return any(self.value.get(name) is not None for name in names)

    def text(self, name: str) -> str:
        """A string without the blanks around it; empty where it is not there."""
        found = self.value.get(name)
        if found is None:
            return ""
        if not isinstance(found, str) or len(found) > LONGEST_TEXT:
            raise Malformed(f"{self.path}.{name}", "Must be a text of reasonable length.")
        if _SURROGATE.search(found):
            raise Malformed(f"{self.path}.{name}", "Must be valid Unicode text.")
        return found.strip()

    def number(self, name: str) -> float | None:
        """A number; None where it is not there."""
        found = self.value.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Malformed(f"{self.path}.{name}", "Must be a number.")
        return float(found)

    def element(self, name: str) -> "Element":
        """An object; an empty one where it is not there."""
        found = self.value.get(name)
        return Element.of({} if found is None else found, f"{self.path}.{name}")

    def elements(self, name: str) -> Iterator["Element"]:
        """The objects of a list."""
        for place, item in enumerate(self._list(name)):
            yield Element.of(item, f"{self.path}.{name}[{place}]")

    def concept(self, name: str) -> Concept:
        """A CodeableConcept; an empty one where it is not there."""
        return _concept(self.element(name))

    def concepts(self, name: str) -> tuple[Concept, ...]:
        """The CodeableConcepts of a list."""
        return tuple(_concept(item) for item in self.elements(name))

    def day(self, *names: str) -> str:
        """The calendar date of the first that has one to the day; empty where none has."""
        for name in names:
            found = self.text(name)
            if not found:
                continue
            match = _DAY.fullmatch(found)
            if match and _is_date(match[1]):
                return match[1]
            if not _YEAR.fullmatch(found):
                raise Malformed(f"{self.path}.{name}", "Must be a FHIR date.", "value")
        return ""

    def year(self, name: str) -> int | None:
        """The year of a date that may be less exact."""
        found = self.text(name)
        match = _YEAR.fullmatch(found)
        if found and not match:
            raise Malformed(f"{self.path}.{name}", "Must be a FHIR date.", "value")
        return int(match[1]) if match else None

    def _list(self, name: str) -> list[Any]:
        found = self.value.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise Malformed(f"{self.path}.{name}", "Must be a list.")
        return found


def _concept(element: Element) -> Concept:
    codings = tuple(
        Coding(item.text("system"), item.text("code"), item.text("display"))
        for item in element.elements("coding")
    )
    return Concept(codings, element.text("text"))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
