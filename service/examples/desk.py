"""The desk of a hospital: writes events down in its own spellings and decides when each is sent.

In:     who the patient is, the life to tell, a generator of chance, the last day of the period.
Out:    `Desk`, and `Sent`: a wire event with the day it was sent.
Source: docs/api.md; delays are invented.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from numpy.random import Generator

from service.examples.happenings import Life

LATE_SHARE = 0.04

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
