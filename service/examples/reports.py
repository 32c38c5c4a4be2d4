"""A simulated life as its hospital sends it: spellings, delays, corrections, mistakes withdrawn.

In:     a life, who the patient is, a generator of chance, the last day of the period.
Out:    `reports(...)`: wire events in order of sending, each with the day it was sent.
Source: docs/api.md. Delays and mistakes are invented; they change no true rate, because every
        mistake is corrected or voided by the end of the period.
"""

from collections.abc import Callable, Iterator
from datetime import date

from numpy.random import Generator

from service.examples.desk import Desk, Event, Person, Sent
from service.examples.happenings import (
    Ended,
    Infected,
    Life,
    Regimen,
    RegimenSet,
    Transplanted,
    Visited,
)
from service.examples.infection_reports import infection_reports
from service.examples.spellings import AGENTS, INDICATIONS, TRANSPLANT_TYPES


def reports(life: Life, person: Person, rng: Generator, end_day: int) -> list[Sent]:
    """All events about a life in order of sending; a reference always comes after its target."""
    desk = Desk(rng, person, life, end_day)
    told = [
        sent for happening in life.happenings for sent in WRITE[type(happening)](desk, happening)
    ]
    return sorted(told, key=lambda sent: sent.day)


def _transplant(desk: Desk, happening: Transplanted) -> Iterator[Sent]:
    day, transplant_type = happening.day, happening.transplant_type
    fields: Event = {
        "transplant_type": desk.spelled(TRANSPLANT_TYPES.get(transplant_type, (transplant_type,)))
    }
    if transplant_type in INDICATIONS:
        fields["indication"] = desk.spelled(INDICATIONS[transplant_type])
    if desk.rng.random() < 0.5:
        fields["birth_year"] = desk.person.birth_year
    else:
        fields["age_years"] = date.fromordinal(day).year - desk.person.birth_year
    if desk.person.sex != "unknown":
        fields["sex"] = desk.person.sex
    if day == desk.life.happenings[0].day and desk.life.entry_day > day:
        fields["enrolled_on"] = date.fromordinal(desk.life.entry_day).isoformat()
    event = desk.event("transplant", day, **fields, **desk.person.lot_fields)
    yield desk.sent(event, max(day, desk.life.entry_day))
    if happening.regimen is not None:
        agents = _agents(desk, happening.regimen)
        regimen = desk.event("regimen", day, agents=agents)
        yield desk.sent(regimen, max(day, desk.life.entry_day))


def _regimen(desk: Desk, happening: RegimenSet) -> Iterator[Sent]:
    agents = _agents(desk, happening.regimen)
    yield desk.sent(desk.event("regimen", happening.day, agents=agents), happening.day)


def _visit(desk: Desk, happening: Visited) -> Iterator[Sent]:
    fields: Event = {}
    if happening.regimen is not None:
        fields["agents"] = _agents(desk, happening.regimen)
    yield desk.sent(desk.event("follow_up", happening.day, **fields), happening.day)


def _outcome(desk: Desk, happening: Ended) -> Iterator[Sent]:
    event = desk.event("outcome", happening.day, outcome=happening.outcome)
    yield desk.sent(event, happening.day)


def _agents(desk: Desk, regimen: Regimen) -> list[str]:
    return [desk.spelled(AGENTS[agent]) for agent in regimen]


WRITE: dict[type, Callable[..., Iterator[Sent]]] = {
    Transplanted: _transplant,
    RegimenSet: _regimen,
    Visited: _visit,
    Ended: _outcome,
    Infected: infection_reports,
}
