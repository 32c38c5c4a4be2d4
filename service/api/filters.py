"""Filters: what a caller names, put into the terms that the ledger is kept in.

In:     the values of a filter as sent, any spelling known to the vocabulary.
Out:    canonical terms; a `Detail` for every value that is none, with the terms it may have meant.
Source: docs/api-rates.md; the vocabulary of `service.reference`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import TypeAlias

from service.domain.contributions import ANY
from service.domain.terms import UNMAPPED
from service.errors import BadQuery, Detail
from service.reference import (
    AGE_GROUPS,
    CERTAINTIES,
    INFECTION_TYPES,
    PHASES,
    SEXES,
    SITE_CLASSES,
    STATUSES,
)
from service.reference.vocabulary import (
    Refusal,
    organisms,
    resolve_agent,
    resolve_organism,
    resolve_site,
    resolve_transplant_type,
)

Found: TypeAlias = str | Refusal
LONGEST_VALUE = 256


def resolved(asked: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The filters in canonical terms, each value once; raises `BadQuery` naming every fault."""
    filters: dict[str, tuple[str, ...]] = {}
    faults: list[Detail] = []
    for name, values in asked.items():
        found = [RESOLVERS[name](value) for value in values]
        faults += [_fault(name, one) for one in found if isinstance(one, Refusal)]
        filters[name] = tuple(dict.fromkeys(one for one in found if isinstance(one, str)))
    if faults:
        noun = "filter value is" if len(faults) == 1 else "filter values are"
        raise BadQuery(f"{len(faults)} {noun} not known.", details=tuple(faults))
    return {name: values for name, values in filters.items() if values}


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three known names near a name."""
    return tuple(get_close_matches(name, list(known), n=3, cutoff=0.6))


def _fault(name: str, refusal: Refusal) -> Detail:
    candidates = ", ".join(refusal.candidates)
    meant = f" Did you mean: {candidates}?" if candidates else ""
    return Detail(f"?{name}", refusal.code, f"{refusal.message}{meant}")


def _one_of(terms: Sequence[str]) -> Callable[[str], Found]:
    by_key = {term.lower(): term for term in terms}

    def resolve(text: str) -> Found:
        message = f"Not one of the values: {', '.join(terms)}."
        unknown = Refusal("unknown_term", message, nearest(text, terms))
        as_typed = text.lower().replace(" ", "+")  # an unescaped `60+` arrives as `60 `
        return by_key.get(text.strip().lower()) or by_key.get(as_typed) or unknown

    return resolve


def _as_sent(text: str) -> Found:
    return text if text and len(text) <= LONGEST_VALUE else Refusal("unknown_term", "No value.")


def _agent(text: str) -> Found:
    found = resolve_agent(text)
    return found if isinstance(found, Refusal) else found.name


def _transplant_type(text: str) -> Found:
    found = resolve_transplant_type(text)
    return found if isinstance(found, Refusal) else found.name


def _site(text: str) -> Found:
    found = resolve_site(text)
    return found if isinstance(found, Refusal) else found.name


def _organism(text: str) -> Found:
    found = resolve_organism(text)
    if isinstance(found, Refusal):
        return found
    if found.pending:
        message = "Not an identified organism: such cases have infection_type=unknown."
        return Refusal("not_identified", message)
    return found.name


def _organism_group(text: str) -> Found:
    group = _groups().get(text.strip().lower())
    if group:
        return group
    found = resolve_organism(text)
    return found if isinstance(found, Refusal) else found.group


@cache
def _groups() -> Mapping[str, str]:
    return {organism.group.lower(): organism.group for organism in organisms()}


def _joined(resolve: Callable[[str], Found]) -> Callable[[str], Found]:
    """Terms joined by `+`, in any order; an unescaped `+` arrives as a space and is read as one."""

    def resolve_all(text: str) -> Found:
        parts = [part.strip() for part in text.split("+")]
        found = [one for part in parts for one in _split(part.split(" "), resolve)]
        refused = [one for one in found if isinstance(one, Refusal)]
        return refused[0] if refused else "+".join(sorted({str(one) for one in found}))

    return resolve_all


def _split(words: list[str], resolve: Callable[[str], Found]) -> list[Found]:
    """The terms in a run of words, the longest first; what no split explains is refused whole."""
    whole = resolve(" ".join(words))
    if isinstance(whole, str) or len(words) == 1 or len(words) > MOST_WORDS:
        return [whole]
    for length in range(len(words) - 1, 0, -1):
        head = resolve(" ".join(words[:length]))
        if isinstance(head, str):
            rest = _split(words[length:], resolve)
            if not any(isinstance(one, Refusal) for one in rest):
                return [head, *rest]
    return [whole]


MOST_WORDS = 12


def _or_else(resolve: Callable[[str], Found], *special: str) -> Callable[[str], Found]:
    """The same, with values that stand for what is missing."""
    return lambda text: text if text in special else resolve(text)


RESOLVERS: Mapping[str, Callable[[str], Found]] = {
    "facility": _as_sent,
    "transplant_type": _joined(_transplant_type),
    "indication": _as_sent,
    "age_group": _one_of(AGE_GROUPS),
    "sex": _one_of(SEXES),
    "phase": _one_of(PHASES),
    "regimen": _or_else(_joined(_or_else(_agent, UNMAPPED)), "none", "unrecorded"),
    "agent": _or_else(_agent, UNMAPPED),
    "infection_type": _one_of((*INFECTION_TYPES, ANY)),
    "organism": _or_else(_organism, "unknown"),
    "organism_group": _or_else(_organism_group, "unknown"),
    "site": _or_else(_site, "unknown"),
    "site_class": _one_of(SITE_CLASSES),
    "status": _one_of(STATUSES),
    "certainty": _one_of(CERTAINTIES),
}
"""How the values of each dimension are read."""
