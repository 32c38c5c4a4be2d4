"""Decide what becomes of each event of a batch, without doing any of it.

In:     drafts in order, batch after batch, and what the store already knows of those they name.
Out:    one `Verdict` per draft: accepted, duplicate or rejected.
Source: docs/api.md, idempotency and references.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.domain.audit_chain import COMMAND_LINE, Actor
from service.domain.events import AnyEvent, Void
from service.ingest.faults import Draft, Fault
from service.store.events import EventKey

Status = Literal["accepted", "duplicate", "rejected"]


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """What must be known of an earlier event: whose it is and what it said.

    One of a move cannot be corrected or voided by itself; the move is taken back.
    """

    patient: str
    received: str
    is_of_move: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a draft, and why where it is not accepted."""

    draft: Draft
    status: Status
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Drafts that one sender sent together; with `atomic`, all of them are kept or none.

    `is_of_move`: the service writes them itself, to record a move or to take it back.
    """

    drafts: Sequence[Draft]
    atomic: bool = False
    actor: Actor = COMMAND_LINE
    is_of_move: bool = False

    def keeps(self, verdicts: Iterable[Verdict]) -> bool:
        """Is what was accepted of it to be kept?"""
        return not self.atomic or all(verdict.status != "rejected" for verdict in verdicts)


def key_of(event: AnyEvent) -> EventKey:
    """The event's own name."""
    return EventKey(event.facility, event.event_id)


def references(event: AnyEvent) -> dict[str, EventKey]:
    """The earlier events that an event names, by the field that names them."""
    named = {"replaces": event.replaces, "voids": event.voids if isinstance(event, Void) else None}
    return {field: EventKey(event.facility, name) for field, name in named.items() if name}


def decide(drafts: Sequence[Draft], known: Mapping[EventKey, KnownEvent]) -> list[Verdict]:
    """Judge the drafts in order; an event may name one that stands earlier in the same batch."""
    return decide_batches([Batch(drafts)], known)[0]


def decide_batches(
    batches: Iterable[Batch], known: Mapping[EventKey, KnownEvent]
) -> list[list[Verdict]]:
    """Judge batches as if they came one after the other: each knows what was kept before it."""
    so_far = dict(known)
    judged = []
    for batch in batches:
        kept: dict[EventKey, KnownEvent] = {}
        verdicts = []
        for draft in batch.drafts:
            verdict = _judge(draft, ChainMap(kept, so_far), is_of_move=batch.is_of_move)
            verdicts.append(verdict)
            if verdict.status == "accepted":
                kept[key_of(draft.event)] = KnownEvent(draft.event.patient, draft.received)
        if batch.keeps(verdicts):
            so_far.update(kept)
        judged.append(verdicts)
    return judged


def _judge(
    draft: Draft, known: Mapping[EventKey, KnownEvent], *, is_of_move: bool = False
) -> Verdict:
    earlier = known.get(key_of(draft.event))
    if earlier is not None and earlier.received == draft.received:
        return Verdict(draft, "duplicate")
    if earlier is not None:
        return Verdict(draft, "rejected", (EVENT_ID_CONFLICT,))
    faults = tuple(
        _unknown_reference(field)
        for field, named in references(draft.event).items()
        if named not in known
        or known[named].patient != draft.event.patient
        or (known[named].is_of_move and not is_of_move)
    )
    return Verdict(draft, "rejected" if faults else "accepted", faults)


EVENT_ID_CONFLICT = Fault(
    pointer="/event_id",
    code="event_id_conflict",
    message="This event_id was received before with other content. To correct that event, send "
    "the new content under a new event_id with `replaces` naming the old one.",
)


def _unknown_reference(field: str) -> Fault:
    return Fault(
        pointer=f"/{field}",
        code="unknown_event",
        message=f"`{field}` names no event received before from this facility for this patient. "
        "Send that event first, or check its event_id.",
    )
