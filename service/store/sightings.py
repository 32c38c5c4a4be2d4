"""Who saw which patients, entered in the audit trail a moment later and beside the request.

In:     what is about to be shown, before it is shown.
Out:    entries of the audit chain within a second; `Unavailable` or `Overloaded` where what is
        about to be shown could not be entered.
Source: docs/decisions/0019-audit-chain.md: a read waits for the queue and not for the disk.
"""

from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime
from threading import Condition, Thread
from typing import Any

import structlog

from service.domain.audit_chain import Actor
from service.errors import Overloaded, Unavailable
from service.store import audit
from service.store.audit import AuditEntry
from service.store.engine import Database
from service.store.events import PatientKey

PAUSE_SECONDS = 0.25
"""Between two transactions: what is seen meanwhile goes into the next one."""

RETRY_SECONDS = 1.0
MOST_WAITING = 50_000
"""Patients seen and not entered yet, beyond which nobody sees another one."""
NOT_WRITTEN = "The audit trail cannot be written just now: nothing about patients is shown."

log = structlog.stdlib.get_logger(__name__)


class Sightings:
    """Appends to the audit trail in the background; safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Nothing waits yet."""
        self._database = database
        self._clock = clock
        self._waiting: deque[AuditEntry] = deque()
        self._size = 0
        self._noted = self._written = 0
        self._is_failing = self._is_closed = self._in_haste = False
        self._changed = Condition()
        self._writer = Thread(target=self._run, name="sightings", daemon=True)
        self._writer.start()

    def note(
        self, actor: Actor, action: str, patients: Collection[PatientKey] = (), **facts: Any
    ) -> None:
        """Have it entered that the actor sees the patients; call it before showing them.

        Raises `Unavailable` while the trail cannot be written, `Overloaded` where too much waits.
        """
        entry = AuditEntry(self._clock(), actor, action, facts, patients=tuple(patients))
        with self._changed:
            if self._is_failing or self._is_closed:
                raise Unavailable(
                    "The audit trail cannot be written just now: no patient is shown."
                )
            if self._size + _size(entry) > MOST_WAITING and self._waiting:
                raise Overloaded("More patients were seen than the audit trail takes in at a time.")
            self._waiting.append(entry)
            self._size += _size(entry)
            self._noted += 1
            self._changed.notify_all()

    def flush(self) -> None:
        """Return once everything noted so far is entered; raises `Unavailable` where it cannot."""
        with self._changed:
            wanted = self._noted
            self._in_haste = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._written >= wanted or self._is_failing)
            if self._written < wanted:
                raise Unavailable(NOT_WRITTEN)

    def close(self) -> None:
        """Enter all that waits, then stop; nothing is taken any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._writer.join()

    def _run(self) -> None:
        while group := self._next_group():
            is_written = self._write(group)
            with self._changed:
                self._is_failing = not is_written
                if is_written:
                    self._forget(len(group))
                self._changed.notify_all()
                if self._is_closed and not is_written:
                    log.error("sightings_lost", entries=len(self._waiting))
                    return
                pause = PAUSE_SECONDS if is_written else RETRY_SECONDS
                self._changed.wait_for(lambda: self._is_closed or self._is_wanted(), pause)

    def _is_wanted(self) -> bool:
        return self._in_haste and not self._is_failing and bool(self._waiting)

    def _next_group(self) -> list[AuditEntry]:
        """All that waits; nothing only once all is done and closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            self._in_haste = False
            return list(self._waiting)

    def _forget(self, entries: int) -> None:
        for _ in range(entries):
            self._size -= _size(self._waiting.popleft())
        self._written += entries

    def _write(self, group: list[AuditEntry]) -> bool:
        try:
            with self._database.note() as connection:
                audit.append(connection, group)
        except Exception as fault:  # whatever it is, what cannot be entered is not shown
            log.warning("sightings_not_entered", fault=type(fault).__name__, entries=len(group))
            return False
        return True


def _size(entry: AuditEntry) -> int:
    return 1 + len(entry.patients)
