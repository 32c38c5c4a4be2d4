"""Reads organism names out of the words that laboratories wrap around them.

In:     text such as "PRESUMPTIVE CLOSTRIDIUM PERFRINGENS" or "KLEBSIELLA (RAOULTELLA) PLANTICOLA".
Out:    look-up keys, the most literal first; the short forms of a Latin name.
Source: the strings that a large laboratory really sent (MIMIC-IV organism list).

Only words that leave the organism as it is are taken away. Words that deny it ("not detected",
"negative") are never taken away, so that such a text finds nothing.
"""

import re
from collections.abc import Iterator

from service.reference.spelling import words

_RANKS = frozenset({"species", "sp", "spp", "subsp", "subspecies", "ssp", "ss"})
_BEFORE = frozenset(
    {"presumptive", "presumptively", "probable", "probably", "resembling"}
    | {"positive", "for", "growth", "of"}
    | {"few", "rare", "scanty", "moderate", "many", "numerous", "heavy", "light"}
)
_AFTER = frozenset(
    {"presumptive", "identification", "seen", "isolated", "detected", "present", "positive"}
    | {"viral", "antigen"}
)
_COLLECTIVES = frozenset({"complex", "group", "cplx"})
_DENIALS = frozenset({"no", "not", "non", "neg", "negative", "absent", "without", "undetected"})
_IN_BRACKETS = re.compile(r"\([^()]*\)")
_SHORT_GENERA = {"staphylococcus": "staph", "streptococcus": "strep"}


def organism_key(of_text: tuple[str, ...]) -> str:
    """The look-up key of words: a genus and "genus species" are one, with or without "subsp."."""
    return "".join(word for word in of_text if word not in _RANKS)


def readings(text: str) -> Iterator[str]:
    """The keys under which a text may be known, the most literal first.

    >>> list(readings("PRESUMPTIVE CANDIDA (TORULOPSIS) GLABRATA"))[-1]
    'candidaglabrata'
    """
    literal = words(text)
    yield organism_key(literal)
    in_brackets = {word for part in _IN_BRACKETS.findall(text) for word in words(part)}
    forms = [literal]
    if in_brackets and not in_brackets & _DENIALS:
        forms.append(words(_IN_BRACKETS.sub(" ", text)))
    for form in forms:
        unopened = _without_opening(form)
        yield organism_key(unopened)
        bare = _without_closing(unopened)
        yield organism_key(bare)
        if bare and bare[-1] in _COLLECTIVES:
            yield organism_key(bare[:-1])


def _without_opening(of_text: tuple[str, ...]) -> tuple[str, ...]:
    start = 0
    while start < len(of_text) and of_text[start] in _BEFORE:
        start += 1
    return of_text[start:]


def _without_closing(of_text: tuple[str, ...]) -> tuple[str, ...]:
    end = len(of_text)
    if not _DENIALS & set(of_text):
        while end and of_text[end - 1] in _AFTER:
            end -= 1
    return of_text[:end]


def short_forms(latin_name: str) -> Iterator[str]:
    """The keys of a Latin name with its genus shortened.

    >>> list(short_forms("Staphylococcus aureus"))
    ['saureus', 'staphaureus']
    """
    genus, *rest = words(latin_name)
    yield organism_key((genus[0], *rest))
    if genus in _SHORT_GENERA:
        yield organism_key((_SHORT_GENERA[genus], *rest))
