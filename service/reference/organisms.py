"""Organisms by any name, former name, abbreviation, laboratory string or SNOMED CT code.

In:     text as a laboratory sends it.
Out:    `Organism`, or a `Refusal`.
Source: `data/organisms.json`, each row with its source. Mycobacterium and the genera split from
        it in 2018 are one: laboratories send both. M. tuberculosis complex (BCG included) and
        leprosy are never NTM; what is not yet identified is `pending`.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple

import msgspec

from service.reference.data_files import VocabularyFile, read_bytes
from service.reference.laboratory_wording import organism_key, readings, short_forms
from service.reference.lexicon import Lexicon, Refusal
from service.reference.spelling import words


@dataclass(frozen=True, slots=True)
class Organism:
    """An organism; `group` is what links cases and keeps records of one episode together.

    `pending` marks what is not yet identified ("AFB"); `usual_contaminant` what is kept and
    flagged but seldom means disease (M. gordonae).
    """

    name: str
    group: str
    infection_type: str
    pending: bool
    usual_contaminant: bool
    snomed: tuple[str, ...]
    source: str


class _OrganismRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    rank: Literal["subspecies", "species", "genus", "group"]
    group: str
    infection_type: str
    source: str
    pending: bool = False
    usual_contaminant: bool = False
    former_names: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()


class _Vocabulary(NamedTuple):
    organisms: tuple[Organism, ...]
    lexicon: Lexicon[Organism]
    refused_beginnings: dict[tuple[str, ...], Refusal]
    refused_endings: dict[tuple[str, ...], Refusal]


@cache
def _vocabulary() -> _Vocabulary:
    file = msgspec.json.decode(read_bytes("organisms.json"), type=VocabularyFile[_OrganismRow])
    lexicon: Lexicon[Organism] = Lexicon(
        "No known organism. Send the species or the genus by its scientific name, "
        "or leave organism out and send infection_type."
    )
    known: list[Organism] = []
    short: list[tuple[str, Organism]] = []
    for row in file.rows:
        organism = Organism(
            name=row.name,
            group=row.group,
            infection_type=row.infection_type,
            pending=row.pending,
            usual_contaminant=row.usual_contaminant,
            snomed=row.snomed,
            source=file.sources[row.source],
        )
        known.append(organism)
        names = (row.name, *row.former_names)
        for spelling in (*names, *row.spellings):
            lexicon.add_spelling(organism_key(words(spelling)), organism)
        for code in row.snomed:
            lexicon.add_code(code, organism)
        if row.rank in ("species", "subspecies"):
            short += [(form, organism) for name in names for form in short_forms(name)]
    lexicon.add_derived(short)
    vocabulary = _Vocabulary(tuple(known), lexicon, {}, {})
    for refused in file.refusals:
        refusal = lexicon.add_refused(refused, lambda text: organism_key(words(text)))
        vocabulary.refused_beginnings.update((words(text), refusal) for text in refused.beginnings)
        vocabulary.refused_endings.update((words(text), refusal) for text in refused.endings)
    return vocabulary


def organisms() -> tuple[Organism, ...]:
    """All known organisms."""
    return _vocabulary().organisms


def resolve_organism(text: str) -> Organism | Refusal:
    """The organism a text means.

    >>> resolve_organism("M. massiliense").group, resolve_organism("AFB").pending
    ('Mycobacterium abscessus complex', True)
    >>> resolve_organism("GRAM NEGATIVE ROD(S)").code
    'not_an_organism'
    """
    known = _vocabulary()
    found = known.lexicon.find(readings(text))
    if found is not None:
        return found
    of_text = words(text)
    for length in (1, 2, 3):
        refusal = known.refused_beginnings.get(of_text[:length])
        refusal = refusal or known.refused_endings.get(of_text[-length:])
        if refusal is not None:
            return refusal
    return _with_genus(known.lexicon.unknown(organism_key(of_text)), of_text)


def _with_genus(refusal: Refusal, of_text: tuple[str, ...]) -> Refusal:
    genus = _vocabulary().lexicon.find(of_text[:1])
    if not isinstance(genus, Organism) or genus.name in refusal.candidates:
        return refusal
    return replace(refusal, candidates=(*refusal.candidates[:2], genus.name))
