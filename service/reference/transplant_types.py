"""Transplant types by name, abbreviation, ICD-10-CM status or SNOMED CT procedure code.

In:     text as a hospital sends it.
Out:    `TransplantType`, or a `Refusal`.
Source: `data/transplant_types.json`, each row with its source. T86 codes are left out: WHO and
        ICD-10-CM mean different things by them, and neither means the transplant itself.
"""

from dataclasses import dataclass
from functools import cache

import msgspec

from service.reference.data_files import VocabularyFile, read_bytes
from service.reference.lexicon import Lexicon, Refusal
from service.reference.spelling import key, words

_SAYS_NOTHING_OF_THE_ORGAN = frozenset(
    {"transplant", "transplants", "transplantation", "tx", "of", "status", "recipient", "procedure"}
)


@dataclass(frozen=True, slots=True)
class TransplantType:
    """A transplant type and its family: hsct, sot (solid organ), cell or regenerative."""

    name: str
    family: str
    source: str


class _TransplantTypeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    family: str
    source: str
    spellings: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@cache
def _vocabulary() -> tuple[tuple[TransplantType, ...], Lexicon[TransplantType]]:
    file = msgspec.json.decode(
        read_bytes("transplant_types.json"), type=VocabularyFile[_TransplantTypeRow]
    )
    lexicon: Lexicon[TransplantType] = Lexicon(
        "No known transplant type. Send one of the documented types, such as allo_hsct or kidney."
    )
    known = []
    for row in file.rows:
        transplant_type = TransplantType(row.name, row.family, file.sources[row.source])
        known.append(transplant_type)
        for spelling in (row.name, *row.spellings):
            lexicon.add_spelling(key(spelling), transplant_type)
        for code in row.codes:
            lexicon.add_code(key(code), transplant_type)
    for refused in file.refusals:
        lexicon.add_refused(refused)
    return tuple(known), lexicon


def transplant_types() -> tuple[TransplantType, ...]:
    """All transplant types that are followed."""
    return _vocabulary()[0]


def resolve_transplant_type(text: str) -> TransplantType | Refusal:
    """The transplant type a text means.

    >>> resolve_transplant_type("allo-HSCT").name, resolve_transplant_type("RTx").name
    ('allo_hsct', 'kidney')
    >>> resolve_transplant_type("ASCT").candidates
    ('auto_hsct', 'allo_hsct')
    """
    lexicon = _vocabulary()[1]
    of_text = words(text)
    sought = "".join(of_text)
    bare = "".join(word for word in of_text if word not in _SAYS_NOTHING_OF_THE_ORGAN)
    return lexicon.find((sought, bare)) or lexicon.unknown(sought)
