"""Record events: from drafts to a ledger and alerts that know of them, in one transaction.

In:     drafts that the ingest floor could read.
Out:    a `Receipt`: what became of each, and the position the ledger has reached.
Source: docs/api.md: acknowledged means committed, rates and alerts included.

Gather what is known, decide (pure), apply the difference.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.contributions import Contributions, contributions_of
from service.domain.remarks import REMARKS, remarks
from service.domain.timeline import PatientTimeline, timeline
from service.ingest.faults import Draft, Fault
from service.pipeline.decide import KnownEvent, Verdict, decide, key_of, references
from service.pipeline.monitor import watch
from service.pipeline.surveillance import Surveillance
from service.store import events as event_store
from service.store import ledger
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
    """Record a batch; with `atomic`, nothing is kept unless no draft is rejected."""
    if not drafts:
        with surveillance.database.read() as connection:
            return Receipt((), ledger.head_position(connection))
    with surveillance.database.write() as connection:
        verdicts = tuple(_judge(connection, drafts))
        accepted = [v.draft for v in verdicts if v.status == "accepted"]
        position = ledger.head_position(connection)
        if not accepted or (atomic and any(v.status == "rejected" for v in verdicts)):
            return Receipt(verdicts, position)
        timelines = _apply(connection, surveillance, accepted, position)
        warnings = {
            place: _warnings(verdict.draft, timelines[_patient(verdict.draft)])
            for place, verdict in enumerate(verdicts)
            if verdict.status == "accepted"
        }
        return Receipt(verdicts, position + len(accepted), warnings)


def _judge(connection: Connection, drafts: Sequence[Draft]) -> list[Verdict]:
    named = {key_of(draft.event) for draft in drafts}
    for draft in drafts:
        named.update(references(draft.event).values())
    known = event_store.find_events(connection, named)
    return decide(
        drafts, {key: KnownEvent(row.event.patient, row.received) for key, row in known.items()}
    )


def _apply(
    connection: Connection, surveillance: Surveillance, accepted: Sequence[Draft], position: int
) -> dict[PatientKey, PatientTimeline]:
    now = surveillance.clock()
    new: dict[PatientKey, list[ReceivedEvent]] = defaultdict(list)
    for draft in accepted:
        position += 1
        row = ReceivedEvent(draft.event, draft.received, position, now)
        new[_patient(draft)].append(row)
    earlier = event_store.events_of_patients(connection, new)
    event_store.add_events(connection, [row for rows in new.values() for row in rows])

    postings, timelines = [], {}
    for patient, rows in sorted(new.items()):
        before = [row.event for row in earlier.get(patient, ())]
        after = timeline([*before, *(row.event for row in rows)], surveillance.rules)
        was = timeline(before, surveillance.rules) if before else None
        timelines[patient] = after
        postings.append(
            Posting(
                patient,
                before=contributions_of(was) if was else Contributions(),
                after=contributions_of(after),
            )
        )
    ledger.post(connection, postings, position)
    ledger.advance(connection, position, now)
    watch(connection, surveillance, postings, position)
    return timelines


def _patient(draft: Draft) -> PatientKey:
    return PatientKey(draft.event.facility, draft.event.patient)


def _warnings(draft: Draft, patient: PatientTimeline) -> tuple[Fault, ...]:
    found = (Fault("", code, REMARKS[code]) for code in remarks(patient, draft.event))
    return (*draft.warnings, *found)
