"""Reads JSON strictly, and goes on where only a part of it cannot be meant.

In:     bytes.
Out:    plain values, or a `DocumentFault` that says where and quotes nothing.
Source: RFC 8259; where it leaves a choice (duplicate names, number ranges), the safer one.

A duplicate name, NaN or an enormous number spoils the object it stands in, not the whole body:
it becomes a value that fits no field, and the item is rejected with its place.
"""

import json
from typing import Any

from service.ingest.faults import DocumentFault

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_NUMBER = 18
"""Digits; beyond it the number fits no field, and turning it into one costs quadratic time."""


class Ambiguous:
    """An object that names a field twice: whatever it means, readers may differ."""

    __slots__ = ("fields", "repeated")

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Keep the first value of each name, and the names that came again."""
        self.fields: dict[str, Any] = {}
        self.repeated: dict[str, None] = {}
        for name, value in pairs:
            if name in self.fields:
                self.repeated[name] = None
            else:
                self.fields[name] = value


class _NoNumber:
    """What JSON has no number for, or no system a use: NaN, Infinity, a thousand digits."""

    __slots__ = ()


_NO_NUMBER = _NoNumber()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Ambiguous:
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else Ambiguous(pairs)


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_NUMBER else _NO_NUMBER,
    parse_constant=lambda _: _NO_NUMBER,
)


def parse(body: bytes) -> Any:
    """The value of a JSON text in UTF-8, or a `DocumentFault`."""
    try:
        return _decoder.decode(body.removeprefix(BYTE_ORDER_MARK).decode())
    except UnicodeDecodeError as fault:
        return DocumentFault("not_utf8", "This is not valid UTF-8.", f"byte {fault.start}")
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        return DocumentFault("malformed_json", "This is not valid JSON.", where)
    except RecursionError:
        return DocumentFault("too_deeply_nested", "No event is nested as deeply as this.")
