"""CSV: one event a row, in the project's own columns.

In:     a header line and row lines, in UTF-8, from a `LineSplitter`; the latest date on Earth.
Out:    `Draft | Rejection` with the row's line number, from 2; nothing is raised.
Source: columns of our own; RFC 4180 for commas and quotes.

The first line names the columns, in any order; `type`, `event_id`, `facility`, `patient` and
`occurred_on` must be there. An empty cell says nothing. A column that is no field of the row's
type must be empty in that row.

=================  ============================================================================
type               transplant, regimen, medication, demographics, infection,
                   follow_up, outcome, void
event_id           the sender's own name for the event, unique within its facility
facility, patient  1 to 64 of A-Z a-z 0-9 . _ : -
occurred_on        like 2026-03-01, as every date
replaces           an earlier event_id that this row corrects
transplant:        transplant_type, indication, birth_year, age_years, sex, enrolled_on,
                   performed_at, performed_in, product_kind, product_lot, product_supplier
regimen:           agents, separated by ";"; the word `none` says that none is given
medication:        agent, ended_on
demographics:      birth_year, sex
infection:         infection_type, organism, site, specimen, status, certainty
follow_up:         agents, and the columns of one infection
outcome:           outcome
void:              voids, reason
=================  ============================================================================

A row is a line: no field may hold a line break anyway, and so a quote that is never closed
spoils one row and not the rest of the file.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from service.ingest.faults import Draft, Fault, Rejection
from service.ingest.items import read_item
from service.ingest.lines import MAX_LINE_BYTES, lines_of, too_long
from service.ingest.messages import bounded, unknown_field
from service.ingest.wire import FindingIn, ProductIn

REQUIRED_COLUMNS = ("type", "event_id", "facility", "patient", "occurred_on")
FINDING_COLUMNS = tuple(FindingIn.model_fields)
PRODUCT_COLUMNS = {f"product_{name}": name for name in ProductIn.model_fields}
COLUMNS = (
    *REQUIRED_COLUMNS,
    *("replaces", "transplant_type", "indication", "birth_year", "age_years", "sex"),
    *("enrolled_on", "performed_at", "performed_in", *PRODUCT_COLUMNS, "agents"),
    *("agent", "ended_on"),
    *FINDING_COLUMNS,
    *("outcome", "voids", "reason"),
)
NO_AGENTS = "none"
_NUMBERS = ("birth_year", "age_years")
_WHOLE = re.compile(r"-?[0-9]{1,9}")


class Header(NamedTuple):
    """The columns of a file, in its order."""

    columns: tuple[str, ...]


def read_header(
    line_number: int, content: bytes | None, *, max_line_bytes: int = MAX_LINE_BYTES
) -> Header | Rejection:
    """The columns that the first line names, or everything that is wrong with it."""
    if content is None:
        return too_long(line_number, max_line_bytes)
    cells = _cells(content)
    if cells is None:
        return Rejection(line_number, None, (MALFORMED_ROW,))
    columns = tuple(cell.strip() for cell in cells)
    unknown = [unknown_field("", name, COLUMNS) for name in columns if name not in COLUMNS]
    repeated = [
        Fault(f"/{name}", "duplicate_field", "This column is given more than once.")
        for name in COLUMNS
        if columns.count(name) > 1
    ]
    missing = [
        Fault(f"/{name}", "missing_field", "This column is required; commas separate columns.")
        for name in REQUIRED_COLUMNS
        if name not in columns
    ]
    faults = tuple(dict.fromkeys((*unknown, *repeated, *missing)))
    return Rejection(line_number, None, bounded(faults)) if faults else Header(columns)


def read_row(
    header: Header,
    line_number: int,
    content: bytes | None,
    *,
    today_latest: date,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Draft | Rejection:
    """The event in a row, or everything that is wrong with it; pointers name columns."""
    if content is None:
        return too_long(line_number, max_line_bytes)
    cells = _cells(content)
    if cells is None:
        return Rejection(line_number, None, (MALFORMED_ROW,))
    if len(cells) != len(header.columns):
        message = f"This row has {len(cells)} cells under {len(header.columns)} columns."
        return Rejection(line_number, None, (Fault("", "malformed_csv", message),))
    filled = {
        column: text
        for column, cell in zip(header.columns, cells, strict=True)
        if (text := cell.strip())
    }
    read = read_item(line_number, item_of(filled), today_latest=today_latest)
    if isinstance(read, Draft):
        warnings = tuple(at_column(warning) for warning in read.warnings)
        return Draft(line_number, read.event, read.received, warnings)
    return Rejection(line_number, read.event_id, tuple(at_column(fault) for fault in read.faults))


def read_csv(
    chunks: Iterable[bytes], *, today_latest: date, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Draft | Rejection]:
    """The events of a file; a header that cannot be used gives one rejection and ends it."""
    lines = lines_of(chunks, max_line_bytes)
    first = next(lines, None)
    if first is None:
        return
    header = read_header(*first, max_line_bytes=max_line_bytes)
    if isinstance(header, Rejection):
        yield header
        return
    for line in lines:
        yield read_row(header, *line, today_latest=today_latest, max_line_bytes=max_line_bytes)


MALFORMED_ROW = Fault(
    "",
    "malformed_csv",
    "This line is not valid CSV: a quote is open or out of place, or a cell is too long. "
    "No cell may hold a line break.",
)


def _cells(line: bytes) -> list[str] | None:
    # An invalid byte becomes a lone surrogate, which the field it stands in refuses.
    text = line.decode(errors="surrogateescape")
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None


def item_of(filled: dict[str, str]) -> dict[str, Any]:
    """The item that the filled cells of a row make, by column."""
    item: dict[str, Any] = dict(filled)
    for column in _NUMBERS:
        if column in item and _WHOLE.fullmatch(item[column]):
            item[column] = int(item[column])
    if "agents" in item:
        item["agents"] = _agents(item["agents"])
    product = {name: item.pop(column) for column, name in PRODUCT_COLUMNS.items() if column in item}
    if product:
        item["product"] = product
    if item.get("type") == "follow_up":
        finding = {column: item.pop(column) for column in FINDING_COLUMNS if column in item}
        if finding:
            item["infections"] = [finding]
    return item


def _agents(cell: str) -> list[str]:
    if cell.casefold() == NO_AGENTS:
        return []
    return [name for part in cell.split(";") if (name := part.strip())]


def at_column(fault: Fault) -> Fault:
    """The fault with a pointer that names the column of a row."""
    pointer = fault.pointer.replace("/infections/0/", "/", 1).replace("/product/", "/product_", 1)
    return fault if pointer == fault.pointer else Fault(pointer, fault.code, fault.message)
