"""What the simulated hospitals write is what the real vocabulary reads."""

from service.examples.mexico import mexico_events
from service.examples.spellings import (
    AGENTS,
    JOINT,
    NOT_YET_IDENTIFIED,
    ORGANISMS,
    SPECIMENS,
    TRANSPLANT_TYPES,
)
from service.reference.agents import Agent, resolve_agent
from service.reference.organisms import Organism, resolve_organism
from service.reference.sites import Site, resolve_site
from service.reference.transplant_types import TransplantType, resolve_transplant_type


def test_every_transplant_type_is_understood() -> None:
    for name, spellings in TRANSPLANT_TYPES.items():
        for text in spellings:
            term = resolve_transplant_type(text)
            assert isinstance(term, TransplantType)
            assert term.name == name


def test_every_agent_is_understood() -> None:
    for name, spellings in AGENTS.items():
        for text in spellings:
            term = resolve_agent(text)
            assert isinstance(term, Agent)
            assert term.name == name


def test_every_organism_is_understood_and_its_spellings_are_of_one_group() -> None:
    for cause, organisms in ORGANISMS.items():
        for organism in organisms:
            groups = set()
            for text in organism.spellings:
                term = resolve_organism(text)
                assert isinstance(term, Organism)
                assert term.infection_type == cause.removesuffix("_colonisation")
                groups.add(term.group)
            assert len(groups) == 1


def test_what_is_not_yet_identified_is_pending() -> None:
    for text in NOT_YET_IDENTIFIED:
        term = resolve_organism(text)
        assert isinstance(term, Organism)
        assert term.pending


def test_every_specimen_is_understood_and_its_spellings_are_of_one_site() -> None:
    pools = [specimen.spellings for of_cause in SPECIMENS.values() for specimen in of_cause]
    for spellings in [*pools, JOINT]:
        sites = [resolve_site(text) for text in spellings]
        assert all(isinstance(site, Site) for site in sites)
        assert len({site.name for site in sites if isinstance(site, Site)}) == 1


def test_the_three_cases_from_mexico_are_of_one_group_outside_the_lungs() -> None:
    infections = [event for event in mexico_events() if event["type"] == "infection"]
    terms = [resolve_organism(event["organism"]) for event in infections]
    identified = [term for term in terms if isinstance(term, Organism) and not term.pending]
    assert {term.group for term in identified} == {"Mycobacterium abscessus complex"}
    sites = [resolve_site(event["specimen"]) for event in infections]
    assert [site.name for site in sites if isinstance(site, Site)] == [
        "joint",
        "cns",
        "joint",
        "joint",
    ]
