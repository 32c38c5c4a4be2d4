"""Every way in which an item can fail to be an event, in words.

In:     pydantic's errors on one item.
Out:    `Fault`s with pointers; codes and wording are ours.
Source: docs/api.md: unknown fields are refused by name, and no message repeats a value.

Pydantic's own messages quote what was sent, so none of them is passed on.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.ingest.faults import Fault
from service.ingest.fields import CONTROLS_REFUSED, IDENTIFIER, NO_CONTROLS, PRINTABLE
from service.ingest.json_text import Ambiguous
from service.ingest.wire import REPORTS, FindingIn, ProductIn

MOST_FAULTS = 100
"""Faults listed of one item; the rest is summed up, so that an answer has a bound."""

Context = Mapping[str, Any]
Worded = tuple[str, str]

_FIELD_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPES = ", ".join(REPORTS)
_PATTERNS: dict[str, Worded] = {
    IDENTIFIER: ("malformed_identifier", "Must be 1 to 64 of A-Z a-z 0-9 . _ : -"),
    PRINTABLE: ("malformed_event_id", "Must be 1 to 128 printable characters."),
    NO_CONTROLS: ("control_character", CONTROLS_REFUSED),
}
_OBJECT: Worded = ("wrong_type", "Must be an object.")
_UNKNOWN_TYPE: Worded = ("unknown_type", f"Must be one of {_TYPES}.")

_WORDING: dict[str, Callable[[Context], Worded]] = {
    "fault": lambda ctx: (ctx["code"], ctx["message"]),
    "missing": lambda _: ("missing_field", "This field is required."),
    "string_type": lambda _: ("wrong_type", "Must be text."),
    "int_type": lambda _: ("wrong_type", "Must be a whole number."),
    "list_type": lambda _: ("wrong_type", "Must be a list."),
    "model_type": lambda _: _OBJECT,
    "model_attributes_type": lambda _: _OBJECT,
    "string_unicode": lambda _: ("not_unicode", "Must be valid Unicode text."),
    "string_too_long": lambda ctx: (
        "too_long",
        f"Must have at most {ctx['max_length']} characters.",
    ),
    "string_pattern_mismatch": lambda ctx: _PATTERNS[ctx["pattern"]],
    "literal_error": lambda ctx: ("not_allowed", f"Must be {ctx['expected']}."),
    "greater_than_equal": lambda ctx: ("out_of_range", f"Must be {ctx['ge']} or more."),
    "less_than_equal": lambda ctx: ("out_of_range", f"Must be {ctx['le']} or less."),
    "too_long": lambda ctx: ("too_many", f"Must have at most {ctx['max_length']} entries."),
    "union_tag_invalid": lambda _: _UNKNOWN_TYPE,
    "union_tag_not_found": lambda _: ("missing_field", f"This field is required: {_TYPES}."),
}
_ANYTHING_ELSE: Worded = ("invalid", "This value is not allowed here.")


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """The faults of an item, each once, in the order of its fields."""
    found = dict.fromkeys(_fault(detail) for detail in error.errors(include_url=False))
    return bounded(found)


def bounded(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The first `MOST_FAULTS` faults, and one that says where there are more."""
    listed = tuple(islice(faults, MOST_FAULTS + 1))
    if len(listed) <= MOST_FAULTS:
        return listed
    rest = Fault("", "more_faults", f"There are more than {MOST_FAULTS} faults. Mend these first.")
    return (*listed[:MOST_FAULTS], rest)


def duplicate_key(pointer: str, names: Iterable[str]) -> Fault:
    """The fault of an object that names a field twice; a name is shown if it looks like one."""
    shown = ", ".join(f"`{name}`" for name in names if _FIELD_NAME.fullmatch(name))
    return Fault(
        pointer,
        "duplicate_field",
        f"A field is given more than once{f': {shown}' if shown else ''}. Send each once.",
    )


def unknown_field(parent: str, name: str, known: Iterable[str]) -> Fault:
    """The fault of a field that is not known, with the nearest one that is."""
    if not _FIELD_NAME.fullmatch(name):
        message = "There is an unknown field, whose name is not repeated here. Leave it out."
        return Fault(parent, "unknown_field", message)
    near = get_close_matches(name, known, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "Leave it out."
    message = f"`{name}` is not a field here. {hint}"
    return Fault(f"{parent}/{name}", "unknown_field", message)


def _fault(detail: ErrorDetails) -> Fault:
    kind, path = detail["type"], detail["loc"]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return Fault("/type", *_WORDING[kind]({}))
    # The first part of a path is the type of the event, by which pydantic chose the model.
    tag, path = (path[0], path[1:]) if path and path[0] in REPORTS else (None, path)
    if kind == "extra_forbidden":
        parent = tuple(path[:-1])
        return unknown_field(_pointer(parent), str(path[-1]), _known_fields(tag, parent))
    if isinstance(detail["input"], Ambiguous):
        return duplicate_key(_pointer(path), detail["input"].repeated)
    wording = _WORDING.get(kind)
    worded = wording(detail.get("ctx", {})) if wording else _ANYTHING_ELSE
    return Fault(_pointer(path), *worded)


def _pointer(path: Iterable[int | str]) -> str:
    return "".join(f"/{step}" for step in path)


def _known_fields(tag: int | str | None, parent: tuple[int | str, ...]) -> Iterable[str]:
    if parent == ("product",):
        return ProductIn.model_fields
    if parent:
        return FindingIn.model_fields
    return REPORTS[str(tag)].model_fields if tag is not None else ()
