"""Take a batch of events in, and tell what became of each.

In:     drafts and rejections from the ingest floor, and who sent them.
Out:    `Taken`: one `EventResult` for each, in order, and the position the ledger has reached.
Source: docs/api.md: all valid events are kept, all faults are told at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import msgspec

from service.api.access import Principal
from service.ingest.faults import Draft, Fault, Rejection
from service.pipeline.record import Receipt, record
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


def take(
    surveillance: Surveillance,
    principal: Principal,
    items: Sequence[Item],
    *,
    is_array: bool = False,
    atomic: bool = False,
) -> Taken:
    """Record what can be recorded; with `atomic` everything or nothing."""
    allowed = [_if_allowed(principal, item) for item in items]
    drafts = [item for item in allowed if isinstance(item, Draft)]
    is_hopeless = atomic and len(drafts) < len(items)
    receipt = record(surveillance, () if is_hopeless else drafts, atomic=atomic)
    ends = [UNSTORED] * len(drafts) if is_hopeless else _ends(receipt, atomic=atomic)
    ends_of_drafts = iter(ends)
    results = [
        _result(item, next(ends_of_drafts), is_array=is_array)
        if isinstance(item, Draft)
        else _result(item, End("rejected", item.faults), is_array=is_array)
        for item in allowed
    ]
    return Taken(tuple(results), receipt.position)


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
