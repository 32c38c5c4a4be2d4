"""What a result says was found: an organism, or that what was looked for is there.

In:     an Observation or a component of one, and the name of the test.
Out:    the organism; what waits where a value looks like one and none is known; or nothing.
Source: HL7 v3 ObservationInterpretation; SNOMED CT qualifiers; LOINC answer lists (Positive,
        Detected, Present and their opposites); docs/fhir.md, Microbiology.

An organism is found where it is the value ("Escherichia coli"), or where the test is named after
it and the value says that it is there ("Positive", "Isolated", a count that is no detection limit).
"""

import re
from typing import NamedTuple

from service.ingest.fhir.elements import Concept, Element
from service.ingest.fhir.terms import analyte_of, organism_of
from service.ingest.fields import WAITS
from service.reference.vocabulary import Organism, Refusal

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
LONGEST_NAME, MOST_WORDS = 80, 8
"""A longer value is a comment, which may speak of the patient: it is not kept."""
MICROBIOLOGY = re.compile(
    r"identified|culture|organism|isolat|microb|bacteri|fung|virus|viral|parasit|\bAFB\b|\bPCR\b",
    re.IGNORECASE,
)


def finds_organisms(code: Concept) -> bool:
    """Can a test of this name find an organism? A susceptibility or an antibody is none."""
    named = " ".join(code.words)
    return not (SUSCEPTIBILITY.search(named) or SEROLOGY.search(named))


class Unread(NamedTuple):
    """A value that looks like an organism and is none that is known.

    `text` is None where it is too long for a name, or stands for several.
    """

    text: str | None
    message: str


def organism_found(result: Element, code: Concept) -> Organism | Unread | None:
    """What was found."""
    value = _value(result)
    named = organism_of(value) if value.terms else None
    if isinstance(named, Organism):
        return named
    if _is_there(result, value):
        return analyte_of(code)
    if not isinstance(named, Refusal) or named.code == "not_an_organism":
        return None
    is_told = not _flags(result) and not COUNT.fullmatch(value.text)
    if is_told and MICROBIOLOGY.search(" ".join(code.words)):
        return None if analyte_of(code) else _unread(value, named)
    return None


def _unread(value: Concept, refusal: Refusal) -> Unread:
    text = (value.words or value.terms)[0]
    is_name = len(text) <= LONGEST_NAME and len(text.split()) <= MOST_WORDS
    return Unread(text if is_name and refusal.code == WAITS else None, refusal.message)


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
