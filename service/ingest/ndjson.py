"""Newline-delimited JSON: one event a line.

In:     lines from a `LineSplitter`, and the latest date on Earth.
Out:    `Draft | Rejection` with the line's number, from 1; nothing is raised.
Source: docs/api.md, application/x-ndjson.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from service.ingest.faults import DocumentFault, Draft, Fault, Rejection
from service.ingest.items import read_item
from service.ingest.json_text import parse
from service.ingest.lines import MAX_LINE_BYTES, Line, LineSplitter, lines_of, too_long

__all__ = ["MAX_LINE_BYTES", "Line", "LineSplitter", "read_line", "read_ndjson"]


def read_line(
    line_number: int,
    content: bytes | None,
    *,
    today_latest: date,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Draft | Rejection:
    """The event on a line, or everything that is wrong with it; no content: it is too long."""
    if content is None:
        return too_long(line_number, max_line_bytes)
    value = parse(content)
    if isinstance(value, DocumentFault):
        return Rejection(line_number, None, (_fault_of_line(value),))
    return read_item(line_number, value, today_latest=today_latest)


def read_ndjson(
    chunks: Iterable[bytes], *, today_latest: date, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Draft | Rejection]:
    """The events of a stream that is at hand."""
    for line in lines_of(chunks, max_line_bytes):
        yield read_line(*line, today_latest=today_latest, max_line_bytes=max_line_bytes)


def _fault_of_line(fault: DocumentFault) -> Fault:
    # Within a line only the column or byte says anything; "line 1" would mislead.
    where = fault.position.removeprefix("line 1, ") if fault.position else None
    return Fault(
        "", fault.code, f"{fault.message.rstrip('.')} ({where})." if where else fault.message
    )
