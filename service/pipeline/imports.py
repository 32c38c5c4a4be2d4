"""Record what the rows of a register say, batch by batch.

In:     rows as `service.ingest.registers` reads them; who sends them, and for which facilities.
Out:    an `Account` of each batch: counts, faults, the ledger's position.
Source: docs/imports.md; docs/decisions/0016-sources-restate.md.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from service.domain.audit_chain import Actor
from service.domain.restating import Source, Statement
from service.ingest.faults import Draft
from service.ingest.ndjson import read_line
from service.ingest.registers.rows import EventRow, FaultyRow, Row, RowFault, SpokenRow
from service.pipeline.decide import Batch, KnownEvent, Verdict, decide, key_of, references
from service.pipeline.record import record_within
from service.pipeline.restating import record_sources_within, rehearse_sources
from service.pipeline.surveillance import Surveillance
from service.store.engine import Connection
from service.store.events import EventKey, find_events

Reaches: TypeAlias = Callable[[str], bool]

COUNTED = ("rows", "accepted", "duplicate", "voided", "rejected")
"""Rows read; events that are new or corrected, known before, taken back; rows not taken."""
NOT_ALLOWED = "The key is bound to other facilities."


@dataclass(frozen=True, slots=True)
class Account:
    """What became of some rows; a row with a fault is not taken at all."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: tuple[RowFault, ...] = ()
    warnings: Counter[str] = field(default_factory=Counter)
    position: int = 0


class Importer:
    """Takes rows for one sender; with `is_dry` it says what would become of them.

    A dry run remembers the events that it would have accepted of our own columns, because a later
    row may correct an earlier one; of a register's rows it remembers nothing.
    """

    def __init__(
        self, surveillance: Surveillance, actor: Actor, reaches: Reaches, *, is_dry: bool = False
    ) -> None:
        """Nothing is taken yet."""
        self._surveillance = surveillance
        self._actor = actor
        self._reaches = reaches
        self._is_dry = is_dry
        self._accepted: dict[EventKey, KnownEvent] = {}

    def take(self, rows: Iterable[Row]) -> Account:
        """Take a batch in a transaction of its own."""
        database = self._surveillance.database
        with database.read() if self._is_dry else self._surveillance.write() as connection:
            return self.take_within(connection, rows)

    def take_within(self, connection: Connection, rows: Iterable[Row]) -> Account:
        """Take a batch within a transaction, of `surveillance.write()` unless it is a dry run."""
        counts: Counter[str] = Counter()
        faults: dict[int, tuple[RowFault, ...]] = {}
        sound: list[SpokenRow | EventRow] = []
        for row in rows:
            counts["rows"] += 1
            if isinstance(row, FaultyRow):
                faults[row.line] = row.faults
            elif self._reaches(row.facility):
                sound.append(row)
            else:
                fault = RowFault(row.line, "", "facility_not_allowed", NOT_ALLOWED)
                faults[row.line] = (fault,)
        spoken: dict[str, list[SpokenRow]] = defaultdict(list)
        for row in sound:
            if isinstance(row, SpokenRow):
                spoken[row.facility].append(row)
        events = [row for row in sound if isinstance(row, EventRow)]
        parts = [self._take_sources(connection, *group) for group in spoken.items()]
        parts += [self._take_events(connection, events)] if events else []
        warnings: Counter[str] = Counter()
        for part in parts:
            counts += part.counts
            warnings += part.warnings
            for fault in part.faults:
                faults[fault.line] = (*faults.get(fault.line, ()), fault)
        counts["rejected"] = len(faults)
        told = tuple(fault for line in sorted(faults) for fault in faults[line])
        return Account(counts, told, warnings, max((part.position for part in parts), default=0))

    def _take_sources(
        self, connection: Connection, facility: str, rows: list[SpokenRow]
    ) -> Account:
        sources = [
            Source(row.source, tuple(Statement(row.patient, body) for body in row.bodies))
            for row in rows
        ]
        if self._is_dry:
            position = 0
            outcomes = rehearse_sources(connection, self._surveillance, facility, sources)
        else:
            done = record_sources_within(
                connection, self._surveillance, facility, sources, actor=self._actor
            )
            position, outcomes = done.position, done.outcomes
        counts: Counter[str] = Counter()
        for one in outcomes:
            counts.update(accepted=one.recorded, duplicate=one.known, voided=one.voided)
        faults = tuple(
            RowFault(row.line, "", fault.code, fault.message)
            for row, outcome in zip(rows, outcomes, strict=True)
            for fault in outcome.faults
        )
        warnings = Counter(warning.code for one in outcomes for warning in one.warnings)
        return Account(counts, faults, warnings, position)

    def _take_events(self, connection: Connection, rows: list[EventRow]) -> Account:
        today_latest = self._surveillance.latest_date_on_earth()
        read = [
            read_line(row.line, row.received.encode(), today_latest=today_latest) for row in rows
        ]
        drafts = [item for item in read if isinstance(item, Draft)]
        if self._is_dry:
            position, verdicts = 0, self._rehearsed(connection, drafts)
            remarks = [warning for draft in drafts for warning in draft.warnings]
        else:
            batch = Batch(drafts, actor=self._actor)
            (receipt,) = record_within(connection, self._surveillance, [batch])
            position, verdicts = receipt.position, list(receipt.verdicts)
            remarks = [warning for group in receipt.warnings.values() for warning in group]
        ends = Counter(verdict.status for verdict in verdicts)
        faults = tuple(
            RowFault(verdict.draft.index, fault.pointer.lstrip("/"), fault.code, fault.message)
            for verdict in verdicts
            for fault in verdict.faults
        )
        counts = Counter({"accepted": ends["accepted"], "duplicate": ends["duplicate"]})
        return Account(counts, faults, Counter(remark.code for remark in remarks), position)

    def _rehearsed(self, connection: Connection, drafts: Sequence[Draft]) -> list[Verdict]:
        known = known_events(connection, drafts)
        verdicts = decide(drafts, {**known, **self._accepted})
        for verdict in verdicts:
            if verdict.status == "accepted":
                event = verdict.draft.event
                kept = KnownEvent(event.patient, verdict.draft.received)
                self._accepted[key_of(event)] = kept
        return verdicts


def known_events(connection: Connection, drafts: Sequence[Draft]) -> dict[EventKey, KnownEvent]:
    """What the store knows of the events that some drafts name."""
    named = {key_of(draft.event) for draft in drafts}
    for draft in drafts:
        named.update(references(draft.event).values())
    stored = find_events(connection, named)
    return {key: KnownEvent(row.event.patient, row.received) for key, row in stored.items()}


def in_batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Rows, so many at a time."""
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch
