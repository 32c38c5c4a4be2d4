"""The mapping file: which columns of a register say what, and in which words.

In:     TOML.
Out:    a `Mapping`, or a `BadMapping` with every fault and its place.
Source: docs/imports.md, the mapping file; REDCap, "Data exports" for its own columns.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from service.ingest.csv_rows import FINDING_COLUMNS, PRODUCT_COLUMNS
from service.ingest.fields import broken
from service.ingest.registers.dates import date_pattern
from service.ingest.toml_tables import Table, read_table
from service.ingest.wire import REPORTS, ReportIn

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
EVENT_TYPES = tuple(name for name in REPORTS if name != "void")
DATE_FIELDS = frozenset({"occurred_on", "enrolled_on", "ended_on"})
NO_AGENTS = "none"
REDCAP_EVENT = ("redcap_event_name", "Event Name")
REDCAP_INSTRUMENT = ("redcap_repeat_instrument", "Repeat Instrument")
REDCAP_INSTANCE = ("redcap_repeat_instance", "Repeat Instance")
"""REDCap's own columns, as the raw and as the label export name them."""


def _known_format(declared: str) -> str:
    if date_pattern(declared) is None:
        raise broken("not_a_format", "Must be made of YYYY, MM or MMM, and DD, like DD/MM/YYYY.")
    return declared


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1, max_length=20)]
"""A column, or the names it has in one export or another: the first that a file has is read."""
Words = Annotated[dict[str, str], Field(min_length=1, max_length=2_000)]
DateFormat = Annotated[str, AfterValidator(_known_format)]


def _part(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | list) else value


class FileTable(Table):
    """How the file is written."""

    encoding: Literal["utf-8", "latin-1", "windows-1252"] = "utf-8"
    delimiter: Literal["comma", "semicolon", "tab", "bar"] = "comma"
    dates: DateFormat = "YYYY-MM-DD"


class Part(Table):
    """Where a field's content comes from: a column, several, boxes to tick, or the mapping."""

    column: Names | None = None
    columns: list[Names] | None = None
    value: str | None = None
    checkboxes: Words | None = None
    values: Words | None = None
    separator: Annotated[str, Field(min_length=1, max_length=4)] | None = None
    dates: DateFormat | None = None
    nothing_ticked: Literal["none"] | None = None

    @model_validator(mode="after")
    def _come_from_one_place(self) -> "Part":
        given = [self.column, self.columns, self.value, self.checkboxes]
        if sum(one is not None for one in given) != 1:
            raise broken(
                "one_source", "Must have exactly one of column, columns, value, checkboxes."
            )
        if self.nothing_ticked and not self.checkboxes:
            raise broken("not_allowed", "`nothing_ticked` goes with `checkboxes`.")
        return self

    @property
    def boxes(self) -> dict[str, list[str]]:
        """The boxes to tick: for each value the names its column has in one export or another."""
        found: dict[str, list[str]] = {}
        for column, value in (self.checkboxes or {}).items():
            found.setdefault(value, []).append(column)
        return found

    @property
    def sources(self) -> list[list[str]]:
        """The columns that are read, each with its names."""
        one = [self.column] if self.column else []
        return [*one, *(self.columns or ()), *self.boxes.values()]

    @property
    def is_list(self) -> bool:
        """Can this give more than one value?"""
        return bool(self.columns or self.checkboxes or self.separator)


ReadPart = Annotated[Part, BeforeValidator(_part)]


class PatientTable(Part):
    """Whose row it is; `pseudonymise` where the column holds the hospital's own number."""

    pseudonymise: bool
    system: Annotated[str, Field(max_length=256)] | None = None

    @model_validator(mode="after")
    def _be_a_column(self) -> "PatientTable":
        if self.column is None:
            raise broken("missing_field", "`column` is required: a patient is named by a column.")
        return self


class When(Table):
    """Rows that an event is told of: those with something in a column, or one of some values."""

    column: Names
    values: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None


class EventTable(Table):
    """An event that rows tell of."""

    type: Literal[EVENT_TYPES]  # type: ignore[valid-type]  # the list is the house's
    instrument: Names | None = None
    redcap_event: Names | None = None
    when: Annotated[When, BeforeValidator(_part)] | None = None
    fields: dict[str, ReadPart]

    @model_validator(mode="after")
    def _know_the_fields(self) -> "EventTable":
        faults = list(_faults_of_fields(self))
        if faults:
            raise broken("fields", " ".join(faults))
        return self


class Mapping(Table):
    """A whole mapping file."""

    kind: Literal["redcap", "table"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    file: FileTable = FileTable()
    key: Annotated[list[Names], Field(min_length=1, max_length=10)] | None = None
    facility: ReadPart
    patient: PatientTable
    event: Annotated[list[EventTable], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _name_the_rows(self) -> "Mapping":
        if self.kind == "table" and self.key is None:
            raise broken(
                "missing_field",
                "`key` is required where kind is table: the columns that tell one row from all "
                "others, and stay the same when the row is corrected.",
            )
        if self.kind == "redcap" and self.key is not None:
            raise broken("not_allowed", "`key` is not for REDCap, whose rows have names already.")
        if self.kind == "table" and any(one.instrument or one.redcap_event for one in self.event):
            raise broken("not_allowed", "`instrument` and `redcap_event` are for REDCap only.")
        return self

    @property
    def numbering(self) -> str:
        """Whose numbers the patients' are: as told, else the project's or the hospital's own."""
        told = self.patient.system
        return told if told is not None else {"redcap": self.name, "table": ""}[self.kind]

    @property
    def delimiter(self) -> str:
        """The character between two cells."""
        return DELIMITERS[self.file.delimiter]


def read_mapping(text: str) -> Mapping:
    """The mapping in a file; raises `BadMapping` with every fault."""
    return read_table(Mapping, text)


def fields_of(event_type: str) -> tuple[str, ...]:
    """The fields that an event of a type may have in a mapping, as the columns of our own CSV."""
    own = ("type", *ReportIn.model_fields)
    named = [name for name in REPORTS[event_type].model_fields if name not in own]
    spread = {"product": tuple(PRODUCT_COLUMNS), "infections": FINDING_COLUMNS}
    listed = [column for name in named for column in spread.get(name, (name,))]
    return ("occurred_on", *listed)


def _faults_of_fields(event: EventTable) -> Iterator[str]:
    known = fields_of(event.type)
    for name in event.fields.keys() - set(known):
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}."
        yield f"`{name[:64]}` is no field of a {event.type}: {hint}"
    if "occurred_on" not in event.fields:
        yield "`occurred_on` is required."
    for name, part in event.fields.items():
        if part.is_list and name != "agents":
            yield f"`{name[:64]}` has one value: columns, checkboxes, separator are for `agents`."
        if part.dates and name not in (*DATE_FIELDS, "birth_year"):
            yield f"`{name[:64]}` is no date."
