"""A lexicon: keys to canonical terms, with a reasoned refusal for everything else.

In:     canonical terms with their spellings, and the terms that are refused on purpose.
Out:    `Lexicon.find`, a dictionary hit; `Lexicon.unknown`, a refusal with the nearest terms.
Source: none; the rows name theirs.

A refusal is a value, not an exception, and never repeats the text it refuses: what a hospital
sends by mistake may identify a patient.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, Protocol, TypeVar

from service.reference.data_files import RefusedTerms
from service.reference.spelling import key as spelling_key

LONGEST_TERM = 100
"""Characters of a key; beyond it nothing is near, and looking would only cost time."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Term = TypeVar("Term", bound=_Named)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a term was not accepted, what to do, and which canonical terms may have been meant."""

    code: str
    message: str
    candidates: tuple[str, ...] = ()


class Lexicon(Generic[Term]):
    """The terms of one vocabulary by every key that means them."""

    def __init__(self, unknown_message: str) -> None:
        self._meanings: dict[str, Term | Refusal] = {}
        self._names: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._unknown_message = unknown_message

    def add_code(self, key: str, meaning: Term | Refusal) -> None:
        """Let a key mean something; ValueError if it already means something else."""
        if not key or self._meanings.setdefault(key, meaning) != meaning:
            raise ValueError(f"the key {key!r} has no meaning or two")

    def add_spelling(self, key: str, term: Term) -> None:
        """Let a spelling mean a term, and offer the term to whoever comes near it."""
        self.add_code(key, term)
        self._names[key[0]][key] = term.name

    def add_refused(
        self, refused: RefusedTerms, key_of: Callable[[str], str] = spelling_key
    ) -> Refusal:
        """Let terms be refused on purpose."""
        refusal = Refusal(refused.code, refused.message, refused.candidates)
        for term in refused.terms:
            self.add_code(key_of(term), refusal)
        return refusal

    def add_derived(self, derived: Iterable[tuple[str, Term]]) -> None:
        """Let derived spellings mean their term unless taken; shared by two, they are ambiguous."""
        terms_by_key: defaultdict[str, dict[str, Term]] = defaultdict(dict)
        for key, term in derived:
            if key not in self._meanings:
                terms_by_key[key][term.name] = term
        for key, terms in terms_by_key.items():
            if len(terms) == 1:
                self.add_spelling(key, *terms.values())
            else:
                message = "Several terms share this abbreviation. Send the name in full."
                self.add_code(key, Refusal("ambiguous_term", message, tuple(sorted(terms))))

    def find(self, keys: Iterable[str]) -> Term | Refusal | None:
        """The meaning of the first key that has one."""
        for key in keys:
            meaning = self._meanings.get(key)
            if meaning is not None:
                return meaning
        return None

    def unknown(self, key: str) -> Refusal:
        """The refusal of a key without meaning, with up to three names near it.

        Only spellings with the same first letter are compared: it bounds the cost of a bad file,
        and the first letter is rarely the wrong one.
        """
        near: dict[str, None] = {}
        if key and len(key) <= LONGEST_TERM:
            names = self._names.get(key[0], {})
            for match in get_close_matches(key, names, n=9, cutoff=0.75):
                near[names[match]] = None
        return Refusal("unknown_term", self._unknown_message, tuple(near)[:3])
