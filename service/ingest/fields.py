"""The kinds of fields: what each may hold, and how its text is read.

In:     single values from a parsed body; the latest date on Earth as the validation context.
Out:    annotated types for `service.ingest.wire`; a fault in a value raises `broken(...)`.
Source: docs/api.md; what the project had to choose (limits, printable characters) stands here.

Reading a term here, not after the shape has been checked, is what lets one pass report a
misspelt drug beside a malformed date.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from service.ingest.countries import COUNTRIES
from service.reference.vocabulary import (
    Agent,
    Organism,
    Refusal,
    Site,
    TransplantType,
    resolve_agent,
    resolve_organism,
    resolve_site,
    resolve_transplant_type,
)

IDENTIFIER = r"^[A-Za-z0-9._:-]{1,64}$"
PRINTABLE = (
    r"^[^\u0000-\u001f\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
    r"\ufff0-\uffff]+$"
)
"""Characters one can see and tell apart in a log, and the plain space."""
# U+0085 and U+2028 are let through: JSON allows them raw inside a string.
NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u0084\u0086-\u009f]*$"
LONGEST_TERM = 128
EARLIEST = date(1900, 1, 1)
"""Nobody transplanted was ill before; an earlier date is a typing error."""

_UNFIT = re.compile(r"[\u0000-\u001f\u007f-\u0084\u0086-\u009f\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Term = TypeVar("Term")


def broken(code: str, message: str) -> PydanticCustomError:
    """The fault to raise from a validator; `service.ingest.messages` reads it back."""
    return PydanticCustomError("fault", "{message}", {"code": code, "message": message})


@dataclass(frozen=True, slots=True)
class OneOf:
    """A closed list of the house as a type; unlike `Literal` it takes the list itself."""

    values: tuple[str, ...]

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Pydantic's own schema for a closed list."""
        return core_schema.literal_schema(list(self.values))


def _read_day(value: object, info: ValidationInfo) -> date:
    day = _read_later_day(value)
    today_latest: Any = info.context
    if day > today_latest:
        raise broken("future_date", "Must not lie in the future, anywhere on Earth.")
    return day


def _read_later_day(value: object) -> date:
    """A date that may lie in the future."""
    try:
        if not (isinstance(value, str) and _DAY.fullmatch(value)):
            raise ValueError  # noqa: TRY301 (one message for every way of being no date)
        day = date.fromisoformat(value)
    except ValueError:
        raise broken("not_a_date", "Must be a date like 2026-03-01.") from None
    if day < EARLIEST:
        raise broken("out_of_range", f"Must be {EARLIEST} or later.")
    return day


@dataclass(frozen=True, slots=True)
class UnreadTerm:
    """A term that the vocabulary does not know: it is kept, and waits to be mapped."""

    text: str
    message: str


def _term(resolve: Callable[[str], Term | Refusal]) -> PlainValidator:
    # A file that uses one unknown word uses it in every row, and looking for what is near is slow.
    look_up = lru_cache(maxsize=2048)(resolve)

    def read(value: object) -> Term | UnreadTerm:
        if not isinstance(value, str):
            raise broken("wrong_type", "Must be text.")
        if not 0 < len(value) <= LONGEST_TERM:
            raise broken("too_long", f"Must have 1 to {LONGEST_TERM} characters.")
        if _UNFIT.search(value):
            raise broken("control_character", CONTROLS_REFUSED)
        found = look_up(value)
        if isinstance(found, Refusal):
            if found.code == WAITS and value.strip():
                return UnreadTerm(value, _wording(found))
            raise broken(found.code, _wording(found))
        return found

    return PlainValidator(read)


def _wording(refusal: Refusal) -> str:
    if not refusal.candidates:
        return refusal.message
    return f"{refusal.message} Candidates: {', '.join(refusal.candidates)}."


def _not_itself(name: str, info: ValidationInfo) -> str:
    if name == info.data.get("event_id"):
        raise broken("self_reference", "Must name an earlier event, not the event itself.")
    return name


def _known_country(code: str) -> str:
    if code not in COUNTRIES:
        raise broken("unknown_country", "Must be an ISO 3166 alpha-2 code in capitals, like MX.")
    return code


WAITS = "unknown_term"
"""The one refusal that is none: what stands for several terms, or for nothing, is refused."""
CONTROLS_REFUSED = "Must not hold control characters such as line breaks or tabs."

_TERM_SCHEMA = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_TERM})
Day = Annotated[
    date, PlainValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"})
]
LaterDay = Annotated[
    date, PlainValidator(_read_later_day), WithJsonSchema({"type": "string", "format": "date"})
]
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
EventId = Annotated[str, StringConstraints(pattern=PRINTABLE, max_length=128)]
EarlierEventId = Annotated[EventId, AfterValidator(_not_itself)]
Text64 = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=64, pattern=NO_CONTROLS)
]
Text128 = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=128, pattern=NO_CONTROLS)
]
Text256 = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=256, pattern=NO_CONTROLS)
]
Country = Annotated[
    str, AfterValidator(_known_country), Field(json_schema_extra={"pattern": "^[A-Z]{2}$"})
]
KnownAgent = Annotated[Agent | UnreadTerm, _term(resolve_agent), _TERM_SCHEMA]
KnownOrganism = Annotated[Organism | UnreadTerm, _term(resolve_organism), _TERM_SCHEMA]
KnownSite = Annotated[Site | UnreadTerm, _term(resolve_site), _TERM_SCHEMA]
KnownTransplantType = Annotated[
    TransplantType | UnreadTerm, _term(resolve_transplant_type), _TERM_SCHEMA
]
