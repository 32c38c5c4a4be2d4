"""Tabular figures in three formats, each carrying definition, unit and as_of.

In:     a `Figure`: a head, rows, and what stands beneath them.
Out:    JSON, CSV (RFC 4180) or NDJSON, by `?format=` or by `Accept`.
Source: docs/api-rates.md; RFC 4180 knows no comments, so in CSV the head stands in columns of each
        row.

In CSV and NDJSON the kinds of rows follow each other: `row` first, then `window_total`, what has a
kind of its own, and `total`. A cell that a spreadsheet would take for a formula is written with a
quote before it.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

Format: TypeAlias = Literal["json", "csv", "ndjson"]
Row: TypeAlias = Mapping[str, Any]

MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
}
ASKED_BY_TYPE: Mapping[str, Format] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
}
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Figure:
    """A table with its head; `rows` by kind, of which `total` holds one row or none.

    `beside` holds single rows that are neither, by the name of their kind, and `lists` further
    rows, by theirs.
    """

    head: Mapping[str, Any]
    rows: Sequence[Row]
    total: Row | None
    window_totals: Sequence[Row] | None = None
    beside: Mapping[str, Row | None] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    @property
    def kinds(self) -> Iterator[tuple[str, Row]]:
        """Every row with its kind, in order."""
        yield from (("row", row) for row in self.rows)
        yield from (("window_total", row) for row in self.window_totals or ())
        yield from ((kind, row) for kind, rows in self.lists.items() for row in rows)
        singles = {**self.beside, "total": self.total}
        yield from ((kind, row) for kind, row in singles.items() if row is not None)


def asked_format(request: Request, named: Format | None) -> Format:
    """The format asked for: by name, else the best one of `Accept`, else JSON."""
    if named is not None:
        return named
    weighed = [_weighed(part) for part in request.headers.get("accept", "").split(",")]
    known = [(q, ASKED_BY_TYPE[name]) for q, name in weighed if q > 0 and name in ASKED_BY_TYPE]
    return max(known, key=lambda one: one[0], default=(1.0, "json"))[1]


def answer(figure: Figure, asked: Format, *, headers: Mapping[str, str] | None = None) -> Response:
    """The figure in the format asked for."""
    return Response(
        WRITERS[asked](figure), media_type=MEDIA_TYPES[asked], headers=dict(headers or {})
    )


def _weighed(part: str) -> tuple[float, str]:
    """One entry of an `Accept` header with its weight."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter.removeprefix("q=")), name
            except ValueError:
                return 0.0, name
    return 1.0, name


def _json(figure: Figure) -> bytes:
    body: dict[str, Any] = {**figure.head, "rows": figure.rows}
    if figure.window_totals is not None:
        body["window_totals"] = figure.window_totals
    return msgspec.json.encode({**body, **figure.lists, **figure.beside, "total": figure.total})


def _ndjson(figure: Figure) -> bytes:
    lines = [figure.head, *({"kind": kind, **row} for kind, row in figure.kinds)]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _csv(figure: Figure) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    tail = _head_columns(figure.head)
    table = [{"kind": kind, **_flat(row), **tail} for kind, row in figure.kinds]
    # The total has no stratum of its own: the columns are those of all rows together.
    names = dict.fromkeys(name for row in table for name in row if name not in tail)
    columns = [*(names or {"kind": None}), *tail]
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in table)
    return text.getvalue().encode()


def _head_columns(head: Mapping[str, Any]) -> dict[str, Any]:
    """The head as columns: nested as_of spelled out, everything else that is nested as JSON."""
    columns: dict[str, Any] = {}
    for name, value in head.items():
        if name == "as_of":
            columns |= {f"as_of_{part}": shown for part, shown in value.items()}
        elif isinstance(value, Mapping | list | tuple):
            columns[name] = msgspec.json.encode(value).decode()
        else:
            columns[name] = value
    return columns


def _flat(row: Row) -> dict[str, Any]:
    """Nested values by joined names, `ci_lower`; a stratum's dimensions under their own."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            prefix = "" if name == "stratum" else f"{name}_"
            flat |= {f"{prefix}{part}": shown for part, shown in _flat(value).items()}
        else:
            flat[name] = value
    return flat


def _cell(value: Any) -> Any:
    """A cell's value; JSON's true, false and null become true, false and an empty cell, and a list
    is written as JSON.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str) and value.startswith(STARTS_A_FORMULA):
        return f"'{value}"
    return value


WRITERS: Mapping[Format, Callable[[Figure], bytes]] = {
    "json": _json,
    "csv": _csv,
    "ndjson": _ndjson,
}
