"""Immunosuppressive agents by INN, other name, brand, abbreviation, ATC or RxNorm code.

In:     text as a hospital sends it.
Out:    `Agent`, or a `Refusal`.
Source: `data/agents.json`, each row with its source. An abbreviation that also stands for another
        substance is refused; an eye, skin or gut form is no systemic exposure.
"""

from dataclasses import dataclass
from functools import cache

import msgspec

from service.reference.data_files import VocabularyFile, read_bytes
from service.reference.lexicon import Lexicon, Refusal
from service.reference.spelling import key


@dataclass(frozen=True, slots=True)
class Agent:
    """An immunosuppressant; `name` is its INN in lower case, `atc` the current codes first."""

    name: str
    drug_class: str
    atc: tuple[str, ...]
    rxnorm: tuple[str, ...]
    source: str


class _AgentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    drug_class: str
    source: str
    atc: tuple[str, ...] = ()
    atc_superseded: tuple[str, ...] = ()
    rxnorm: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()


@cache
def _vocabulary() -> tuple[tuple[Agent, ...], Lexicon[Agent]]:
    file = msgspec.json.decode(read_bytes("agents.json"), type=VocabularyFile[_AgentRow])
    lexicon: Lexicon[Agent] = Lexicon(
        "No known agent. Send the INN, a brand name, or an ATC or RxNorm code."
    )
    known = []
    for row in file.rows:
        codes = row.atc + row.atc_superseded
        agent = Agent(row.name, row.drug_class, codes, row.rxnorm, file.sources[row.source])
        known.append(agent)
        for spelling in (row.name, *row.spellings):
            lexicon.add_spelling(key(spelling), agent)
        for code in (*codes, *row.rxnorm):
            lexicon.add_code(key(code), agent)
    for refused in file.refusals:
        lexicon.add_refused(refused)
    return tuple(known), lexicon


def agents() -> tuple[Agent, ...]:
    """All known agents."""
    return _vocabulary()[0]


def resolve_agent(text: str) -> Agent | Refusal:
    """The agent a text means.

    >>> [resolve_agent(text).name for text in ("CsA", "FK-506", "Rapamycin", "L04AA10")]
    ['ciclosporin', 'tacrolimus', 'sirolimus', 'sirolimus']
    >>> resolve_agent("TAC").code
    'ambiguous_term'
    """
    lexicon = _vocabulary()[1]
    sought = key(text)
    return lexicon.find((sought,)) or lexicon.unknown(sought)
