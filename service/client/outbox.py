"""Put events here and forget them: they arrive once, whatever the network or this process does.

In:     events, and the folder that keeps them until they are delivered.
Out:    events on the service's disk, in the order in which they were put; those it refuses in
        `rejected.log`.
Source: docs/client.md.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from types import TracebackType

import msgspec

from service.client.answers import Receipt
from service.client.events import line_of
from service.client.exchange import batches
from service.client.faults import ClientError, Unreachable
from service.client.retrying import Patience, pause_before
from service.client.sending import Client
from service.client.spool import MOST_BYTES, Segment, Spool

BETWEEN = Patience(first_pause=1.0, longest_pause=60.0)
"""The pauses between tries, which go on for as long as it takes."""

ONE_TRY = Patience(seconds=0)


class Outbox:
    """Keeps events on disk and delivers them in the background; safe to share between threads."""

    def __init__(
        self,
        client: Client,
        directory: Path | str,
        *,
        most_bytes: int = MOST_BYTES,
        between: Patience = BETWEEN,
        told: Callable[[Receipt], None] | None = None,
    ) -> None:
        """Open the folder and begin to deliver what an earlier process left in it.

        `told` hears of every receipt, in the thread that delivers. The client is the outbox's own.
        """
        self._client = client
        self._spool = Spool(Path(directory), most_bytes=most_bytes)
        self._between = between
        self._told = told
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._ends = Event()
        self.fault: ClientError | None = None
        self._thread = Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Outbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, events: Iterable[Mapping[str, object]]) -> None:
        """Keep events: on disk when this returns, delivered later.

        Raises `SpoolFull` where they were not kept. Putting an event again is harmless.
        """
        lines = [line_of(event) for event in events]
        with self._changed:
            self._spool.append(lines)
            self._changed.notify_all()

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until all is delivered; False where it was not by then. `fault` says why."""
        with self._changed:
            return self._changed.wait_for(lambda: self._spool.is_empty, seconds)

    @property
    def waiting_bytes(self) -> int:
        """What lies in the folder, with what was refused."""
        with self._lock:
            return self._spool.size

    def close(self) -> None:
        """Stop; what is not delivered stays in the folder for the next time."""
        self._ends.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()
        self._client.close()
        self._spool.close()

    def _run(self) -> None:
        failed = 0
        while not self._ends.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._ends.is_set() or not self._spool.is_empty)
                segment = None if self._ends.is_set() else self._spool.oldest()
            if segment is None:
                continue
            try:
                self._deliver(segment)
            except ClientError as fault:
                self.fault, failed = fault, failed + 1
                wanted = fault.wanted_pause if isinstance(fault, Unreachable) else None
                chance = random.random()  # noqa: S311
                self._ends.wait(pause_before(failed, self._between, chance, wanted))
            else:
                self.fault, failed = None, 0

    def _deliver(self, segment: Segment) -> None:
        for lines in batches(segment.lines):
            receipt = self._client.send_lines(lines, ONE_TRY)
            refused = [
                msgspec.json.encode({"errors": result.errors, "event": msgspec.Raw(line)})
                for result, line in zip(receipt.results, lines, strict=True)
                if result.status == "rejected"
            ]
            with self._lock:
                self._spool.keep_rejected(refused)
            if self._told:
                self._told(receipt)
            if self._ends.is_set():
                return
        with self._changed:
            self._spool.remove(segment)
            self._changed.notify_all()
