"""A ledger of one's own: events recorded in a real store, batch after batch.

In:     a database URL, and batches of events already in the vocabulary's terms.
Out:    `Recorded`: the surveillance, with a clock that the test moves.
Source: `service.pipeline.record` without what lies around the ledger: wire formats and monitors.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import delete, update

from service.domain.contributions import contributions
from service.domain.events import AnyEvent, encode
from service.domain.rules import FollowUpRules
from service.pipeline.following import posted_since
from service.pipeline.kept_series import KeptSeries
from service.pipeline.surveillance import Surveillance
from service.store import events as event_store
from service.store import ledger
from service.store.engine import Database
from service.store.events import PatientKey, ReceivedEvent
from service.store.ledger import Posting
from service.store.running_sums import RunningSums
from service.store.tables import (
    EpisodeRow,
    LedgerCommit,
    LedgerHead,
    PatientMergeRow,
    RecordedEvent,
    RiskStepRow,
    SegmentRow,
    StratumRow,
    TermDecisionRow,
    UnreadTermRow,
)

LEDGER = (
    LedgerCommit,
    RecordedEvent,
    PatientMergeRow,
    UnreadTermRow,
    TermDecisionRow,
    StratumRow,
    SegmentRow,
    RiskStepRow,
    EpisodeRow,
)
FIRST_INSTANT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class Recorded:
    """A store and its clock; `record` takes a day each time, as hospitals report daily."""

    database: Database
    rules: FollowUpRules = field(default_factory=FollowUpRules)
    now: datetime = FIRST_INSTANT

    @property
    def surveillance(self) -> Surveillance:
        return Surveillance(self.database, self.rules, clock=lambda: self.now)

    def record(self, batch: Sequence[AnyEvent], kept: KeptSeries | None = None) -> int:
        """Record one batch in one transaction, a day after the last; returns the position.

        `kept` are the series of the process that records it.
        """
        self.now += timedelta(days=1)
        new: dict[PatientKey, list[ReceivedEvent]] = defaultdict(list)
        with self.database.write() as connection:
            position = ledger.head_position(connection)
            for event in batch:
                position += 1
                row = ReceivedEvent(event, encode(event).decode(), position, self.now)
                new[PatientKey(event.facility, event.patient)].append(row)
            earlier = event_store.events_of_patients(connection, new)
            event_store.add_events(connection, [row for rows in new.values() for row in rows])
            postings = []
            for patient, rows in sorted(new.items()):
                before = [row.event for row in earlier.get(patient, ())]
                after = [*before, *(row.event for row in rows)]
                postings.append(
                    Posting(
                        patient,
                        before=contributions(before, self.rules),
                        after=contributions(after, self.rules),
                    )
                )
            if batch:
                ledger.post(connection, postings, position)
                ledger.advance(connection, position, self.now)
                if kept is not None:
                    before = position - len(batch)
                    others = partial(posted_since, connection, until=before)
                    kept.follow(postings, before, position, others)
        return position


def empty(database: Database) -> None:
    with database.write() as connection:
        for table in LEDGER:
            connection.execute(delete(table))
        connection.execute(update(LedgerHead).values(position=0, rewritten_at=0))


@contextmanager
def recorded(
    url: str,
    batches: Sequence[Sequence[AnyEvent]] = (),
    rules: FollowUpRules | None = None,
    *,
    in_memory: bool = False,
) -> Iterator[Recorded]:
    """Everything recorded in a ledger emptied first; the database is closed at the end.

    With `in_memory` every figure is answered from sums that were loaded when nothing was there.

    To empty one is quicker than to open another, which matters to laws with many examples.
    """
    sums = RunningSums(few_facilities=0, waits=True) if in_memory else None
    kept = Recorded(Database(url, sums=sums), rules or FollowUpRules())
    try:
        empty(kept.database)
        if in_memory:
            kept.database.load_sums()
        for batch in batches:
            kept.record(batch)
        yield kept
    finally:
        kept.database.close()
