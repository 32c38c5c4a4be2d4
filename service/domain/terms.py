"""Terms that wait: what nobody could read yet, and what it comes to once somebody decides.

In:     events with terms in the words in which they were sent, and decisions.
Out:    `read`, the event as it counts; `term_id`, `shown`.
Source: docs/decisions/0013-terms-that-wait.md; docs/terms.md.

Reading is a function of the event as recorded and the decisions at a position: an event sent
before its term was decided comes to what it would come to if sent after.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeAlias
from unicodedata import normalize

import msgspec

from service.domain.events import (
    AnyEvent,
    Finding,
    FollowUpVisit,
    Infection,
    Medication,
    Regimen,
    Transplant,
)
from service.domain.findings import Place, Species, group_of, placed, type_of
from service.reference.spelling import words

Kind = Literal["organism", "agent", "site", "transplant_type"]
KINDS: tuple[Kind, ...] = ("organism", "agent", "site", "transplant_type")
Verdict = Literal["map", "none", "ignore"]
UNMAPPED = "unmapped"
"""The agent of a whole regimen that waits; the transplant type of an event that waits."""


class Term(NamedTuple):
    """A term as sent."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What was decided of a term: it is what `target` says, it is nothing of its kind, or it is
    left unread for good.

    `target` is set with "map" alone: a `Species`, a `Place`, or the canonical name.
    """

    verdict: Verdict
    target: Species | Place | str | None = None


MeaningOf: TypeAlias = Callable[[Term], Meaning | None]
"""What a term means; None while it waits."""

_NUMBER = re.compile(r"\d(?:[\s./:_-]{0,2}\d){4,}")
_MAIL = re.compile(r"\S+@\S+")
_ALIKE = re.compile(r"\d")


def term_id(term: Term) -> str:
    """The term's name: the same for spellings that differ in case, accents or punctuation alone.

    >>> term_id(Term("organism", "M. Abscesus")) == term_id(Term("organism", "m abscesus"))
    True
    """
    folded = " ".join(words(term.text)) or normalize("NFKC", term.text).casefold().strip()
    return blake2b(f"{term.kind}\x1f{folded}".encode(), digest_size=8).hexdigest()


def shown(text: str) -> str:
    """The text as it may be listed: digits that could be a number or a date of a patient masked.

    >>> shown("M. absessus 12.03.1961"), shown("HHV-6 (1:320)"), shown("115329001")
    ('M. absessus ##.##.####', 'HHV-6 (1:320)', '115329001')
    """
    if is_concept_id(text):
        return text
    masked = _NUMBER.sub(lambda found: _ALIKE.sub("#", found[0]), text)
    return _MAIL.sub("#@#", masked)


def is_concept_id(text: str) -> bool:
    """Is it the id of a SNOMED CT concept? Of other numbers one in five hundred looks like it.

    Source: SNOMED CT Release File Specification, 6.4 and appendix C (Verhoeff's check digit).
    """
    if not (text.isascii() and text.isdigit() and 6 <= len(text) <= 18):
        return False
    if text[-3:-1] not in ("00", "10"):
        return False
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = _PRODUCTS[check][_PERMUTED[place % 8][int(digit)]]
    return check == 0


def _dihedral(one: int, other: int) -> int:
    """The product in the group of the pentagon's symmetries."""
    turned = (one + other if one < 5 else one - other) % 5
    return turned + (0 if (one < 5) == (other < 5) else 5)


_PRODUCTS = [[_dihedral(one, other) for other in range(10)] for one in range(10)]
_PERMUTED = [list(range(10))]
for _ in range(7):
    _PERMUTED.append([_PERMUTED[-1][digit] for digit in (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)])


def terms_of(event: AnyEvent) -> Iterator[Term]:
    """The terms of an event that nobody could read when it came."""
    if isinstance(event, Transplant):
        if event.unread_type is not None:
            yield Term("transplant_type", event.unread_type)
        return
    if isinstance(event, Regimen | Medication | FollowUpVisit):
        yield from (Term("agent", text) for text in event.unread_agents)
    for finding in _findings(event):
        if finding.unread is not None:
            found = finding.unread
            if found.organism is not None:
                yield Term("organism", found.organism)
            yield from (Term("site", text) for text in (found.site, found.specimen) if text)


def read(event: AnyEvent, meaning_of: MeaningOf) -> AnyEvent:
    """The event as it counts, given what was decided of its terms."""
    if next(terms_of(event), None) is None:
        return event
    return _READERS[type(event)](event, meaning_of)


def _findings(event: AnyEvent) -> tuple[Finding, ...]:
    if isinstance(event, Infection):
        return (event.finding,)
    return event.findings if isinstance(event, FollowUpVisit) else ()


def _transplant(event: Transplant, meaning_of: MeaningOf) -> AnyEvent:
    """Without a type nobody can say whether it opens a course: meanwhile it is a contact."""
    name = _target(meaning_of, "transplant_type", event.unread_type)
    if name is None:
        return _contact(event)
    return msgspec.structs.replace(event, transplant_type=name, unread_type=None)


def _medication(event: Medication, meaning_of: MeaningOf) -> AnyEvent:
    """A drug nobody knows is seldom an immunosuppressant: meanwhile the report is a contact."""
    name = _target(meaning_of, "agent", event.unread_agents[0])
    if name is None:
        return _contact(event)
    return msgspec.structs.replace(event, agent=name, unread_agents=())


def _regimen(event: Regimen, meaning_of: MeaningOf) -> AnyEvent:
    agents, waiting = _agents(event.agents, event.unread_agents, meaning_of)
    return msgspec.structs.replace(event, agents=agents, unread_agents=waiting)


def _infection(event: Infection, meaning_of: MeaningOf) -> AnyEvent:
    return msgspec.structs.replace(event, finding=_finding(event.finding, meaning_of))


def _visit(event: FollowUpVisit, meaning_of: MeaningOf) -> AnyEvent:
    findings = tuple(_finding(finding, meaning_of) for finding in event.findings)
    if event.agents is None:
        return msgspec.structs.replace(event, findings=findings)
    agents, waiting = _agents(event.agents, event.unread_agents, meaning_of)
    return msgspec.structs.replace(event, findings=findings, agents=agents, unread_agents=waiting)


_READERS: dict[type[AnyEvent], Callable[[Any, MeaningOf], AnyEvent]] = {
    Transplant: _transplant,
    Regimen: _regimen,
    Medication: _medication,
    Infection: _infection,
    FollowUpVisit: _visit,
}


def _contact(event: AnyEvent) -> FollowUpVisit:
    return FollowUpVisit(
        event_id=event.event_id,
        facility=event.facility,
        patient=event.patient,
        occurred_on=event.occurred_on,
        replaces=event.replaces,
    )


def _target(meaning_of: MeaningOf, kind: Kind, text: str | None) -> Any:
    """What a term was mapped to; None where it waits or was put aside."""
    meaning = meaning_of(Term(kind, text)) if text is not None else None
    return meaning.target if meaning else None


def _agents(
    known: tuple[str, ...], unread: tuple[str, ...], meaning_of: MeaningOf
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The agents of a whole regimen, in which what waits is `unmapped`; and what waits."""
    agents, waiting = set(known), []
    for text in unread:
        meaning = meaning_of(Term("agent", text))
        if meaning is None:
            waiting.append(text)
        elif isinstance(meaning.target, str):
            agents.add(meaning.target)
    return tuple(sorted(agents | ({UNMAPPED} if waiting else set()))), tuple(waiting)


def _finding(finding: Finding, meaning_of: MeaningOf) -> Finding:
    unread = finding.unread
    if unread is None:
        return finding
    texts = {"organism": unread.organism, "site": unread.site, "specimen": unread.specimen}
    meanings = {
        name: None if text is None else meaning_of(Term(_KIND_OF[name], text))
        for name, text in texts.items()
    }
    waits = any(text is not None and meanings[name] is None for name, text in texts.items())
    site = _place(unread.known_site, meanings["site"])
    specimen = _place(unread.known_specimen, meanings["specimen"])
    where, kept_specimen = placed(site, specimen)
    if unread.site is not None or unread.specimen is not None:
        finding = msgspec.structs.replace(
            finding,
            site=where.name if where else "unknown",
            site_class=where.site_class if where else "unknown",
            specimen=kept_specimen,
        )
    of_organism = meanings["organism"]
    if of_organism is not None and isinstance(of_organism.target, Species):
        organism = of_organism.target
        infection_type = type_of(organism, finding.infection_type)
        finding = msgspec.structs.replace(
            finding,
            infection_type=infection_type,
            organism=organism.name,
            organism_group=group_of(organism, infection_type),
            pending=organism.pending,
        )
    is_doubtful = unread.is_doubtful and not (of_organism and of_organism.target)
    is_none = is_doubtful or (of_organism is not None and of_organism.verdict == "none")
    return msgspec.structs.replace(finding, unread=unread if waits else None, is_none=is_none)


_KIND_OF: dict[str, Kind] = {"organism": "organism", "site": "site", "specimen": "site"}


def _place(known: tuple[str, str, str | None] | None, meaning: Meaning | None) -> Place | None:
    if known is not None:
        return Place(*known)
    return meaning.target if meaning and isinstance(meaning.target, Place) else None
