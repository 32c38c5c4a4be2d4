"""Look one patient up: what was received, and what follows from it.

In:     a patient.
Out:    a `PatientFile`: the events in order of receipt, the timeline as it is computed now, how
        each record counted, and which events no longer stand.
Source: docs/api.md. Computed from the events each time; the ledger's sums are not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.episodes import InfectionRecord
from service.domain.history import struck_by
from service.domain.remarks import remarks
from service.domain.timeline import PatientTimeline, PlacedEpisode, timeline
from service.errors import NotFound
from service.pipeline.surveillance import Surveillance
from service.store import ledger, merges
from service.store.events import PatientKey, ReceivedEvent


@dataclass(frozen=True, slots=True)
class CountedRecord:
    """A record of infection and the episode that it opened or joined."""

    record: InfectionRecord
    placed: PlacedEpisode

    @property
    def how(self) -> str:
        """What became of the record, in one word."""
        if not self.placed.counts:
            return "not_counted"
        opened = self.record.record_id == self.placed.episode.episode_id
        return "opened_episode" if opened else "joined_episode"


@dataclass(frozen=True, slots=True)
class PatientFile:
    """Everything known of one patient at a position of the ledger.

    `key` is the pseudonym that stands for the person, `pseudonyms` all that were merged into it.

    `struck_by` names, for each event that no longer stands, the standing event that replaces or
    voids it; `remarks` the codes of `service.domain.remarks` for each standing event with any.
    """

    key: PatientKey
    pseudonyms: tuple[PatientKey, ...]
    position: int
    received: tuple[ReceivedEvent, ...]
    timeline: PatientTimeline
    records: tuple[CountedRecord, ...]
    struck_by: Mapping[str, str]
    remarks: Mapping[str, tuple[str, ...]]


def find_patient(surveillance: Surveillance, key: PatientKey) -> PatientFile:
    """The patient's file; raises `NotFound` where nothing was ever received."""
    with surveillance.database.read() as connection:
        known = merges.persons(connection, [key])
        ((person, received),) = merges.events_of_persons(connection, known).items()
        position = ledger.head_position(connection)
    if not received:
        raise NotFound("No such patient is known.")
    computed = timeline([row.event for row in received], surveillance.rules)
    found = {event.event_id: tuple(remarks(computed, event)) for event in computed.standing}
    return PatientFile(
        key=person,
        pseudonyms=known.of[person],
        position=position,
        received=tuple(received),
        timeline=computed,
        records=tuple(_records(computed)),
        struck_by=struck_by(computed.received),
        remarks={event_id: codes for event_id, codes in found.items() if codes},
    )


def _records(computed: PatientTimeline) -> list[CountedRecord]:
    """Every standing record, in order of day."""
    placed_of = {
        record.record_id: placed
        for placed in computed.episodes
        for record in placed.episode.records
    }
    return [CountedRecord(record, placed_of[record.record_id]) for record in computed.records]
