"""Judge events as recording them would, and store nothing.

In:     drafts and rejections, batch by batch.
Out:    what would become of them.
Source: `service.pipeline.decide`.

Remembers each event's name and a digest of its words, about 300 bytes an event: what names an
earlier event of the same file must find it, without a transaction that others would wait for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from service.api.event_intake import EventFault, EventResult, Taken
from service.ingest.faults import Draft, Fault, Rejection
from service.pipeline.decide import KnownEvent, Verdict, decide, key_of, references
from service.pipeline.surveillance import Surveillance
from service.store.events import EventKey, find_events

if TYPE_CHECKING:
    from service.commands.feeding import Item


class Rehearsal:
    """Takes batches as recording does; remembers what it would have accepted."""

    def __init__(self, surveillance: Surveillance) -> None:
        """Begin with what the store knows."""
        self._surveillance = surveillance
        self._remembered: dict[EventKey, KnownEvent] = {}

    def take(self, items: "Sequence[Item]") -> Taken:
        """Judge a batch."""
        drafts = [
            replace(item, received=_digest(item.received))
            for item in items
            if isinstance(item, Draft)
        ]
        verdicts = decide(drafts, self._known(drafts))
        for verdict in verdicts:
            if verdict.status == "accepted":
                event, digest = verdict.draft.event, verdict.draft.received
                self._remembered[key_of(event)] = KnownEvent(event.patient, digest)
        judged = iter(verdicts)
        results = (
            _refused(item) if isinstance(item, Rejection) else _judged(next(judged))
            for item in items
        )
        return Taken(tuple(results), position=0)

    def _known(self, drafts: Sequence[Draft]) -> dict[EventKey, KnownEvent]:
        named = {key_of(draft.event) for draft in drafts}
        for draft in drafts:
            named.update(references(draft.event).values())
        with self._surveillance.database.read() as connection:
            stored = find_events(connection, named)
        before = {
            key: KnownEvent(row.event.patient, _digest(row.received)) for key, row in stored.items()
        }
        return before | {key: self._remembered[key] for key in named & self._remembered.keys()}


def _judged(verdict: Verdict) -> EventResult:
    return EventResult(
        index=verdict.draft.index,
        event_id=verdict.draft.event.event_id,
        status=verdict.status,
        errors=_told(verdict.faults),
        warnings=_told(verdict.draft.warnings),
    )


def _refused(item: Rejection) -> EventResult:
    return EventResult(
        index=item.index, event_id=item.event_id, status="rejected", errors=_told(item.faults)
    )


def _told(faults: Iterable[Fault]) -> tuple[EventFault, ...]:
    return tuple(EventFault(fault.pointer, fault.code, fault.message) for fault in faults)


def _digest(received: str) -> str:
    return blake2b(received.encode(), digest_size=16).hexdigest()
