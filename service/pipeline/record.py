"""Record events: from drafts to a ledger and alerts that know of them, in one transaction.

In:     drafts that the ingest floor could read.
Out:    a `Receipt`: what became of each, and the position the ledger has reached.
Source: docs/api.md: acknowledged means committed, rates and alerts included.

Gather what is known, decide (pure), apply the difference.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.contributions import Contributions
from service.domain.events import AnyEvent, Move
from service.domain.remarks import REMARKS, remarks
from service.domain.terms import terms_of
from service.domain.timeline import PatientTimeline
from service.ingest.faults import Draft, Fault
from service.ingest.resolve import TERM_WAITS
from service.pipeline.audit_trail import events_recorded
from service.pipeline.counted import counted
from service.pipeline.decide import (
    Batch,
    KnownEvent,
    Verdict,
    decide_batches,
    key_of,
    references,
)
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.store import audit, ledger, merges, unread_terms
from service.store import events as event_store
from service.store.engine import Connection
from service.store.events import PatientKey, ReceivedEvent
from service.store.ledger import Posting


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of each draft, in order, and the position the ledger has reached.

    `warnings` holds the remarks on accepted events by the draft's place in the batch.
    """

    verdicts: tuple[Verdict, ...]
    position: int
    warnings: dict[int, tuple[Fault, ...]] = field(default_factory=dict)


def record(surveillance: Surveillance, drafts: Sequence[Draft], *, atomic: bool = False) -> Receipt:
    """Record one batch; with `atomic`, nothing is kept unless no draft is rejected."""
    return record_batch(surveillance, Batch(drafts, atomic))


def record_batch(surveillance: Surveillance, batch: Batch) -> Receipt:
    """Record one batch in a transaction of its own."""
    if not batch.drafts:
        with surveillance.database.read() as connection:
            return Receipt((), ledger.head_position(connection))
    with surveillance.write() as connection:
        return record_within(connection, surveillance, [batch])[0]


def record_within(
    connection: Connection, surveillance: Surveillance, batches: Sequence[Batch]
) -> list[Receipt]:
    """Record batches as if they came one after the other, a receipt for each.

    It happens within a transaction of `surveillance.write()`. All receipts name the position of the
    whole transaction: no state of the ledger lies between.
    """
    position, rewritten_at = ledger.head(connection)
    surveillance.memory.keep_up(rewritten_at)
    judged = _judge(connection, batches)
    kept = [
        [verdict.draft for verdict in verdicts if verdict.status == "accepted"]
        if batch.keeps(verdicts)
        else []
        for batch, verdicts in zip(batches, judged, strict=True)
    ]
    accepted = [draft for drafts in kept for draft in drafts]
    timelines = _apply(connection, surveillance, accepted, position) if accepted else {}
    by_actor = [(batch.actor, len(drafts)) for batch, drafts in zip(batches, kept, strict=True)]
    audit.append(connection, events_recorded(by_actor, position, surveillance.clock()))
    return [
        _receipt(batch, verdicts, timelines, position + len(accepted))
        for batch, verdicts in zip(batches, judged, strict=True)
    ]


def _receipt(
    batch: Batch,
    verdicts: Sequence[Verdict],
    timelines: Mapping[PatientKey, PatientTimeline],
    position: int,
) -> Receipt:
    warnings = {
        place: _warnings(verdict.draft, timelines[_patient(verdict.draft)])
        for place, verdict in enumerate(verdicts)
        if verdict.status == "accepted" and batch.keeps(verdicts)
    }
    return Receipt(tuple(verdicts), position, warnings)


def _judge(connection: Connection, batches: Sequence[Batch]) -> list[list[Verdict]]:
    drafts = [draft for batch in batches for draft in batch.drafts]
    named = {key_of(draft.event) for draft in drafts}
    for draft in drafts:
        named.update(references(draft.event).values())
    known = event_store.find_events(connection, named)
    return decide_batches(
        batches,
        {
            key: KnownEvent(row.event.patient, row.received, isinstance(row.event, Move))
            for key, row in known.items()
        },
    )


def _apply(
    connection: Connection, surveillance: Surveillance, accepted: Sequence[Draft], position: int
) -> dict[PatientKey, PatientTimeline]:
    now, reached = surveillance.clock(), position
    position += len(accepted)
    received = [
        ReceivedEvent(draft.event, draft.received, reached + number, now)
        for number, draft in enumerate(accepted, start=1)
    ]
    known = merges.persons(connection, map(_patient, accepted))
    earlier = merges.events_of_persons(connection, known)
    event_store.add_events(connection, received)
    unread_terms.add_unread(connection, received)

    new: dict[PatientKey, list[ReceivedEvent]] = defaultdict(list)
    for draft, row in zip(accepted, unread_terms.as_they_count(connection, received), strict=True):
        new[known.person_of[_patient(draft)]].append(row)
    postings, timelines = [], {}
    for person, rows in sorted(new.items()):
        before = tuple(row.event for row in earlier[person])
        after = counted((*before, *(row.event for row in rows)), surveillance.rules)
        was = counted(before, surveillance.rules).contributions if before else Contributions()
        timelines[person] = after.timeline
        postings.append(Posting(person, before=was, after=after.contributions))
    ledger.post(connection, postings, position)
    ledger.advance(connection, position, now)
    watch(connection, surveillance, postings, reached, position)
    persons = {patient: known.person_of[patient] for patient in map(_patient, accepted)}
    return {patient: timelines[person] for patient, person in persons.items()}


def _patient(draft: Draft) -> PatientKey:
    return PatientKey(draft.event.facility, draft.event.patient)


def _warnings(draft: Draft, patient: PatientTimeline) -> tuple[Fault, ...]:
    counts_as = _as_it_counts(draft.event, patient)
    waits = next(terms_of(counts_as), None) is not None
    told = (fault for fault in draft.warnings if waits or fault.code != TERM_WAITS)
    found = (Fault("", code, REMARKS[code]) for code in remarks(patient, counts_as))
    return (*told, *found)


def _as_it_counts(event: AnyEvent, patient: PatientTimeline) -> AnyEvent:
    """The event with its terms read as was decided; most have none to read."""
    if next(terms_of(event), None) is None:
        return event
    return next(one for one in patient.received if one.event_id == event.event_id)
