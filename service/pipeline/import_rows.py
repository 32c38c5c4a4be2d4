"""Rows that were read and wait to be recorded, as the store keeps them.

In:     rows as they are read.
Out:    the same, in order.
Source: docs/imports.md: what is put down here has been through the mapping: no number of the
        hospital's where the mapping has them hashed, no name, no text that it does not ask for.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from secrets import token_hex

import msgspec

from service.ingest.registers.rows import FaultyRow, Row
from service.store import import_rows
from service.store.engine import Connection, Database
from service.store.import_rows import WaitingRow
from service.store.unavailable import UNAVAILABLE

MOST_TOGETHER = 5_000
"""Rows put down in one transaction while a file comes."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)


class Arriving:
    """Puts down the rows of one file as they come; until all have, they belong to no import."""

    def __init__(self, database: Database, now: datetime) -> None:
        """Name the import; names sort by time."""
        self._database = database
        self._buffer: list[WaitingRow] = []
        self.import_id = f"{name_at(now)}{token_hex(6)}"
        self.rows = 0

    def put(self, rows: Iterable[Row]) -> None:
        """Take rows."""
        for row in rows:
            self.rows += 1
            self._buffer.append(_waiting(self.rows, row))
            if len(self._buffer) >= MOST_TOGETHER:
                with self._database.note() as connection:
                    self.flush(connection)

    def flush(self, connection: Connection) -> None:
        """Put down what was taken and is not put down yet."""
        import_rows.add_rows(connection, self.import_id, self._buffer)
        self._buffer = []

    def forget(self) -> None:
        """Remove all unless the file was sent whole; what this leaves a service sweeps later."""
        self._buffer = []
        if self.rows >= MOST_TOGETHER:
            with suppress(*UNAVAILABLE), self._database.note() as connection:
                import_rows.drop_orphans(connection, self.import_id)


def name_at(instant: datetime) -> str:
    """What the names of imports begin with that came at an instant; later ones sort behind it."""
    return f"{int(instant.timestamp() * 1000):012x}"


def next_rows(
    connection: Connection, import_id: str, after: int, limit: int
) -> tuple[int, list[Row]]:
    """The rows after a number, and the number of the last of them."""
    found = import_rows.rows_after(connection, import_id, after, limit)
    last = found[-1][0] if found else after
    return last, [_decoder.decode(body) for _, body in found]


def _waiting(number: int, row: Row) -> WaitingRow:
    facility, patient = (None, None) if isinstance(row, FaultyRow) else (row.facility, row.patient)
    return WaitingRow(number, facility, patient, _encoder.encode(row).decode())
