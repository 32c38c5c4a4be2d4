"""Feed events in, batch by batch, so that memory stays flat however many there are.

In:     drafts and rejections, in order.
Out:    what became of them, told batch by batch; a running account.
Source: docs/api.md. A batch is stored whole or not at all, and what is stored stays stored.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from service.errors import Unreadable

if TYPE_CHECKING:
    from service.api.event_intake import EventResult, Taken
    from service.ingest.faults import Draft, Rejection
    from service.pipeline.surveillance import Surveillance

    Item: TypeAlias = Draft | Rejection
    Take: TypeAlias = Callable[[Sequence[Item]], Taken]

MOST_CHARACTERS = 4_000_000
"""Held at once, however long the lines are."""


@dataclass(slots=True)
class Account:
    """What became of the events so far; `warnings` counts remarks on accepted ones by code."""

    counts: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    def add(self, taken: "Taken") -> None:
        """Add a batch."""
        self.counts += taken.counts
        self.warnings.update(remark.code for result in taken.results for remark in result.warnings)

    @property
    def is_clean(self) -> bool:
        """Was nothing rejected?"""
        return not self.counts["rejected"]

    @property
    def has_taken_any(self) -> bool:
        """Was any event accepted, or known before?"""
        return bool(self.counts["accepted"] or self.counts["duplicate"])

    def __str__(self) -> str:
        """The account in one line."""
        counted = {
            "received": self.counts.total(),
            "accepted": self.counts["accepted"],
            "known before": self.counts["duplicate"],
            "rejected": self.counts["rejected"],
        }
        return ", ".join(f"{number:,} {word}" for word, number in counted.items())


def feed(
    take: "Take",
    items: "Iterable[Item]",
    account: Account,
    *,
    batch_size: int,
    most_rejected: int | None = None,
    told: "Callable[[EventResult], None] | None" = None,
) -> None:
    """Take the items batch by batch; `told` hears of each one rejected.

    Stops once `most_rejected` were rejected. The account says how far it came, interrupted or not.
    """
    room = partial(_room, account, most_rejected)
    for batch in _batches(items, batch_size, room):
        with undisturbed():
            taken = take(batch)
            account.add(taken)
        for result in taken.results:
            if told and result.status == "rejected":
                told(result)
        if room() == 0:
            return


def take_with_all_rights(surveillance: "Surveillance") -> "Take":
    """Record a batch as whoever runs the commands, who can reach the database anyway."""
    from service.api.access import Principal, Scope
    from service.api.event_intake import take

    return partial(take, surveillance, Principal("command line", frozenset(Scope)))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back a Ctrl-C until the batch is stored and counted, so that the account is exact."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held_back: list[int] = []

    def hold_back(number: int, _frame: Any) -> None:
        held_back.append(number)

    before = signal.signal(signal.SIGINT, hold_back)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held_back:
        raise KeyboardInterrupt


def _room(account: Account, most_rejected: int | None) -> int | None:
    if most_rejected is None:
        return None
    return max(0, most_rejected - account.counts["rejected"])


def _batches(
    items: "Iterable[Item]", batch_size: int, room: Callable[[], int | None]
) -> "Iterator[list[Item]]":
    from service.ingest.faults import Rejection

    batch: list[Item] = []
    unreadable = length = 0
    try:
        for item in items:
            batch.append(item)
            if isinstance(item, Rejection):
                unreadable += 1
            else:
                length += len(item.received)
            if len(batch) >= batch_size or length >= MOST_CHARACTERS or unreadable == room():
                yield batch
                batch, unreadable, length = [], 0, 0
    except Unreadable:
        if batch:
            yield batch  # what came before the break was read well
        raise
    if batch:
        yield batch
