"""Cells of one row to the fields of an event, as a mapping says.

In:     a header, a row's cells, the parts of a mapping.
Out:    fields in the words of our own CSV columns; every fault, with the column it is in.
Source: docs/imports.md; `service.ingest.csv_rows` for the columns.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from service.domain.restating import Body
from service.errors import Detail
from service.ingest.csv_rows import at_column, item_of
from service.ingest.faults import Fault
from service.ingest.registers.dates import SERIAL_NUMBER, iso_date
from service.ingest.registers.mapping import (
    DATE_FIELDS,
    NO_AGENTS,
    REDCAP_EVENT,
    REDCAP_INSTRUMENT,
    EventTable,
    Mapping,
    Part,
)

TICKED = frozenset({"1", "checked"})
UNTICKED = frozenset({"", "0", "unchecked"})
SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]{1,3}", re.IGNORECASE)
WHOLE = re.compile(r"(-?[0-9]{1,9})[.,]0+")


class Placed(NamedTuple):
    """A fault and the column it is in."""

    column: str
    code: str
    message: str


class Columns:
    """Where the columns of a file are; gathers what the mapping names and the file lacks."""

    def __init__(self, header: tuple[str, ...]) -> None:
        """Columns without a name, as spreadsheets append them, are none."""
        self.width = len(header)
        self.faults: list[Detail] = []
        self._header = header
        self._places = {name: place for place, name in enumerate(header) if name}

    def has(self, names: Iterable[str]) -> bool:
        """Does the file have a column of one of the names?"""
        return any(name in self._places for name in names)

    def require(self, names: list[str]) -> None:
        """Note a fault unless exactly one column has one of the names; the header is not quoted."""
        found = [name for name in self._header if name in names]
        shown = " or ".join(f"`{name}`" for name in names)
        if not found:
            message = "Not in the first line. Check its spelling, the delimiter and the encoding."
            self._note(names, "missing_column", f"{shown}: {message}")
        elif len(found) > 1:
            message = f"{shown}: {len(found)} columns are named so; one can be read."
            self._note(names, "duplicate_column", message)

    def place(self, names: Iterable[str]) -> int | None:
        """The place of the first of the names that the file has."""
        return next((self._places[name] for name in names if name in self._places), None)

    def shown(self, names: list[str]) -> str:
        """The name by which the file has a column."""
        place = self.place(names)
        return names[0] if place is None else self._header[place]

    def _note(self, names: list[str], code: str, message: str) -> None:
        fault = Detail(names[0], code, message)
        if fault not in self.faults:
            self.faults.append(fault)


class Reading:
    """One row being read; gathers its faults."""

    def __init__(self, columns: Columns, cells: tuple[str, ...], dates: str) -> None:
        """Nothing is found wrong yet."""
        self.columns = columns
        self.faults: list[Placed] = []
        self._cells = cells
        self._dates = dates

    def cell(self, names: Iterable[str]) -> str:
        """The text of a column; nothing where the file has none, or the row ends before it."""
        place = self.columns.place(names)
        return self._cells[place] if place is not None and place < len(self._cells) else ""

    def fault_at(self, names: list[str], code: str, message: str) -> None:
        """Note a fault at a column."""
        self.faults.append(Placed(self.columns.shown(names), code, message))

    def fault_of(self, field: str, part: Part | None, code: str, message: str) -> None:
        """Note a fault at the column of a part, or at the field where it has none."""
        sources = part.sources if part else []
        column = self.columns.shown(sources[0]) if sources else field
        self.faults.append(Placed(column, code, message))

    def text(self, part: Part) -> str:
        """What a part with one value says of a field; nothing where its cell is empty."""
        if part.value is not None:
            return part.value
        names = part.column or []
        cell = self.cell(names)
        return self._worded(names, part, cell) if cell else ""

    def identifier(self, part: Part) -> str:
        """A number by which somebody is known, unless a spreadsheet has spoilt it."""
        names = part.column or []
        cell = self.cell(names)
        if SCIENTIFIC.fullmatch(cell):
            message = (
                "A spreadsheet has rounded this number and shows it as a power of ten. Export "
                "again with the column as text."
            )
            self.fault_at(names, "rounded_number", message)
        return cell

    def date(self, field: str, part: Part) -> str:
        """A date in the declared format; a birth date becomes its year."""
        names = part.column or []
        cell = self.cell(names)
        if part.value is not None or not cell:
            return part.value or ""
        declared = part.dates or self._dates
        found = iso_date(cell, declared)
        if found is None and SERIAL_NUMBER.fullmatch(cell):
            message = "A spreadsheet's number of a day. Format the column as dates, export again."
            self.fault_at(names, "not_a_date", message)
        elif found is None:
            message = f"Must be a date that is there, like {declared}, as the mapping declares."
            self.fault_at(names, "not_a_date", message)
        return (found or "")[: 4 if field == "birth_year" else None]

    def agents(self, part: Part) -> str:
        """The agents of a row, separated by `;`, or `none`; nothing where none is recorded."""
        if part.checkboxes:
            return self._ticked(part)
        if part.value is not None:
            return part.value
        sources = [part.column] if part.column else part.columns or []
        found = []
        for names in sources:
            cell = self.cell(names)
            pieces = cell.split(part.separator) if part.separator else [cell]
            found += [self._worded(names, part, text) for one in pieces if (text := one.strip())]
        return _joined(found)

    def _ticked(self, part: Part) -> str:
        found = []
        for value, names in part.boxes.items():
            cell = self.cell(names).casefold()
            if cell in TICKED:
                found.append(value)
            elif cell not in UNTICKED:
                message = "A box is 1 or 0, Checked or Unchecked."
                self.fault_at(names, "not_a_box", message)
        return _joined(found) or part.nothing_ticked or ""

    def _worded(self, names: list[str], part: Part, cell: str) -> str:
        """The cell in the words that the mapping gives for it."""
        if part.values is None:
            return cell
        by_key = {key.casefold(): word for key, word in part.values.items()}
        found = by_key.get(cell.casefold())
        if found is None:
            shown = ", ".join(f"`{key}`" for key in part.values)
            message = f"Not one of the mapping's values for this column: {shown[:400]}."
            self.fault_at(names, "unmapped_value", message)
        return found or ""


class EventReader:
    """Reads one of the mapping's events from rows."""

    def __init__(self, event: EventTable, mapping: Mapping, columns: Columns) -> None:
        """Bind the event to the columns of a file."""
        self.event = event
        self._is_redcap = mapping.kind == "redcap"
        for part in event.fields.values():
            for names in part.sources:
                columns.require(names)
        if event.when is not None:
            columns.require(event.when.column)
        if event.redcap_event:
            columns.require(list(REDCAP_EVENT))
        if event.instrument:
            columns.require(list(REDCAP_INSTRUMENT))

    def is_of(self, reading: Reading) -> bool:
        """Is the row of the instrument and the event that this one is told in?"""
        event = self.event
        if not self._is_redcap:
            return True
        instrument = reading.cell(REDCAP_INSTRUMENT)
        if event.redcap_event and reading.cell(REDCAP_EVENT) not in event.redcap_event:
            return False
        return instrument in event.instrument if event.instrument else not instrument

    def is_told(self, reading: Reading) -> bool:
        """Does the row tell of the event: by its condition, else by anything in its columns?"""
        when = self.event.when
        if when is None:
            sources = [names for part in self.event.fields.values() for names in part.sources]
            return any(reading.cell(names) not in UNTICKED for names in sources)
        cell = reading.cell(when.column)
        return cell in when.values if when.values else bool(cell)

    def item(self, reading: Reading) -> Body:
        """The event as it would be sent, without its name and whose it is."""
        filled = {"type": self.event.type}
        for field, part in self.event.fields.items():
            text = self._text(field, part, reading)
            if text:
                filled[field] = text
        return item_of(filled)

    def note(self, reading: Reading, faults: Iterable[Fault]) -> None:
        """Note faults of the event at the columns that they come from."""
        known = {one.column for one in reading.faults}
        for fault in map(at_column, faults):
            field = fault.pointer.split("/")[1] if fault.pointer else ""
            part = self.event.fields.get(field)
            sources = part.sources if part else []
            if fault.code == "missing_field" and any(
                reading.columns.shown(names) in known for names in sources
            ):
                continue  # what stands there could not be read, and that is told already
            reading.fault_of(field, part, fault.code, fault.message)

    def _text(self, field: str, part: Part, reading: Reading) -> str:
        if field == "agents":
            return reading.agents(part)
        if field in DATE_FIELDS or (field == "birth_year" and part.dates):
            return reading.date(field, part)
        text = reading.text(part)
        whole = WHOLE.fullmatch(text)
        return whole[1] if whole and field in ("age_years", "birth_year") else text


def _joined(agents: list[str]) -> str:
    """Agents in a row's one cell; `none` says nothing beside others."""
    given = [name for name in agents if name.casefold() != NO_AGENTS]
    return ";".join(given) or (NO_AGENTS if agents else "")
