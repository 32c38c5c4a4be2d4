"""What a simulated patient's doctors intend at the transplant, before chance has its say.

In:     a generator of chance, the facility's programme, the period.
Out:    `Plan`: who, what, when, and the `Planned` items of the agenda.
Source: invented.

Nothing here looks ahead at what will happen: a plan is made on the index date.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from numpy.random import Generator

from service.examples.happenings import Ended, Infected, Regimen, RegimenSet, Transplanted
from service.examples.spellings import ORGANISMS, SPECIMENS

T = TypeVar("T")

Programme = Mapping[str, float]
"""Share of each transplant type among a facility's transplants."""

PROGRAMMES: tuple[Programme, ...] = (
    {"allo_hsct": 0.3, "auto_hsct": 0.2, "kidney": 0.25, "liver": 0.15, "lung": 0.1},
    {"kidney": 0.45, "liver": 0.2, "lung": 0.35},
    {"allo_hsct": 0.6, "auto_hsct": 0.4},
)
"""A mixed centre, an organ centre, a stem cell centre; facilities take them in turn."""

CSA_MMF: Regimen = ("ciclosporin", "mycophenolic acid")
FK_MMF: Regimen = ("mycophenolic acid", "tacrolimus")
RAPA_MMF: Regimen = ("mycophenolic acid", "sirolimus")
FIRST_REGIMENS: Mapping[str, Mapping[Regimen, float]] = {
    "allo_hsct": {CSA_MMF: 0.4, FK_MMF: 0.4, RAPA_MMF: 0.2},
    "auto_hsct": {(): 1.0},
    "kidney": {FK_MMF: 0.55, CSA_MMF: 0.25, RAPA_MMF: 0.2},
    "liver": {FK_MMF: 0.6, CSA_MMF: 0.25, RAPA_MMF: 0.15},
    "lung": {FK_MMF: 0.6, CSA_MMF: 0.25, RAPA_MMF: 0.15},
}
SWITCHES: Mapping[Regimen, float] = {CSA_MMF: 0.25, FK_MMF: 0.25, RAPA_MMF: 0.5}
NEXT_TRANSPLANT = {"auto_hsct": "allo_hsct"}
"""A second transplant is of the same type but for these."""
OUTCOMES = {"allo_hsct": "gvhd", "auto_hsct": "relapse"}
NEVER = 10**7


class Force(NamedTuple):
    """A regimen recorded on the day before comes into force."""

    day: int
    regimen: Regimen


class Appointment(NamedTuple):
    """The next visit."""

    day: int


Planned = Force | Transplanted | RegimenSet | Infected | Appointment | Ended
"""An item of the agenda; what is due on one day is taken in this order."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A patient as known at the transplant; no more news is sent from `silent_from` on."""

    first: Transplanted
    entry_day: int
    silent_from: int
    before_entry: Infected | None
    agenda: tuple[Planned, ...]


def draw_plan(rng: Generator, programme: Programme, start_day: int, end_day: int) -> Plan:
    """A transplant on some day of the period, and what is meant to follow."""
    transplant_type = pick(rng, programme)
    index_day = int(rng.integers(start_day, end_day + 1))
    regimen = pick(rng, FIRST_REGIMENS[transplant_type])
    entry_day = index_day
    if rng.random() < 0.15:  # enrolled late: no time at risk before (left truncation)
        entry_day = min(index_day + int(rng.integers(1, 60)), end_day)
    before_entry = None
    if entry_day > index_day and rng.random() < 0.3:
        day = int(rng.integers(index_day, entry_day))
        before_entry = draw_infection(rng, day, "bacterial")
    silent = rng.random() < 0.03
    return Plan(
        first=Transplanted(index_day, transplant_type, regimen),
        entry_day=entry_day,
        silent_from=entry_day + int(rng.integers(30, 700)) if silent else NEVER,
        before_entry=before_entry,
        agenda=(
            Appointment(entry_day + int(rng.integers(7, 31))),
            *regimen_changes(rng, transplant_type, regimen, entry_day),
            *_later_events(rng, transplant_type, entry_day),
        ),
    )


def regimen_changes(
    rng: Generator, transplant_type: str, regimen: Regimen, entry_day: int
) -> Iterator[RegimenSet]:
    """A switch of the leading agent, then less of it, then after stem cells none."""
    if not regimen:
        return
    if rng.random() < 0.35:
        regimen = pick(rng, SWITCHES)
        yield RegimenSet(entry_day + int(rng.integers(60, 200)), regimen)
    if rng.random() < 0.5:
        yield RegimenSet(entry_day + int(rng.integers(220, 420)), without_mycophenolate(regimen))
    if transplant_type == "allo_hsct" and rng.random() < 0.6:
        yield RegimenSet(entry_day + int(rng.integers(430, 600)), ())


def without_mycophenolate(regimen: Regimen) -> Regimen:
    """What is left when the second agent is stopped.

    >>> without_mycophenolate(("mycophenolic acid", "tacrolimus"))
    ('tacrolimus',)
    """
    return tuple(agent for agent in regimen if agent != "mycophenolic acid")


def draw_infection(rng: Generator, day: int, cause: str) -> Infected:
    """An infection of the cause, with its organism and the place it was found in."""
    organism = pick(rng, {found: found.share for found in ORGANISMS[cause]})
    specimens = pick(rng, {found.spellings: found.share for found in SPECIMENS[cause]})
    return Infected(day, cause, organism, specimens, is_repeat=False)


def pick(rng: Generator, shares: Mapping[T, float]) -> T:
    """One of the keys, each with its share of the chances."""
    left = rng.random() * sum(shares.values())
    for value, share in shares.items():
        left -= share
        if left < 0:
            return value
    return next(reversed(list(shares)))


def _later_events(rng: Generator, transplant_type: str, entry_day: int) -> Iterator[Planned]:
    if rng.random() < 0.05:
        again = NEXT_TRANSPLANT.get(transplant_type, transplant_type)
        day = entry_day + int(rng.integers(100, 900))
        yield Transplanted(day, again, pick(rng, FIRST_REGIMENS[again]))
    if rng.random() < 0.25:
        outcome = OUTCOMES.get(transplant_type, "graft_failure")
        yield Ended(entry_day + int(rng.integers(20, 400)), outcome)
