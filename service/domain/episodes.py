"""Episodes: records of infection gathered into the cases that are counted.

In:     a patient's standing events and the case definitions.
Out:    `Episode` values over all records, before entry and outside follow-up too.
Source: docs/methods.md 4: NHSN repeat infection timeframe (fixed), OHDSI and DARWIN clean window
        (rolling); the definitions themselves name their sources.

Two rules with 14 days, records on days 1, 10 and 20::

    fixed     1 ......10.. |14|   20 opens a new episode: the window ran from the onset
    rolling   1 ......10 ........ 20 .. |34|   still one: each record renews the window
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from service.domain.days import Days
from service.domain.events import AnyEvent, Finding, FollowUpVisit, Infection
from service.reference import CERTAINTIES, STATUSES
from service.reference.case_definitions import CaseDefinition, CaseDefinitions

COLONISATION = "colonisation"


class InfectionRecord(NamedTuple):
    """One finding as reported: the `position_in_event`-th of its event."""

    day: int
    event_id: str
    position_in_event: int
    finding: Finding

    @property
    def record_id(self) -> str:
        """The record's name, unique within the facility."""
        return f"{self.event_id}#{self.position_in_event}"


class EpisodeStream(NamedTuple):
    """Records that may belong together: of one definition, at one site or of one group.

    `defined_for` is the organism group of a definition of its own, such as *C. difficile*'s.
    """

    infection_type: str
    is_colonisation: bool
    defined_for: str
    value: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One case: its records in order, and the days to which a further record would still belong."""

    records: tuple[InfectionRecord, ...]
    definition: CaseDefinition

    @property
    def episode_id(self) -> str:
        """Named after the record that opened it."""
        return self.records[0].record_id

    @property
    def onset_day(self) -> int:
        """The day of the first record."""
        return self.records[0].day

    @property
    def window(self) -> Days:
        """From the onset to the last day of the repeat window."""
        end = self.definition.window_end(self.onset_day, self.records[-1].day)
        return Days(self.onset_day, end)

    @property
    def infection_type(self) -> str:
        """The type all its records share."""
        return self.records[0].finding.infection_type

    @property
    def is_colonisation(self) -> bool:
        """Isolation without disease, kept apart from infections."""
        return self.records[0].finding.status == COLONISATION

    @property
    def identified(self) -> Finding:
        """The first record that names the organism, else the first: it gives organism and site."""
        findings = [record.finding for record in self.records]
        named = (finding for finding in findings if finding.organism and not finding.pending)
        return next(named, findings[0])

    @property
    def status(self) -> str:
        """The highest status among its records."""
        return min((record.finding.status for record in self.records), key=STATUSES.index)

    @property
    def certainty(self) -> str:
        """The highest certainty among its records."""
        return min((record.finding.certainty for record in self.records), key=CERTAINTIES.index)

    def accepts(self, day: int) -> bool:
        """Would a record of that day still belong?"""
        return day <= self.window.end_day


def infection_records(standing: Iterable[AnyEvent]) -> list[InfectionRecord]:
    """Every reported finding, in order of day, event_id and place in the event."""
    found = []
    for event in standing:
        findings: Sequence[Finding] = ()
        if isinstance(event, Infection):
            findings = (event.finding,)
        elif isinstance(event, FollowUpVisit):
            findings = event.findings
        day = event.occurred_on.toordinal()
        found += [
            InfectionRecord(day, event.event_id, position, finding)
            for position, finding in enumerate(findings)
            if not finding.is_none
        ]
    return sorted(found, key=lambda record: record[:3])


def episodes(
    records: Iterable[InfectionRecord], case_definitions: CaseDefinitions
) -> list[Episode]:
    """The patient's episodes, in order of onset."""

    def stream(record: InfectionRecord) -> EpisodeStream:
        finding = record.finding
        definition = case_definitions.for_record(finding.infection_type, finding.organism_group)
        return EpisodeStream(
            finding.infection_type,
            finding.status == COLONISATION,
            definition.organism_group or "",
            finding.site if definition.same_episode_by == "site" else finding.organism_group,
        )

    found: list[Episode] = []
    for _, of_the_stream in groupby(sorted(records, key=stream), key=stream):
        found += _episodes_of_one_stream(list(of_the_stream), case_definitions)
    return sorted(found, key=lambda episode: episode.records[0][:3])


def _episodes_of_one_stream(
    records: Sequence[InfectionRecord], case_definitions: CaseDefinitions
) -> list[Episode]:
    first = records[0].finding
    definition = case_definitions.for_record(first.infection_type, first.organism_group)
    found: list[Episode] = []
    for record in records:
        if found and found[-1].accepts(record.day):
            found[-1] = Episode((*found[-1].records, record), definition)
        else:
            found.append(Episode((record,), definition))
    return found
