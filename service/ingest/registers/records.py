"""Cuts the bytes of a CSV file into records, however its maker writes them.

In:     pieces of any size, as they arrive; the declared encoding and delimiter.
Out:    `Record`s with the line they begin on, from 1; a fault where a line is no CSV.
Source: RFC 4180; docs/imports.md for what spreadsheets make of it.

A cell may hold line breaks inside quotes, as REDCap's notes do. A quote that is never closed would
swallow the rest of the file: after `MOST_BYTES` its line is given up, and reading goes on below it.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from service.errors import Unreadable

MOST_BYTES = 64 * 1024
"""A record's length at most: what one stray quote can cost."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATOR_LINE = re.compile(r"sep=.", re.IGNORECASE)
"""Some spreadsheets tell the delimiter in a first line of its own."""


class Record(NamedTuple):
    """One record; `cells` is None where it is no CSV."""

    line: int
    cells: tuple[str, ...] | None


class RecordSplitter:
    """Takes pieces, gives records; those with nothing in any cell are left out.

    >>> splitter = RecordSplitter("utf-8", ";")
    >>> list(splitter.feed(b'id;note\\r\\n1;"two'))
    [Record(line=1, cells=('id', 'note'))]
    >>> [*splitter.feed(b' lines;\\n here"\\n\\n;\\n2;'), *splitter.finish()]
    [Record(line=2, cells=('1', 'two lines;\\n here')), Record(line=6, cells=('2', ''))]
    """

    def __init__(self, encoding: str, delimiter: str) -> None:
        """Begin before the first byte; the encoding is one of those that extend ASCII."""
        self._encoding = encoding
        self._delimiter = delimiter
        self._begun = bytearray()
        self._number = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._quotes = 0

    def feed(self, piece: bytes) -> Iterator[Record]:
        """The records that end in this piece."""
        self._begun += piece
        end = self._begun.rfind(b"\n") + 1
        if not end and len(self._begun) <= MOST_BYTES:
            return
        lines = bytes(self._begun[:end]).split(b"\n")[:-1]
        del self._begun[:end]
        if len(self._begun) > MOST_BYTES:
            raise Unreadable(
                f"A line has more than {MOST_BYTES} bytes. Is this a CSV file with line feeds?",
                code="line_too_long",
            )
        yield from self._records(lines)

    def finish(self) -> Iterator[Record]:
        """The last record, ended or not."""
        if self._begun:
            yield from self._records([bytes(self._begun)])
            self._begun.clear()
        while self._held:
            yield from self._give_up()

    def _records(self, lines: list[bytes]) -> Iterator[Record]:
        waiting = deque(lines)
        while waiting:
            line = waiting.popleft()
            self._number += 1
            if self._number == 1:
                line = _first_line(line)
            self._held.append(line)
            self._held_bytes += len(line) + 1
            self._quotes += line.count(b'"')
            if self._quotes % 2 == 0:
                yield from self._complete()
            elif self._held_bytes > MOST_BYTES:
                yield from self._give_up()

    def _complete(self) -> Iterator[Record]:
        line = self._number - len(self._held) + 1
        content = b"\n".join(self._held)
        self._forget()
        # An invalid byte becomes a lone surrogate, which the field it stands in refuses.
        errors = "surrogateescape" if self._encoding == "utf-8" else "replace"
        text = content.decode(self._encoding, errors).removesuffix("\r")
        if line == 1 and SEPARATOR_LINE.fullmatch(text.strip()):
            return
        cells = self._cells(text)
        if cells is None or any(cells):
            yield Record(line, cells)

    def _give_up(self) -> Iterator[Record]:
        """A quote was opened and not closed: the line it stands on is no CSV, the others may be."""
        _, *others = self._held
        self._number -= len(others)
        yield Record(self._number, None)
        self._forget()
        yield from self._records(others)

    def _forget(self) -> None:
        self._held = []
        self._held_bytes = self._quotes = 0

    def _cells(self, text: str) -> tuple[str, ...] | None:
        try:
            cells = next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return None
        return tuple(_plain(cell) for cell in cells)


def _first_line(line: bytes) -> bytes:
    if line.startswith(UTF_16):
        raise Unreadable(
            "This file is in UTF-16, as `Unicode text` of a spreadsheet is. Save it as CSV UTF-8.",
            code="unsupported_encoding",
        )
    return line.removeprefix(BYTE_ORDER_MARK)


def _plain(cell: str) -> str:
    """The cell without what a spreadsheet puts around it: spaces, and `="…"` to keep zeros."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].strip()
    return text
