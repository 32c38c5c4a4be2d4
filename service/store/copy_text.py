r"""Rows as text that either store writes and reads alike: PostgreSQL's own copy format.

In:     values of a row, with the kind of each column.
Out:    a line: fields between tabs, `\N` for nothing, instants in UTC; and the way back.
Source: PostgreSQL, "COPY", Text Format; docs/operations.md, "Backup and restore".

The text of a value is one and the same whichever store it comes from, so that digests of whole
tables can be compared.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, Boolean, Date, Float, Integer
from sqlalchemy.types import TypeEngine

from service.store.tables import UtcInstant

Kind: TypeAlias = Literal["text", "json", "whole", "real", "flag", "date", "instant"]

NOTHING = r"\N"
UTC_SUFFIX = "+00"
KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (UtcInstant, "instant"),
    (Date, "date"),
    (Boolean, "flag"),
    (Float, "real"),
    (Integer, "whole"),
    (JSON, "json"),
)
"""Any other type is text."""
ESCAPES = {
    "\\": r"\\",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
}
_ESCAPE = str.maketrans(ESCAPES)
_UNESCAPE = {escaped: plain for plain, escaped in ESCAPES.items()}
_ESCAPED = re.compile(r"\\.")


def kind_of(column_type: TypeEngine[Any]) -> Kind:
    """What a column holds."""
    return next((kind for known, kind in KINDS if isinstance(column_type, known)), "text")


def line_of(fields: Sequence[str | None]) -> str:
    r"""A row as a line.

    >>> line_of(["a\tb", None, ""])
    'a\\tb\t\\N\t\n'
    """
    return "\t".join(NOTHING if one is None else one.translate(_ESCAPE) for one in fields) + "\n"


def fields_of(line: str) -> list[str | None]:
    r"""The fields of a line.

    >>> fields_of(line_of(["a\tb", None, ""]))
    ['a\tb', None, '']
    """
    return [None if one == NOTHING else _plain(one) for one in line[:-1].split("\t")]


def _plain(field: str) -> str:
    if "\\" not in field:
        return field
    return _ESCAPED.sub(lambda found: _UNESCAPE[found[0]], field)


def text_of_sqlite(kinds: Sequence[Kind]) -> Callable[[Sequence[Any]], list[str | None]]:
    """What SQLite keeps in columns of these kinds, as text."""
    writers = [WRITERS[kind] for kind in kinds]

    def text_of(row: Sequence[Any]) -> list[str | None]:
        pairs = zip(writers, row, strict=True)
        return [None if value is None else write(value) for write, value in pairs]

    return text_of


def values_for_sqlite(kinds: Sequence[Kind]) -> Callable[[Sequence[str | None]], tuple[Any, ...]]:
    """What SQLite is to keep in columns of these kinds, from their text."""
    readers = [READERS[kind] for kind in kinds]

    def values_of(fields: Sequence[str | None]) -> tuple[Any, ...]:
        pairs = zip(readers, fields, strict=True)
        return tuple(None if field is None else read(field) for read, field in pairs)

    return values_of


def _instant(kept: str) -> str:
    """SQLite has all six digits after the point, PostgreSQL writes those that say something."""
    return kept.rstrip("0").rstrip(".") + UTC_SUFFIX if "." in kept else kept + UTC_SUFFIX


def _kept_instant(field: str) -> str:
    whole, _, fraction = field.removesuffix(UTC_SUFFIX).partition(".")
    return f"{whole}.{fraction:0<6}"


def real(value: Any) -> str:
    """The shortest text that reads back as the same number, as Python writes it.

    >>> real("3"), real(-0.0)  # of which SQLite keeps no sign
    ('3.0', '0.0')
    """
    return repr(float(value) + 0.0)


WRITERS: Mapping[Kind, Callable[[Any], str]] = {
    "text": str,
    "json": str,
    "whole": str,
    "real": real,
    "flag": lambda value: "t" if value else "f",
    "date": str,
    "instant": _instant,
}
READERS: Mapping[Kind, Callable[[str], Any]] = {
    "text": str,
    "json": str,
    "whole": int,
    "real": float,
    "flag": lambda field: int(field == "t"),
    "date": str,
    "instant": _kept_instant,
}
