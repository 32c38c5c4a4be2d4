"""Body sites and specimens by name, abbreviation or SNOMED CT code.

In:     text as a hospital sends it, a site ("lung") or a specimen ("sputum").
Out:    `Site`, or a `Refusal`.
Source: `data/sites.json`, each row with its source; the class follows the Oregon 2017 scheme.
"""

from dataclasses import dataclass
from functools import cache

import msgspec

from service.reference.data_files import VocabularyFile, read_bytes
from service.reference.lexicon import Lexicon, Refusal
from service.reference.spelling import key, words

_SAYS_NOTHING_OF_THE_SITE = frozenset({"specimen", "sample", "culture"})


@dataclass(frozen=True, slots=True)
class Site:
    """A body site; `specimen` is set where a specific specimen was named.

    `site_class` is pulmonary, extrapulmonary or unknown. It belongs to what was named: the gut is
    extrapulmonary, but mycobacteria in stool may be swallowed sputum, so stool is unknown.
    """

    name: str
    site_class: str
    specimen: str | None
    source: str


class _SiteRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    site_class: str
    source: str
    specimen: str | None = None
    spellings: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()


@cache
def _vocabulary() -> tuple[tuple[Site, ...], Lexicon[Site]]:
    file = msgspec.json.decode(read_bytes("sites.json"), type=VocabularyFile[_SiteRow])
    lexicon: Lexicon[Site] = Lexicon(
        "No known body site or specimen. Send the site (such as lung, blood, cns) or the specimen."
    )
    known: dict[tuple[str, str | None], Site] = {}
    names: set[str] = set()
    for row in file.rows:
        site = Site(row.name, row.site_class, row.specimen, file.sources[row.source])
        known[row.name, row.specimen] = site
        spellings = list(row.spellings)
        if row.name not in names:  # the first row of a site is what its bare name means
            spellings.append(row.name)
            names.add(row.name)
        if row.specimen:
            spellings.append(row.specimen)
        for spelling in spellings:
            lexicon.add_spelling(key(spelling), site)
        for code in row.snomed:
            lexicon.add_code(code, site)
    for refused in file.refusals:
        lexicon.add_refused(refused)
    return tuple(known.values()), lexicon


def sites() -> tuple[Site, ...]:
    """All known sites, and each with its specimens."""
    return _vocabulary()[0]


def resolve_site(text: str) -> Site | Refusal:
    """The body site a text means.

    >>> site = resolve_site("BAL fluid")
    >>> site.name, site.specimen, site.site_class
    ('lung', 'bal', 'pulmonary')
    """
    lexicon = _vocabulary()[1]
    of_text = words(text)
    sought = "".join(of_text)
    bare = "".join(word for word in of_text if word not in _SAYS_NOTHING_OF_THE_SITE)
    return lexicon.find((sought, bare)) or lexicon.unknown(sought)
