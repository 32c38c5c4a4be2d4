"""A simulated life as its hospital sends it: spellings, delays, corrections, mistakes withdrawn.

In:     a life, who the patient is, a generator of chance, the last day of the period.
Out:    `reports(...)`: wire events in order of sending, each with the day it was sent.
Source: CONTRACT 1. Delays and mistakes are invented; they change no true rate, because every
        mistake is corrected or voided by the end of the period.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from numpy.random import Generator

from service.examples.happenings import (
    Ended,
    Infected,
    Life,
    Regimen,
    RegimenSet,
    Transplanted,
    Visited,
)
from service.examples.spellings import AGENTS, INDICATIONS, NOT_YET_IDENTIFIED, TRANSPLANT_TYPES

LATE_SHARE = 0.04
CORRECTED_SHARE = 0.03
VOIDED_SHARE = 0.02
WITHIN_A_VISIT_SHARE = 0.25

Event = dict[str, Any]


class Sent(NamedTuple):
    """An event and the day (ordinal) on which its hospital sent it."""

    day: int
    event: Event


@dataclass(frozen=True, slots=True)
class Person:
    """What is always said of a patient; `lot_fields` describe a planted exposure."""

    facility: str
    patient: str
    birth_year: int
    sex: str
    lot_fields: Event = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """The hospital's desk: writes events down and decides when each is sent."""

    rng: Generator
    person: Person
    life: Life
    end_day: int
    written: int = 0

    def spelled(self, spellings: tuple[str, ...]) -> str:
        """One of the spellings, as the writer of the day likes it."""
        return spellings[int(self.rng.integers(len(spellings)))]

    def event(self, kind: str, day: int, **fields: object) -> Event:
        """A wire event with an identifier of its own."""
        self.written += 1
        return {
            "type": kind,
            "event_id": f"{self.person.patient}-{self.written:03d}",
            "facility": self.person.facility,
            "patient": self.person.patient,
            "occurred_on": date.fromordinal(day).isoformat(),
            **fields,
        }

    def sent(self, event: Event, not_before_day: int) -> Sent:
        """The event with its day of sending: mostly days later, sometimes months."""
        day = not_before_day + int(self.rng.geometric(0.3)) - 1
        if self.rng.random() < LATE_SHARE:
            day += int(self.rng.integers(30, 181))
        return Sent(min(day, self.end_day), event)


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


def _infection(desk: Desk, infection: Infected) -> Iterator[Sent]:
    """One of the ways in which an infection becomes known."""
    finding = _finding(desk, infection)
    chance = desk.rng.random()
    if infection.cause == "ntm" and chance < 0.5:
        yield from _identified_later(desk, infection, finding)
    elif chance < CORRECTED_SHARE:
        yield from _dated_wrongly(desk, infection, finding)
    elif chance < CORRECTED_SHARE + WITHIN_A_VISIT_SHARE:
        visit = desk.event("follow_up", infection.day, infections=[finding])
        yield desk.sent(visit, infection.day)
    else:
        yield desk.sent(desk.event("infection", infection.day, **finding), infection.day)
        if chance > 1 - VOIDED_SHARE:
            yield from _meant_for_another(desk, infection, finding)


def _identified_later(desk: Desk, infection: Infected, finding: Event) -> Iterator[Sent]:
    pending: Event = {key: finding[key] for key in ("specimen", "status") if key in finding}
    pending["organism"] = desk.spelled(NOT_YET_IDENTIFIED)
    smear = desk.event("infection", infection.day, **pending)
    first = desk.sent(smear, infection.day)
    yield first
    culture = desk.event("infection", infection.day, **finding, replaces=smear["event_id"])
    yield desk.sent(culture, first.day + 21)


def _dated_wrongly(desk: Desk, infection: Infected, finding: Event) -> Iterator[Sent]:
    wrong_day = max(infection.day - 4, desk.life.happenings[0].day)
    wrong = desk.event("infection", wrong_day, **finding)
    first = desk.sent(wrong, infection.day)
    yield first
    right = desk.event("infection", infection.day, **finding, replaces=wrong["event_id"])
    yield desk.sent(right, first.day + 1)


def _meant_for_another(desk: Desk, infection: Infected, finding: Event) -> Iterator[Sent]:
    stray_day = min(infection.day + int(desk.rng.integers(20, 60)), desk.end_day)
    stray = desk.event("infection", stray_day, **finding)
    first = desk.sent(stray, stray_day)
    yield first
    void = desk.event("void", stray_day, voids=stray["event_id"], reason="wrong patient")
    yield desk.sent(void, first.day + 1)


def _finding(desk: Desk, infection: Infected) -> Event:
    cause = infection.cause
    finding: Event = {
        "organism": desk.spelled(infection.organism.spellings),
        "specimen": desk.spelled(infection.specimens),
    }
    if desk.rng.random() < 0.5:
        finding["infection_type"] = "ntm" if cause == "ntm_colonisation" else cause
    if cause == "ntm_colonisation":
        finding["status"] = "colonisation"
    elif cause == "ntm":
        finding["status"] = "disease"
    if desk.rng.random() < 0.1:
        finding["certainty"] = "probable"
    return finding


def _agents(desk: Desk, regimen: Regimen) -> list[str]:
    return [desk.spelled(AGENTS[agent]) for agent in regimen]


WRITE: dict[type, Callable[..., Iterator[Sent]]] = {
    Transplanted: _transplant,
    RegimenSet: _regimen,
    Visited: _visit,
    Ended: _outcome,
    Infected: _infection,
}
