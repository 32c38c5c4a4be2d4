"""On which day each key was last used, written once a day and beside the request.

In:     keys as they are used.
Out:    `api_keys.last_used_on`, a little later.
Source: docs/access.md: a day is enough to find keys that nobody uses, and a read stays a read.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Lock

import structlog
from sqlalchemy.exc import DBAPIError

from service.store.engine import Database
from service.store.keys import StoredKey, note_use

log = structlog.stdlib.get_logger(__name__)


class KeyUses:
    """Notes the day of a use in the background; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Nothing is noted yet."""
        self._database = database
        self._lock = Lock()
        self._noted: dict[str, date] = {}
        self._pool = ThreadPoolExecutor(1, "key-uses")

    def note(self, key: StoredKey, day: date) -> None:
        """Have the day written, unless it is known already; waits for nothing."""
        with self._lock:
            known = max(filter(None, (key.last_used_on, self._noted.get(key.id))), default=None)
            if known is not None and day <= known:
                return
            self._noted[key.id] = day
        self._pool.submit(self._write, key.id, day)

    def close(self) -> None:
        """End once everything noted is written."""
        self._pool.shutdown()

    def _write(self, key_id: str, day: date) -> None:
        try:
            with self._database.note() as connection:
                note_use(connection, key_id, day)
        except DBAPIError as fault:
            log.warning("key_use_not_noted", fault=type(fault).__name__)
            with self._lock:
                self._noted.pop(key_id, None)  # the next use tries again
