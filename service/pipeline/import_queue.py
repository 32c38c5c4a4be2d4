"""Imports one after the other, beside the requests.

In:     imports that were sent whole.
Out:    what becomes of them, put down batch by batch where everybody can see it.
Source: docs/imports.md; docs/decisions/0021-files-wait-in-the-store.md.

A batch and how far the import is are put down in one transaction, so whatever is killed, the next
process goes on behind the last row that was recorded. A process holds the import it works on, and
says so with each batch; one that has been silent for `SILENCE` has lost it.
"""

from collections import Counter
from contextlib import AbstractContextManager
from datetime import timedelta
from secrets import token_hex
from threading import Event, Thread

import structlog

from service.domain.audit_chain import Actor
from service.errors import Overloaded
from service.pipeline.import_rows import Arriving, name_at, next_rows
from service.pipeline.imports import Account, Importer
from service.pipeline.surveillance import Surveillance
from service.store import audit, import_rows, imports
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.imports import KeptFault, KeptImport
from service.store.unavailable import UNAVAILABLE

MOST_WAITING = 16
SILENCE = timedelta(seconds=15)
IDLE_SECONDS = 5.0
"""How often a process looks for what another one left."""
UPLOAD = timedelta(days=1)
"""No file takes so long to come: older rows of no import are those of one that was cut off."""
FAILED = "Something went wrong in the service, and its log says what. What was recorded stays."

log = structlog.stdlib.get_logger(__name__)


class ImportQueue:
    """Works through the imports that wait, one at a time over all processes."""

    def __init__(
        self, surveillance: Surveillance, *, batch_size: int, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        """Go on with what was left."""
        self._surveillance = surveillance
        self._batch_size = batch_size
        self._idle_seconds = idle_seconds
        self._holder = token_hex(8)
        self._wakes = Event()
        self._ends = Event()
        self._thread = Thread(target=self._run, name="imports")
        with surveillance.database.note() as connection:
            import_rows.drop_orphans(connection, before=name_at(surveillance.clock() - UPLOAD))
            if surveillance.database.is_sqlite:  # which one process has for itself
                imports.let_go(connection)
        self._thread.start()

    def require_room(self) -> None:
        """Raise `Overloaded` where too many imports wait."""
        with self._surveillance.database.read() as connection:
            self._require_room(connection)

    def submit(self, begun: KeptImport, arrived: Arriving) -> None:
        """Have an import worked on; it and its rows are on disk when this returns.

        Raises `Overloaded` where too many wait.
        """
        facts = {"import": begun.id, "mapping": begun.mapping, "dry_run": begun.dry_run}
        actor = Actor(begun.actor, begun.key_id)
        with self._surveillance.write() as connection:
            self._require_room(connection)
            arrived.flush(connection)
            imports.add_import(connection, begun)
            entry = AuditEntry(begun.created_at, actor, "import_sent", facts)
            audit.append(connection, [entry])
        self._wakes.set()

    def close(self) -> None:
        """End after the batch at hand; the next process goes on behind it."""
        self._ends.set()
        self._wakes.set()
        self._thread.join()

    def _require_room(self, connection: Connection) -> None:
        if self._ends.is_set() or imports.number_unfinished(connection) >= MOST_WAITING:
            raise Overloaded("More imports are waiting than the service takes in at a time.")

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                while not self._ends.is_set() and (kept := self._claimed()):
                    self._work(kept)
                if self._ends.is_set():
                    with self._surveillance.database.note() as connection:
                        imports.let_go(connection, self._holder)
            except UNAVAILABLE as fault:
                log.warning("imports wait for the database", fault=type(fault).__name__)
            self._wakes.wait(0 if self._ends.is_set() else self._idle_seconds)
            self._wakes.clear()

    def _claimed(self) -> KeptImport | None:
        """The import whose turn it is; a rehearsal that was left begins anew, for it remembers."""
        with self._surveillance.database.read() as connection:
            if not imports.number_unfinished(connection):
                return None
        now = self._surveillance.clock()
        with self._surveillance.database.note() as connection:
            kept = imports.claim(connection, self._holder, now, now - SILENCE)
            if kept is not None and kept.dry_run:
                imports.begin_anew(connection, kept.id)
        return kept

    def _work(self, kept: KeptImport) -> None:
        importer = Importer(
            self._surveillance,
            Actor(kept.actor, kept.key_id),
            lambda facility: kept.facilities is None or facility in kept.facilities,
            is_dry=kept.dry_run,
        )
        try:
            while not self._ends.is_set() and self._has_gone_on(kept, importer):
                pass
        except UNAVAILABLE:
            raise
        except Exception:
            log.exception("an import failed", import_id=kept.id)
            with self._surveillance.database.note() as connection:
                self._end(connection, kept.id, imports.FAILED, FAILED)

    def _has_gone_on(self, kept: KeptImport, importer: Importer) -> bool:
        """Take the next rows; False once there are none, or another process has the import."""
        with self._transaction(kept) as connection:
            now = self._surveillance.clock()
            standing = imports.held(connection, kept.id, self._holder, now)
            if standing is None:
                return False
            last, rows = next_rows(connection, kept.id, standing.taken, self._batch_size)
            if not rows:
                self._end(connection, kept.id, imports.DONE)
                return False
            account = importer.take_within(connection, rows)
            _put_down(connection, standing, account, last)
            if not kept.dry_run:
                import_rows.drop_rows(connection, kept.id, up_to=last)
        return True

    def _transaction(self, kept: KeptImport) -> AbstractContextManager[Connection]:
        surveillance = self._surveillance
        return surveillance.database.note() if kept.dry_run else surveillance.write()

    def _end(
        self, connection: Connection, import_id: str, state: str, note: str | None = None
    ) -> None:
        now = self._surveillance.clock()
        ended = {"state": state, "note": note, "finished_at": now, "holder": None}
        imports.change_import(connection, import_id, **ended)
        import_rows.drop_rows(connection, import_id)


def _put_down(connection: Connection, standing: KeptImport, account: Account, last: int) -> None:
    """What became of some rows, added to what became of those before."""
    listed = [
        KeptFault(number, fault.line, fault.column, fault.code, fault.message)
        for number, fault in enumerate(account.faults, standing.faults + 1)
    ]
    imports.add_faults(connection, standing.id, listed)
    imports.change_import(
        connection,
        standing.id,
        taken=last,
        counts=dict(Counter(standing.counts) + account.counts),
        warnings=dict(Counter(standing.warnings) + account.warnings),
        faults=standing.faults + len(listed),
        **({"position": account.position} if account.position else {}),
    )
