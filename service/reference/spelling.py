"""Folds a spelling to the key under which the vocabulary is asked.

In:     any text a hospital may send.
Out:    its words, folded; joined without spaces they are the key of a dictionary look-up.
Source: Unicode NFKC and case folding. Hyphens, periods, slashes and white space carry no meaning
        in drug, organism and specimen names: FK-506 = FK 506 = FK506.
"""

import re
from unicodedata import combining, normalize

_SEPARATORS = re.compile(r"[^0-9a-z]+")


def words(text: str) -> tuple[str, ...]:
    """The words of a text, lower case and without accents.

    >>> words("M. abscessus (Calmette-Guérin)")
    ('m', 'abscessus', 'calmette', 'guerin')
    """
    folded = normalize("NFKC", text).casefold()
    if not folded.isascii():
        folded = "".join(char for char in normalize("NFKD", folded) if not combining(char))
    return tuple(word for word in _SEPARATORS.split(folded) if word)


def key(text: str) -> str:
    """The look-up key of a text.

    >>> key("FK-506") == key("fk 506") == key("FK506") == "fk506"
    True
    """
    return "".join(words(text))
