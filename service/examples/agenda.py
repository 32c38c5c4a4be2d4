"""The agenda of a simulated life: what is due on a day, and what doing it changes.

In:     the items of a `Plan` as their days come.
Out:    `Walk`, where one patient stands; `do_what_is_due(walk)`.
Source: docs/methods.md 2 to 4 for what a contact, a regimen and a further record mean.
"""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field

from numpy.random import Generator

from service.examples.happenings import (
    Ended,
    Happening,
    Infected,
    Regimen,
    RegimenSet,
    Transplanted,
    Visited,
)
from service.examples.plans import Appointment, Force, Planned, regimen_changes

VISIT_GAP_DAYS = (65, 85)
REPEAT_DAYS = {"bacterial": 13, "viral": 60, "fungal": 90, "ntm": 365, "ntm_colonisation": 365}
"""Days after a record on which a further one would be the same episode (docs/methods.md 4)."""
SENT_BY_HABIT = (Transplanted, RegimenSet, Appointment, Ended)
"""What a patient of whom nothing more is heard no longer has."""


@dataclass(slots=True)
class Walk:
    """Where one patient stands on the way through the period."""

    rng: Generator
    day: int
    entry_day: int
    index_day: int
    transplant_type: str
    regimen: Regimen
    written_regimen: Regimen
    written_on: int
    last_contact_day: int
    silent_from: int
    agenda: list[Planned]
    blocked_until: dict[str, int] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)

    def note(self, happening: Happening) -> None:
        """Keep what happened; it is a contact."""
        self.happenings.append(happening)
        self.last_contact_day = max(self.last_contact_day, happening.day)

    def plan(self, item: Planned) -> None:
        """Put an item on the agenda, unless it is news of somebody who sends none any more."""
        if item.day < self.silent_from or not isinstance(item, SENT_BY_HABIT):
            insort(self.agenda, item, key=_due)

    def record_infection(self, infection: Infected) -> None:
        """Keep an infection; for as long as it lasts its cause cannot strike anew."""
        self.note(infection)
        cause = infection.cause
        if not (cause == "bacterial" and infection.is_repeat):  # fixed window: from the onset
            self.blocked_until[cause] = infection.day + REPEAT_DAYS[cause]

    def record_regimen(self, day: int, regimen: Regimen) -> None:
        """Keep a regimen, in force from the next day; one a day, or the record would be unclear."""
        self.written_regimen, self.written_on = regimen, day
        self.note(RegimenSet(day, regimen))
        self.plan(Force(day + 1, regimen))


def do_what_is_due(walk: Walk) -> None:
    """Take every item of the agenda up to the day on which the walk stands."""
    while walk.agenda and walk.agenda[0].day <= walk.day:
        item = walk.agenda.pop(0)
        DUE[type(item)](walk, item)


def _force(walk: Walk, item: Force) -> None:
    walk.regimen = item.regimen


def _transplant_again(walk: Walk, item: Transplanted) -> None:
    regimen = item.regimen or ()
    walk.agenda = [later for later in walk.agenda if not isinstance(later, RegimenSet | Force)]
    walk.index_day, walk.entry_day = item.day, item.day
    walk.transplant_type, walk.regimen = item.transplant_type, regimen
    walk.written_regimen, walk.written_on = regimen, item.day
    walk.note(item)
    for change in regimen_changes(walk.rng, item.transplant_type, regimen, item.day):
        walk.plan(change)


def _set_regimen(walk: Walk, item: RegimenSet) -> None:
    if walk.written_on == item.day:
        walk.plan(item._replace(day=item.day + 1))
    else:
        walk.record_regimen(item.day, item.regimen)


def _infection_again(walk: Walk, item: Infected) -> None:
    walk.record_infection(item)


def _visit(walk: Walk, item: Appointment) -> None:
    writes_it_down = walk.written_on != item.day and walk.rng.random() < 0.3
    if writes_it_down:
        walk.written_on = item.day
    walk.note(Visited(item.day, walk.written_regimen if writes_it_down else None))
    walk.plan(Appointment(item.day + int(walk.rng.integers(*VISIT_GAP_DAYS))))


def _report(walk: Walk, item: Ended) -> None:
    walk.note(item)


DUE: dict[type, Callable[..., None]] = {
    Force: _force,
    Transplanted: _transplant_again,
    RegimenSet: _set_regimen,
    Infected: _infection_again,
    Appointment: _visit,
    Ended: _report,
}
_ORDER = {kind: number for number, kind in enumerate(DUE)}


def _due(item: Planned) -> tuple[int, int]:
    return item.day, _ORDER[type(item)]
