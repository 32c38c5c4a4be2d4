"""Gather what many senders send at once into one transaction, and answer each after its commit.

In:     batches, from any thread.
Out:    a future of each batch's `Receipt`, done once the batch is on disk.
Source: docs/decisions/0006-one-writer-at-a-time.md: speed comes from many events in a transaction.

One thread writes. Whatever was handed over while it was committing, or while it waited for another
process to commit, goes into its next transaction; it never waits for more to come, so that a lone
sender waits for nothing but its own commit.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import NamedTuple

import structlog

from service.errors import Overloaded
from service.pipeline.counted import forget
from service.pipeline.decide import Batch
from service.pipeline.following import catch_up
from service.pipeline.record import Receipt, record_within
from service.pipeline.surveillance import Surveillance
from service.store.unavailable import UNAVAILABLE

MOST_TOGETHER = 1000
"""Events after which no further batch joins a transaction: others must not wait for long."""

IDLE_SECONDS = 60
"""Without any event, after which no patient is remembered: another process may have erased one."""


log = structlog.stdlib.get_logger(__name__)


class Waiting(NamedTuple):
    """A batch that waits to be recorded, and where its receipt is awaited."""

    batch: Batch
    receipt: "Future[Receipt]"


class Gathering:
    """Records batches, those that come at once together; safe to share between threads."""

    def __init__(
        self, surveillance: Surveillance, *, most_waiting: int, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        """Begin with nothing waiting; `most_waiting` counts events."""
        self._idle_seconds = idle_seconds
        self._surveillance = surveillance
        self._most_waiting = most_waiting
        self._queue: deque[Waiting] = deque()
        self._waiting_events = 0
        self._is_closed = False
        self._changed = Condition()
        self._writer = Thread(target=self._write, name="writer", daemon=True)
        self._writer.start()

    def record(self, batch: Batch, *, waits_its_turn: bool = False) -> "Future[Receipt]":
        """Hand a batch over.

        Raises `Overloaded` where too much waits already, unless the sender `waits_its_turn`: one
        that sends its next batch only once this one is recorded.
        """
        waiting = Waiting(batch, Future())
        with self._changed:
            if self._is_closed:
                raise Overloaded("The service is being stopped.")
            size = len(batch.drafts)
            is_full = self._waiting_events and self._waiting_events + size > self._most_waiting
            if is_full and not waits_its_turn:
                raise Overloaded("More events are waiting than the service takes in at a time.")
            self._waiting_events += size
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.receipt

    def close(self) -> None:
        """Record all that waits, then stop; nothing is taken any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._writer.join()

    def _write(self) -> None:
        while (is_waiting := self._wait()) is not None:
            if not is_waiting:
                self._let_go()
                continue
            group: list[Waiting] = []
            fault = self._fault_of(group)
            if fault is not None:
                self._record_alone(group or self._next_group(), fault)

    def _wait(self) -> bool | None:
        """Wait for a batch; False where none came for a while, None once all is done and closed."""
        with self._changed:
            if not self._changed.wait_for(self._has_to_go_on, self._idle_seconds):
                return False
            return True if self._queue else None

    def _let_go(self) -> None:
        """Keep nothing of whom another process may have erased meanwhile."""
        forget()
        try:
            catch_up(self._surveillance)
        except Exception as fault:  # a database that is away comes back
            log.warning("not_caught_up", fault=type(fault).__name__)

    def _has_to_go_on(self) -> bool:
        return bool(self._queue) or self._is_closed

    def _next_group(self) -> list[Waiting]:
        """What waits and is still wanted, up to a transaction's worth."""
        group: list[Waiting] = []
        size = 0
        with self._changed:
            while self._queue and (not group or size + _size(self._queue[0]) <= MOST_TOGETHER):
                group.append(self._queue.popleft())
                size += _size(group[-1])
            self._waiting_events -= size
        return [one for one in group if one.receipt.set_running_or_notify_cancel()]

    def _record_alone(self, group: Sequence[Waiting], fault: Exception) -> None:
        """Record each batch of a group that failed alone, so that each has only its own fault."""
        told: Exception | None = fault
        unavailable_in_a_row = 0
        for one in group:
            # One batch may be what the store cannot take; after two in a row, the store is gone.
            if len(group) > 1 and unavailable_in_a_row < 2:
                told = self._fault_of([one])
                is_unavailable = isinstance(told, UNAVAILABLE)
                unavailable_in_a_row = unavailable_in_a_row + 1 if is_unavailable else 0
            if told is not None:
                one.receipt.set_exception(told)

    def _fault_of(self, group: list[Waiting]) -> Exception | None:
        """Record a group and tell each sender, or say why it cannot be done.

        An empty one is filled with what waits once it is this process's turn to write: others may
        have been writing, and what came meanwhile needs no transaction of its own.
        """
        try:
            with self._surveillance.write() as connection:
                if not group:
                    group += self._next_group()
                batches = [one.batch for one in group]
                receipts = record_within(connection, self._surveillance, batches)
        except Exception as fault:
            return fault
        for one, receipt in zip(group, receipts, strict=True):
            one.receipt.set_result(receipt)
        return None


def _size(waiting: Waiting) -> int:
    return len(waiting.batch.drafts)
