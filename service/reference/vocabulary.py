"""The vocabulary in one place: agents, organisms, sites and transplant types.

In:     text as a hospital sends it, to the `resolve_…` functions.
Out:    a canonical term, or a `Refusal` that says what to do and never repeats the text.
Source: `data/*.json`, each row with its source; docs/vocabulary.md tells the decisions.
"""

from service.reference.agents import Agent, agents, resolve_agent
from service.reference.lexicon import Refusal
from service.reference.organisms import Organism, organisms, resolve_organism
from service.reference.sites import Site, resolve_site, sites
from service.reference.transplant_types import (
    TransplantType,
    resolve_transplant_type,
    transplant_types,
)

__all__ = [
    "Agent",
    "Organism",
    "Refusal",
    "Site",
    "TransplantType",
    "agents",
    "organisms",
    "resolve_agent",
    "resolve_organism",
    "resolve_site",
    "resolve_transplant_type",
    "sites",
    "transplant_types",
]
