"""What a report of infection comes to: type, group, site, from what was named and what was stated.

In:     an organism and places as values, and the type that the sender stated.
Out:    `Finding`.
Source: docs/decisions/0005-organism-decides-infection-type.md.
"""

from typing import NamedTuple

from service.domain.events import Finding

TUBERCULOSIS_COMPLEX = "Mycobacterium tuberculosis complex"


class Species(NamedTuple):
    """What an organism is counted as."""

    name: str
    group: str
    infection_type: str
    pending: bool = False


class Place(NamedTuple):
    """Where an infection is, or what it was found in."""

    name: str
    site_class: str
    specimen: str | None = None


def finding_of(
    organism: Species | None,
    stated_type: str | None,
    site: Place | None,
    specimen: Place | None,
    *,
    status: str = "infection",
    certainty: str = "confirmed",
) -> Finding:
    """The finding that a report tells of.

    >>> leprosy = Species("Mycobacterium leprae", "leprosy", "bacterial")
    >>> finding_of(leprosy, "ntm", None, None).infection_type
    'bacterial'
    """
    infection_type = type_of(organism, stated_type)
    where, kept_specimen = placed(site, specimen)
    return Finding(
        infection_type=infection_type,
        organism=organism.name if organism else None,
        organism_group=group_of(organism, infection_type),
        site=where.name if where else "unknown",
        site_class=where.site_class if where else "unknown",
        specimen=kept_specimen,
        status=status,
        certainty=certainty,
        pending=organism.pending if organism else False,
    )


def type_of(organism: Species | None, stated: str | None) -> str:
    """The organism's type; where none is named, or one not yet identified, what was stated."""
    if organism is None or (organism.pending and stated == "tuberculosis"):
        return stated or "unknown"
    return organism.infection_type


def group_of(organism: Species | None, infection_type: str) -> str:
    """The group; a mycobacterium called tuberculosis before it is named is of that complex."""
    if organism is not None and organism.pending and infection_type == "tuberculosis":
        return TUBERCULOSIS_COMPLEX
    return organism.group if organism else "unknown"


def placed(site: Place | None, specimen: Place | None) -> tuple[Place | None, str | None]:
    """The place, and the specimen beside it.

    The site as stated, else as the specimen implies; a site "unknown" states nothing.
    """
    states = site is not None and (site.name != "unknown" or specimen is None)
    kept = specimen or site
    return (site if states else specimen), (kept.specimen if kept else None)
