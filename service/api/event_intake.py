"""Take a batch of events in, and tell what became of each.

In:     drafts and rejections from the ingest floor, and who sent them.
Out:    `Taken`: one `EventResult` for each, in order, and the position the ledger has reached.
Source: docs/api.md: all valid events are kept, all faults are told at once.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import msgspec

from service.api.access import Principal
from service.ingest.faults import Draft, Fault, Rejection
from service.pipeline.decide import Batch
from service.pipeline.record import Receipt, record_batch
from service.pipeline.surveillance import Surveillance

Item: TypeAlias = Draft | Rejection

NOT_ALLOWED = Fault(
    pointer="/facility",
    code="facility_not_allowed",
    message="The key is bound to other facilities.",
)
NOT_STORED = Fault(
    pointer="",
    code="not_stored",
    message="Another event of the batch was rejected, and all or none were to be stored.",
)


class End(NamedTuple):
    """How an event ended: in the store, known before, or refused."""

    status: str
    faults: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()


UNSTORED = End("rejected", (NOT_STORED,))


class EventFault(msgspec.Struct, frozen=True):
    """One fault or remark as it is told."""

    pointer: str
    code: str
    message: str


class EventResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event; `line` only where the events came one a line."""

    index: int
    line: int | msgspec.UnsetType = msgspec.UNSET
    event_id: str | None
    status: str
    errors: tuple[EventFault, ...] = ()
    warnings: tuple[EventFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch."""

    results: tuple[EventResult, ...]
    position: int

    @property
    def counts(self) -> Counter[str]:
        """How many events came to which end."""
        return Counter(result.status for result in self.results)


@dataclass(frozen=True, slots=True)
class Intake:
    """What was sent, as far as the sender may send it, and the batch there is to record of it."""

    items: tuple[Item, ...]
    drafts: tuple[Draft, ...]
    batch: Batch
    is_array: bool

    @property
    def is_hopeless(self) -> bool:
        """Were all or none to be stored, and is one rejected already?"""
        return self.batch.atomic and len(self.drafts) < len(self.items)


def intake(
    principal: Principal, items: Iterable[Item], *, is_array: bool = False, atomic: bool = False
) -> Intake:
    """What there is to record of the items."""
    allowed = tuple(_if_allowed(principal, item) for item in items)
    drafts = tuple(item for item in allowed if isinstance(item, Draft))
    is_hopeless = atomic and len(drafts) < len(allowed)
    batch = Batch(() if is_hopeless else drafts, atomic, principal.actor)
    return Intake(allowed, drafts, batch, is_array)


def taken(sent: Intake, receipt: Receipt) -> Taken:
    """What became of each item, once the batch is recorded."""
    hopeless = [UNSTORED] * len(sent.drafts)
    ends = iter(hopeless if sent.is_hopeless else _ends(receipt, atomic=sent.batch.atomic))
    results = [
        _result(item, next(ends), is_array=sent.is_array)
        if isinstance(item, Draft)
        else _result(item, End("rejected", item.faults), is_array=sent.is_array)
        for item in sent.items
    ]
    return Taken(tuple(results), receipt.position)


def take(surveillance: Surveillance, principal: Principal, items: Sequence[Item]) -> Taken:
    """Record what can be recorded, in a transaction of its own."""
    sent = intake(principal, items)
    return taken(sent, record_batch(surveillance, sent.batch))


def _if_allowed(principal: Principal, item: Item) -> Item:
    if isinstance(item, Draft) and not principal.reaches(item.event.facility):
        return Rejection(item.index, item.event.event_id, (NOT_ALLOWED,))
    return item


def _ends(receipt: Receipt, *, atomic: bool) -> list[End]:
    ends = [
        End(verdict.status, verdict.faults, receipt.warnings.get(place, ()))
        for place, verdict in enumerate(receipt.verdicts)
    ]
    if atomic and any(end.status == "rejected" for end in ends):
        return [UNSTORED if end.status == "accepted" else end for end in ends]
    return ends


def _result(item: Item, end: End, *, is_array: bool) -> EventResult:
    place = f"/{item.index}" if is_array else ""
    return EventResult(
        index=item.index,
        event_id=item.event.event_id if isinstance(item, Draft) else item.event_id,
        status=end.status,
        errors=_told(end.faults, place),
        warnings=_told(end.warnings, place),
    )


def _told(faults: Sequence[Fault], place: str) -> tuple[EventFault, ...]:
    return tuple(EventFault(place + fault.pointer, fault.code, fault.message) for fault in faults)
