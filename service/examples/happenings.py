"""What happens in a simulated patient's life, before anybody writes it down.

In:     nothing.
Out:    the kinds of happening and `Life`, one patient's happenings in order of day.
Source: the kinds of event of docs/api.md. Days are proleptic ordinals (`date.toordinal`).
"""

from dataclasses import dataclass
from typing import NamedTuple

from service.examples.spellings import Organism

Regimen = tuple[str, ...]
"""Agents in force by their canonical names, sorted; `()` means none."""


class Transplanted(NamedTuple):
    """A transplant; with the regimen set on that day, None where nothing is recorded."""

    day: int
    transplant_type: str
    regimen: Regimen | None


class RegimenSet(NamedTuple):
    """A new regimen is recorded; it is in force from the next day."""

    day: int
    regimen: Regimen


class Infected(NamedTuple):
    """An infection or an isolation; `is_repeat` marks a further record of the same episode."""

    day: int
    cause: str
    organism: Organism
    specimens: tuple[str, ...]
    is_repeat: bool


class Visited(NamedTuple):
    """A visit, at which the regimen in force may be written down again."""

    day: int
    regimen: Regimen | None


class Ended(NamedTuple):
    """A reported outcome, whether or not it ends follow-up."""

    day: int
    outcome: str


Happening = Transplanted | RegimenSet | Infected | Visited | Ended


@dataclass(frozen=True, slots=True)
class Life:
    """One patient's happenings in order of day; follow-up begins on `entry_day`."""

    entry_day: int
    happenings: tuple[Happening, ...]

    @property
    def infections(self) -> tuple[Infected, ...]:
        """The infections and isolations among them."""
        return tuple(found for found in self.happenings if isinstance(found, Infected))
