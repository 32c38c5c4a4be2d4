"""A register's file to what its rows say, by a mapping.

In:     the file's bytes piece by piece, a mapping, the pseudonyms, the latest date on Earth.
Out:    a `SpokenRow` or `FaultyRow` for each row of which the mapping makes something.
Source: docs/imports.md; docs/decisions/0016-sources-restate.md: a row is a source.

Identifiers are hashed here, and columns that the mapping does not name are never looked at.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from service.domain.restating import Body
from service.errors import Conflict, Unreadable
from service.ingest.faults import Rejection
from service.ingest.fields import IDENTIFIER
from service.ingest.items import read_item
from service.ingest.pseudonyms import Pseudonyms
from service.ingest.registers.cells import Columns, EventReader, Reading
from service.ingest.registers.mapping import (
    REDCAP_EVENT,
    REDCAP_INSTANCE,
    REDCAP_INSTRUMENT,
    Mapping,
)
from service.ingest.registers.records import Record, RecordSplitter


class RowFault(msgspec.Struct, frozen=True, array_like=True):
    """One fault: where it is, a stable code, and what to do; never what the cell holds."""

    line: int
    column: str
    code: str
    message: str


class SpokenRow(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """What a row says: the name it is known by, whose it is, and the events without their names."""

    line: int
    facility: str
    source: str
    patient: str
    bodies: tuple[Body, ...]


class FaultyRow(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A row of which nothing is taken, with every fault."""

    line: int
    faults: tuple[RowFault, ...]


class EventRow(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """A row in our own columns: one event as canonical JSON, under its sender's name for it."""

    line: int
    facility: str
    patient: str
    received: str


Row: TypeAlias = SpokenRow | FaultyRow | EventRow

MALFORMED = (
    "This line is not valid CSV: a quote is open or out of place. Export the file again, or close "
    "the quote."
)


class Reader:
    """Takes the pieces of one file, gives its rows; remembers eight bytes of each row's name."""

    def __init__(self, mapping: Mapping, pseudonyms: Pseudonyms | None, today_latest: date) -> None:
        """Begin before the first byte; raises `Conflict` where identifiers cannot be hashed."""
        if mapping.patient.pseudonymise and pseudonyms is None:
            raise Conflict(
                "This mapping has identifiers hashed, which needs GRAFTWATCH_PSEUDONYM_KEY: "
                "whoever runs the service must set it.",
                code="no_pseudonym_key",
            )
        self._mapping = mapping
        self._pseudonyms = pseudonyms
        self._today_latest = today_latest
        self._splitter = RecordSplitter(mapping.file.encoding, mapping.delimiter)
        self._columns: Columns | None = None
        self._events: list[EventReader] = []
        self._key: list[list[str]] = []
        self._same = dict(_same_names(mapping))
        self._seen: set[int] = set()
        self._is_unended = False

    def feed(self, piece: bytes) -> Iterator[Row]:
        """The rows that end in this piece; raises `Unreadable` where the header does not fit."""
        return self._rows(self._splitter.feed(piece))

    def finish(self) -> Iterator[Row]:
        """The rows that were not ended; raises `Unreadable` for a file without a header."""
        self._is_unended = True
        yield from self._rows(self._splitter.finish())
        if self._columns is None:
            raise Unreadable("The file is empty: its first line names the columns.", code="empty")

    def _rows(self, records: Iterable[Record]) -> Iterator[Row]:
        for record in records:
            if self._columns is None:
                self._columns = self._bound(record)
                continue
            row = self._row(record, self._columns)
            if row is not None:
                yield row

    def _bound(self, header: Record) -> Columns:
        """The places of the columns that the mapping names."""
        if header.cells is None:
            raise Unreadable(f"Line {header.line}: {MALFORMED}", code="malformed_csv")
        columns = Columns(header.cells)
        mapping = self._mapping
        self._events = [EventReader(event, mapping, columns) for event in mapping.event]
        self._key = mapping.key or _redcap_key(mapping, columns)
        parts = [mapping.facility, mapping.patient]
        for names in (*self._key, *(source for part in parts for source in part.sources)):
            columns.require(names)
        if columns.faults:
            raise Unreadable(
                f"{len(columns.faults)} of the mapping's columns cannot be found in the file.",
                code="bad_header",
                details=tuple(columns.faults),
            )
        return columns

    def _row(self, record: Record, columns: Columns) -> Row | None:
        line, cells = record
        if cells is None:
            return FaultyRow(line, (RowFault(line, "", "malformed_csv", MALFORMED),))
        if any(cells[columns.width :]) or (self._is_unended and len(cells) < columns.width):
            message = f"This row has {len(cells)} cells under {columns.width} columns."
            return FaultyRow(line, (RowFault(line, "", "malformed_csv", message),))
        reading = Reading(columns, cells, self._mapping.file.dates)
        speaking = [event for event in self._events if event.is_of(reading)]
        if not speaking:
            return None
        mapping = self._mapping
        facility = reading.text(mapping.facility)
        number = reading.identifier(mapping.patient)
        patient = self._patient(facility, number)
        name = [self._same.get(cell, cell) for cell in map(reading.cell, self._key)]
        bodies = tuple(
            self._body(event, reading, facility, patient)
            for event in speaking
            if event.is_told(reading)
        )
        self._require_name(reading, facility, number, name)
        if not reading.faults:
            return SpokenRow(line, facility, self._source(facility, name), patient, bodies)
        faults = (RowFault(line, *fault) for fault in reading.faults)
        return FaultyRow(line, tuple(dict.fromkeys(faults)))

    def _body(self, event: EventReader, reading: Reading, facility: str, patient: str) -> Body:
        """An event's body, once every fault in it is noted at its column."""
        item = event.item(reading)
        named = {"event_id": "x", "facility": facility or "x", "patient": patient or "x"}
        read = read_item(0, {**item, **named}, today_latest=self._today_latest)
        if isinstance(read, Rejection):
            event.note(reading, read.faults)
        return item

    def _require_name(self, reading: Reading, facility: str, number: str, name: list[str]) -> None:
        """Note what is wrong with whose row it is, and with its name."""
        mapping = self._mapping
        for field, part, text in (
            ("facility", mapping.facility, facility),
            ("patient", mapping.patient, self._patient(facility, number)),
        ):
            if not text:
                reading.fault_of(field, part, "missing_field", "This field is required.")
            elif not re.fullmatch(IDENTIFIER, text):
                advice = "Must be 1 to 64 of A-Z a-z 0-9 . _ : -"
                if field == "patient":
                    advice += "; with `pseudonymise = true` any number of the hospital's will do"
                reading.fault_of(field, part, "malformed_identifier", f"{advice}.")
        if not name[0] and self._key[0] != mapping.patient.column:
            reading.fault_at(self._key[0], "missing_field", "A row is named by this column.")
        if not reading.faults and self._is_told_twice(facility, name):
            message = "A row above has the same name: every row must have its own. Take one out."
            reading.fault_at(self._key[-1], "duplicate_row", message)

    def _patient(self, facility: str, number: str) -> str:
        mapping = self._mapping
        if not (mapping.patient.pseudonymise and self._pseudonyms and number):
            return number
        return self._pseudonyms.of_patient(facility, number, mapping.numbering)

    def _source(self, facility: str, name: list[str]) -> str:
        """The row's name in the store, which holds no number of the hospital's."""
        joined = "\x1f".join((self._mapping.name, *name))
        if self._mapping.patient.pseudonymise and self._pseudonyms:
            return self._pseudonyms.of_source(facility, "row", joined)
        return f"row-{blake2b(joined.encode(), digest_size=16).hexdigest()}"

    def _is_told_twice(self, facility: str, name: list[str]) -> bool:
        text = "\x1f".join((facility, *name)).encode()
        digest = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False


def read_rows(pieces: Iterable[bytes], reader: Reader) -> Iterator[Row]:
    """The rows of a file that is at hand; one that is awaited drives a `Reader`."""
    for piece in pieces:
        yield from reader.feed(piece)
    yield from reader.finish()


def _redcap_key(mapping: Mapping, columns: Columns) -> list[list[str]]:
    """REDCap names a row by its record, event, instrument and instance."""
    own = [list(names) for names in (REDCAP_EVENT, REDCAP_INSTRUMENT, REDCAP_INSTANCE)]
    return [mapping.patient.column or [], *(names for names in own if columns.has(names))]


def _same_names(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """The names of an instrument or event in one export or another, and the first of them."""
    for event in mapping.event:
        for names in (event.instrument or [], event.redcap_event or []):
            yield from ((name, names[0]) for name in names)
