"""Load the ledger's sums beside the service's work, and again when they had to be given up.

In:     what loads them, the sign that they are missing, and the one that they are there.
Out:    a thread; while it works, figures are read from the database.
Source: docs/decisions/0010-sums-in-memory.md.
"""

from collections.abc import Callable
from threading import Event, Thread

import structlog

log = structlog.get_logger(__name__)
SECONDS_BEFORE_NEXT_TRY = 5.0


class SumsLoader(Thread):
    """Waits until the sums are missing, and loads them; `is_ready` once that was done."""

    def __init__(self, load: Callable[[], None], missing: Event, is_ready: Event) -> None:
        """Not started yet."""
        super().__init__(name="sums-loader", daemon=True)
        self._load, self._missing, self._is_ready = load, missing, is_ready
        self._ends = Event()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._ends.is_set():
            self._missing.wait()
            if self._ends.is_set():
                return
            self._missing.clear()
            try:
                self._load()
                self._is_ready.set()
            except Exception as fault:  # whatever it was, the next try may do better
                log.warning("sums not loaded", exc_info=fault)
                self._missing.set()
                self._ends.wait(SECONDS_BEFORE_NEXT_TRY)

    def stop(self) -> None:
        """End once the present load is done."""
        self._ends.set()
        self._missing.set()
        self.join()
