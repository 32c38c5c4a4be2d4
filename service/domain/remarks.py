"""Remarks on an event that is kept but may not mean what its sender thinks.

In:     a patient's timeline and one of its events.
Out:    codes, each explained in `REMARKS`.
Source: docs/api.md: warnings, not errors.
"""

from collections.abc import Iterator

from service.domain.events import AnyEvent, FollowUpVisit, Regimen
from service.domain.timeline import PatientTimeline

REMARKS = {
    "event_after_death": "The event is dated after the patient's death: it is kept, and it counts "
    "for nothing.",
    "infection_before_entry": "The infection is dated before follow-up begins: it is kept, and it "
    "is not counted as a case.",
    "two_regimens_on_one_day": "Another regimen is recorded for the same day: the one with the "
    "greater event_id holds.",
}


def remarks(patient: PatientTimeline, event: AnyEvent) -> Iterator[str]:
    """The codes that apply to an event, given everything now known of its patient."""
    if not event.is_contact:
        return
    day = event.occurred_on.toordinal()
    if patient.death_day is not None and day > patient.death_day:
        yield "event_after_death"
    opened = {p.episode.episode_id.rpartition("#")[0]: p.reason for p in patient.episodes}
    if opened.get(event.event_id) in ("before_entry", "before_transplant"):
        yield "infection_before_entry"
    if _records_regimen(event) and any(
        _records_regimen(other) and other.occurred_on == event.occurred_on
        for other in patient.standing
        if other.event_id != event.event_id
    ):
        yield "two_regimens_on_one_day"


def _records_regimen(event: AnyEvent) -> bool:
    return isinstance(event, Regimen | FollowUpVisit) and event.agents is not None
