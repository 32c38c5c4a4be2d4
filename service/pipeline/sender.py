"""Send what is in the outbox, for as long as the service runs.

In:     the outbox; ways of telling somebody.
Out:    messages delivered at least once and in order; every attempt in the log.
Source: docs/delivery.md; docs/decisions/0020-delivery.md.

Every process that serves runs one. They share the work by leasing recipients: whoever has one
sends to it alone. What dies leaves a lease that ends, and messages that still wait.
"""

import asyncio
import random
import time
from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex

import structlog

from service.channels.ways import Parcel, Ways
from service.domain.delivery_times import Patience
from service.pipeline.delivering import LEASE, Tried, next_parcel, note_tried
from service.pipeline.surveillance import Surveillance
from service.store import recipients as recipient_store
from service.store.delivery_log import forget_deliveries
from service.store.recipients import KeptRecipient

AT_ONCE = 8
"""Recipients that one process sends to at the same time."""

SECONDS_AFTER_A_FAULT = 2.0
PAUSES_BEFORE_NOTING_AGAIN = (0.5, 2.0, 5.0)
SECONDS_TO_FINISH = 5.0
KEPT_IN_LOG = timedelta(days=90)
SECONDS_BETWEEN_CLEANINGS = 3600.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look, and how patient to be."""

    poll_seconds: float = 1.0
    patience: Patience = field(default_factory=Patience)


class Sender:
    """Sends from one process; belongs to the event loop it was started in."""

    def __init__(
        self,
        surveillance: Surveillance,
        ways: Ways,
        pace: Pace,
        count: Callable[[str, str], None] = lambda _channel, _result: None,
    ) -> None:
        """Nothing is sent yet."""
        self._surveillance = surveillance
        self._ways = ways
        self._pace = pace
        self._count = count
        self._name = token_hex(8)
        self._is_closing = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._serving: set[asyncio.Task[None]] = set()
        self._is_looking = False
        self._cleaned = 0.0

    async def run(self) -> None:
        """Send until closed."""
        while not self._is_closing.is_set():
            self._is_looking = True
            try:
                pause = await self._look()
            except Exception as fault:  # a database that is away comes back
                log.warning("outbox_not_read", fault=type(fault).__name__)
                pause = SECONDS_AFTER_A_FAULT
            self._is_looking = False
            if pause:
                await self._wait(pause)
        await self._finish()

    @property
    def is_busy(self) -> bool:
        """Is something being sent just now?"""
        return self._is_looking or bool(self._serving)

    def close(self) -> None:
        """Begin nothing more."""
        self._is_closing.set()

    async def _look(self) -> float:
        """Take a recipient and begin to serve it; how long to wait before the next look."""
        await self._places.acquire()
        kept = None
        try:
            kept = await to_thread(self._lease)
        finally:
            if kept is None:
                self._places.release()
        if kept is None:
            await to_thread(self._clean)
            return self._pace.poll_seconds
        task = asyncio.create_task(self._serve(kept.recipient.id))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return 0.0

    async def _serve(self, recipient_id: str) -> None:
        """Send to one recipient, in order, until nothing is due or it fails."""
        try:
            while not self._is_closing.is_set():
                parcel = await to_thread(self._next, recipient_id)
                if parcel is None or not await self._attempt(parcel):
                    return
            await to_thread(self._give_back, recipient_id)
        except Exception as fault:  # its lease ends, and somebody tries again
            log.warning("delivery_cut", fault=type(fault).__name__, recipient=recipient_id)
        finally:
            self._places.release()

    async def _attempt(self, parcel: Parcel) -> bool:
        begun = time.monotonic()
        outcome = await self._ways.send(parcel, self._surveillance.clock())
        milliseconds = round((time.monotonic() - begun) * 1000)
        chance = random.random()  # noqa: S311 - it spreads retries and keeps no secret
        now = self._surveillance.clock()
        tried = Tried(parcel, outcome, now, milliseconds, chance)
        self._count(parcel.kept.recipient.channel, outcome.result)
        return await self._noted(tried)

    async def _noted(self, tried: Tried) -> bool:
        """Keep how it went, patiently: what is not kept is sent again when the lease has ended."""
        for pause in PAUSES_BEFORE_NOTING_AGAIN:
            try:
                return await to_thread(self._note, tried)
            except Exception as fault:
                log.warning("delivery_not_noted", fault=type(fault).__name__)
                await asyncio.sleep(pause)
        return await to_thread(self._note, tried)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._is_closing.wait()
        except TimeoutError:
            pass

    async def _finish(self) -> None:
        if not self._serving:
            return
        _, cut = await asyncio.wait(self._serving, timeout=SECONDS_TO_FINISH)
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    def _lease(self) -> KeptRecipient | None:
        now = self._surveillance.clock()
        database = self._surveillance.database
        with database.read() as connection:
            if not recipient_store.is_anything_due(connection, now):
                return None
        with database.note() as connection:
            return recipient_store.lease_recipient(connection, self._name, now, now + LEASE)

    def _next(self, recipient_id: str) -> Parcel | None:
        now = self._surveillance.clock()
        with self._surveillance.database.note() as connection:
            kept = recipient_store.find_recipient(connection, recipient_id)
            if kept is None:
                return None
            if kept.recipient.is_enabled:
                parcel = next_parcel(connection, kept, now)
                if parcel is not None:
                    return parcel
            recipient_store.keep_lease(connection, recipient_id, self._name, None, kept.health)
            return None

    def _note(self, tried: Tried) -> bool:
        with self._surveillance.database.note() as connection:
            return note_tried(connection, self._name, tried, self._pace.patience)

    def _give_back(self, recipient_id: str) -> None:
        with self._surveillance.database.note() as connection:
            kept = recipient_store.find_recipient(connection, recipient_id)
            if kept is not None:
                recipient_store.keep_lease(connection, recipient_id, self._name, None, kept.health)

    def _clean(self) -> None:
        """Forget what was finished long ago."""
        if time.monotonic() - self._cleaned < SECONDS_BETWEEN_CLEANINGS and self._cleaned:
            return
        self._cleaned = time.monotonic()
        with self._surveillance.database.note() as connection:
            forget_deliveries(connection, self._surveillance.clock() - KEPT_IN_LOG)
