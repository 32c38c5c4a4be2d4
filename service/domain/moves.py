"""What a move from one facility to another writes at either of them.

In:     the standing events of a patient who moves, and the day.
Out:    a departure there; here an arrival and copies of what was known, under names of the move.
Source: docs/decisions/0014-who-a-patient-is.md.

Who receives a patient needs the transplants, the regimen in force and the earlier infections, or
the first days there would be unknown ones and a known infection a new case. The days before stay
with the facility that had them.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from service.domain.courses import courses
from service.domain.events import AnyEvent, Arrival, Departure, Move, Outcome, Void
from service.domain.follow_up import END_OF_OBSERVATION

ONE_DAY = timedelta(days=1)


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A move: whose it is on either side, and the first day at the new facility."""

    move_id: str
    from_facility: str
    from_patient: str
    to_facility: str
    to_patient: str
    on: date

    def name(self, of: str) -> str:
        """The event_id of something that the move writes."""
        return f"{stem_of(self.move_id)}{of}"


def stem_of(move_id: str) -> str:
    """How the event_ids of all that a move writes begin."""
    return f"move-{move_id}."


def departure(move: Moved) -> Departure:
    """What the old facility holds of the move."""
    return Departure(
        event_id=move.name("left"),
        facility=move.from_facility,
        patient=move.from_patient,
        occurred_on=move.on - ONE_DAY,
        to_facility=move.to_facility,
    )


def arrival(move: Moved, standing: Sequence[AnyEvent]) -> Arrival:
    """What the new facility holds of the move."""
    entries = [course.entry_day for course in courses(standing)]
    since = date.fromordinal(min(entries)) if entries else None
    return Arrival(
        event_id=move.name("came"),
        facility=move.to_facility,
        patient=move.to_patient,
        occurred_on=move.on,
        from_facility=move.from_facility,
        since=since if since and since < move.on else None,
    )


def passed_on(move: Moved, standing: Sequence[AnyEvent]) -> list[tuple[AnyEvent, AnyEvent]]:
    """Each event that goes along, with its copy; copies sort by name as the events did.

    An end of observation that was reported on the eve of the move, or later, was the move.
    """
    known = sorted(
        (event for event in standing if _goes_along(event, move)), key=lambda one: one.event_id
    )
    return [
        (
            event,
            msgspec.structs.replace(
                event,
                event_id=move.name(f"{number:06}"),
                facility=move.to_facility,
                patient=move.to_patient,
                replaces=None,
            ),
        )
        for number, event in enumerate(known, start=1)
    ]


def _goes_along(event: AnyEvent, move: Moved) -> bool:
    if isinstance(event, Outcome) and event.outcome in END_OF_OBSERVATION:
        return event.occurred_on < move.on - ONE_DAY
    return not isinstance(event, Void | Move)


def taken_back(move_id: str, standing: Sequence[AnyEvent]) -> list[Void]:
    """What strikes all that the move wrote for one patient."""
    stem = stem_of(move_id)
    return [
        Void(
            event_id=f"{event.event_id}.back",
            facility=event.facility,
            patient=event.patient,
            occurred_on=event.occurred_on,
            voids=event.event_id,
            reason="the move was taken back",
        )
        for event in standing
        if event.event_id.startswith(stem) and not isinstance(event, Void)
    ]
