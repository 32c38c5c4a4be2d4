"""Mapping files in TOML: read strictly, every fault with its place.

In:     TOML, and the model that says what may stand there.
Out:    the model, or a `BadMapping` with every fault.
Source: TOML 1.0; docs/imports.md; docs/dhis2.md.
"""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import BadRequest, Detail

MOST_BYTES = 256 * 1024


class BadMapping(BadRequest):
    """A mapping file that cannot be used; the details name every place."""

    code = "bad_mapping"


class Table(BaseModel):
    """Nothing is coerced, and an unknown name is a fault."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


AnyTable = TypeVar("AnyTable", bound=Table)


def read_table(model: type[AnyTable], text: str) -> AnyTable:
    """The table in a text; raises `BadMapping` with every fault."""
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise BadMapping(f"The mapping is no TOML: {fault}.") from None
    except ValidationError as error:
        details = tuple(_detail(found) for found in error.errors(include_url=False))
        noun = "place" if len(details) == 1 else "places"
        raise BadMapping(
            f"The mapping cannot be used: {len(details)} {noun} to mend.", details=details
        ) from None


def text_of(file: Path) -> str:
    """What a mapping file holds; raises `BadMapping` where it is too long or no UTF-8."""
    content = file.read_bytes()
    if len(content) > MOST_BYTES:
        raise BadMapping(f"{file}: a mapping has at most {MOST_BYTES} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadMapping(f"{file}: not UTF-8.") from None


def _detail(found: Any) -> Detail:
    place = ""
    for step in found["loc"]:
        place += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    place = place.removeprefix(".")
    if found["type"] == "extra_forbidden":
        return Detail(place, "unknown_name", "Not known here: mend its spelling, or leave it out.")
    if found["type"] == "missing":
        return Detail(place, "missing_field", "This is required.")
    if found["type"] == "fault":
        return Detail(place, found["ctx"]["code"], found["ctx"]["message"])
    return Detail(place, "not_allowed", f"{found['msg']}.")
