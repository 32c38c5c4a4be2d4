"""A file of our own events, CSV or NDJSON, as rows, for those who take rows.

In:     the file's bytes piece by piece, the latest date on Earth.
Out:    an `EventRow` or a `FaultyRow` for each row.
Source: docs/api.md, CSV and application/x-ndjson; `service.ingest.csv_rows`.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from service.errors import Detail, Unreadable
from service.ingest.csv_rows import Header, read_header, read_row
from service.ingest.faults import Draft, Rejection
from service.ingest.lines import MAX_LINE_BYTES, Line, LineSplitter
from service.ingest.ndjson import read_line
from service.ingest.registers.rows import EventRow, FaultyRow, Row, RowFault


class NdjsonReader:
    """Takes the pieces of one file, an event a line, gives its rows."""

    def __init__(self, today_latest: date, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        """Begin before the first byte."""
        self._today_latest = today_latest
        self._splitter = LineSplitter(max_line_bytes)

    def feed(self, piece: bytes) -> Iterator[Row]:
        """The rows that end in this piece."""
        return map(self._row, self._splitter.feed(piece))

    def finish(self) -> Iterator[Row]:
        """The last row."""
        return map(self._row, self._splitter.finish())

    def _row(self, line: Line) -> Row:
        longest = self._splitter.max_line_bytes
        return _row(line, read_line(*line, today_latest=self._today_latest, max_line_bytes=longest))


class OwnColumnsReader:
    """Takes the pieces of one CSV file, gives its rows."""

    def __init__(self, today_latest: date, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        """Begin before the first byte."""
        self._today_latest = today_latest
        self._splitter = LineSplitter(max_line_bytes)
        self._header: Header | None = None

    def feed(self, piece: bytes) -> Iterator[Row]:
        """The rows that end in this piece; raises `Unreadable` where the header cannot be used."""
        return self._rows(self._splitter.feed(piece))

    def finish(self) -> Iterator[Row]:
        """The last row; raises `Unreadable` for a file without a header."""
        yield from self._rows(self._splitter.finish())
        if self._header is None:
            raise Unreadable("The file is empty: its first line names the columns.", code="empty")

    def _rows(self, lines: Iterable[Line]) -> Iterator[Row]:
        longest = self._splitter.max_line_bytes
        for line in lines:
            if self._header is None:
                self._header = _header(line, longest)
                continue
            yield _row(
                line,
                read_row(
                    self._header, *line, today_latest=self._today_latest, max_line_bytes=longest
                ),
            )


def _row(line: Line, read: Draft | Rejection) -> Row:
    if isinstance(read, Draft):
        return EventRow(line.number, read.event.facility, read.event.patient, read.received)
    faults = (
        RowFault(line.number, fault.pointer.lstrip("/"), fault.code, fault.message)
        for fault in read.faults
    )
    return FaultyRow(line.number, tuple(faults))


def _header(line: Line, max_line_bytes: int) -> Header:
    header = read_header(*line, max_line_bytes=max_line_bytes)
    if isinstance(header, Header):
        return header
    details = tuple(
        Detail(fault.pointer.lstrip("/"), fault.code, fault.message) for fault in header.faults
    )
    raise Unreadable(
        "The first line does not name the columns of our own CSV. Is a `mapping` missing?",
        code="bad_header",
        details=details,
    )
