"""Terms of FHIR resources in the vocabulary: what a concept names, if it names anything of ours.

In:     concepts: codes, their names, a text.
Out:    canonical names, or the refusal that says why a term is not one.
Source: service/reference; docs/fhir.md. Names carry wording around the term ("... DNA [Presence]
        in Sputum by NAA", "tacrolimus 1 MG Oral Capsule [Prograf]"): what is cut off stands here.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from service.ingest.fhir.elements import Concept
from service.reference.vocabulary import (
    Agent,
    Organism,
    Refusal,
    Site,
    TransplantType,
    resolve_agent,
    resolve_organism,
    resolve_site,
    resolve_transplant_type,
)

Term = TypeVar("Term")
LONGEST_TERM = 200
MOST_KEPT = 4096
"""A system sends few words again and again, and looking for what is near an unknown one is slow."""

_to_organism = lru_cache(MOST_KEPT)(resolve_organism)
_to_agent = lru_cache(MOST_KEPT)(resolve_agent)
_to_site = lru_cache(MOST_KEPT)(resolve_site)
_to_transplant_type = lru_cache(MOST_KEPT)(resolve_transplant_type)

_AFTER_THE_ANALYTE = re.compile(
    r"(\s*\[| (?:deoxyribonucleic|ribonucleic|nucleic) acid\b| [cr]?(?:DNA|RNA)\b| rRNA\b"
    r"| Ag\b| antigen\b| PCR\b| NAAT?\b| culture\b| isolat| quantitative\b| qualitative\b"
    r"| viral load\b| gene\b| by | in ).*",
    re.IGNORECASE,
)
_SPECIMEN = re.compile(r" in (.+?)(?: by | \[|$)", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\s+or\s+|/")
_STRENGTH = re.compile(r"(?:^|\s)[0-9].*")
_RELEASE = re.compile(r"^[0-9]+\s*HR\s+", re.IGNORECASE)
_BRAND = re.compile(r"\[([^\]]+)\]")
_CAUSED_BY = re.compile(
    r".*?\b(?:due to|caused by|by|with)\s+(?:infection (?:with|by)\s+)?(.+)", re.IGNORECASE
)
_DISEASE = re.compile(
    r"\s*\b(?:infections?|infectious disease|disease|disorder|pneumonia|pneumonitis|sepsis"
    r"|septicaemia|septicemia|bacteraemia|bacteremia|meningitis|colitis|viraemia|viremia|viruria"
    r"|fungaemia|fungemia|reactivation|syndrome)\b.*",
    re.IGNORECASE,
)
_QUALIFIER = re.compile(r"\s*\((?:disorder|finding|situation|organism|procedure)\)\s*$")
_OPENING = re.compile(
    r"^(?:acute|chronic|invasive|disseminated|pulmonary|recurrent|severe|primary)\s+", re.IGNORECASE
)


def organism_of(concept: Concept) -> Organism | Refusal | None:
    """The organism that a value names; of refusals the one that says most."""
    return _first(concept.terms, _to_organism)


def analyte_of(concept: Concept) -> Organism | None:
    """The organism that a test looks for, where it looks for one."""
    found = _first(_forms(concept, _analytes), _to_organism)
    return found if isinstance(found, Organism) else None


def pathogen_of(concept: Concept) -> Organism | None:
    """The organism that a diagnosis names."""
    found = _first(_forms(concept, _pathogens), _to_organism)
    return found if isinstance(found, Organism) else None


def site_of(*concepts: Concept) -> Site | None:
    """The first body site or specimen that is known."""
    for concept in concepts:
        found = _first(concept.terms, _to_site)
        if isinstance(found, Site):
            return found
    return None


def is_of_the_patient(*concepts: Concept) -> bool:
    """Is a specimen not that of a product, unit or vial?"""
    found = [_to_site(term) for concept in concepts for term in concept.terms]
    return all(not isinstance(one, Refusal) or one.code != "not_a_patient_site" for one in found)


def specimen_in_name(concept: Concept) -> Concept:
    """The specimen that the name of a test ends in: "… in Sputum by …"."""
    for text in concept.words:
        match = _SPECIMEN.search(text)
        if match and len(text) <= LONGEST_TERM:
            parts = (part.strip() for part in (match[1], *_ALTERNATIVES.split(match[1])))
            found = next((p for p in parts if p and isinstance(_to_site(p), Site)), "")
            if found:
                return Concept(text=found)
    return Concept()


def agent_of(concept: Concept) -> Agent | Refusal | None:
    """The immunosuppressive agent of a drug, by code, name, or the name of a pack."""
    return _first(_forms(concept, _drugs), _to_agent)


def transplant_type_of(concept: Concept) -> TransplantType | Refusal | None:
    """The transplant that a procedure is."""
    return _first(concept.terms, _to_transplant_type)


def _first(terms: Iterable[str], resolve: Callable[[str], Term | Refusal]) -> Term | Refusal | None:
    """What the first known term means; else a refusal that has a reason, else any."""
    refused: Refusal | None = None
    for term in terms:
        if len(term) > LONGEST_TERM:
            continue
        found = resolve(term)
        if not isinstance(found, Refusal):
            return found
        if refused is None or refused.code == "unknown_term":
            refused = found
    return refused


def _forms(concept: Concept, cut: Callable[[str], Iterator[str]]) -> Iterator[str]:
    yield from concept.terms
    for text in concept.words:
        if len(text) <= LONGEST_TERM:
            yield from (form for form in cut(text) if form)


def _analytes(text: str) -> Iterator[str]:
    yield _AFTER_THE_ANALYTE.sub("", text).strip()


def _pathogens(text: str) -> Iterator[str]:
    bare = _QUALIFIER.sub("", text).strip()
    yield bare
    caused_by = _CAUSED_BY.fullmatch(bare)
    if caused_by:
        yield caused_by[1].strip()
        yield _DISEASE.sub("", caused_by[1]).strip()
    yield _DISEASE.sub("", bare).strip()
    unopened = _OPENING.sub("", bare)
    yield unopened
    yield _DISEASE.sub("", unopened).strip()


def _drugs(text: str) -> Iterator[str]:
    bare = _RELEASE.sub("", text)
    yield _STRENGTH.sub("", bare).strip()
    yield from (brand.strip() for brand in _BRAND.findall(text))
    yield bare.split(" ")[0]
