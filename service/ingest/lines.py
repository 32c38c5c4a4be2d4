"""Cuts a stream of bytes into lines without holding more than one of them.

In:     chunks of any size, as they arrive.
Out:    numbered lines, from 1; one beyond the bound comes without content, and reading goes on.
Source: the NDJSON specification: lines end with \\n, and only with it. `bytes.splitlines` also
        cuts at a lone \\r, `str.splitlines` at U+2028 and U+0085, which JSON allows in strings.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from service.ingest.faults import Fault, Rejection
from service.ingest.json_text import BYTE_ORDER_MARK

MAX_LINE_BYTES = 1024 * 1024
_BLANK = b" \t\r"
_LINE_ENDS = re.compile(rb"\n(?:\r?\n)*")
"""The end of a line and all the empty lines after it, which are many where somebody means harm."""


class Line(NamedTuple):
    """One line without its end; `content` is None where the line is longer than allowed."""

    number: int
    content: bytes | None


class LineSplitter:
    """Takes chunks, gives lines; blank lines are counted and left out.

    >>> splitter = LineSplitter()
    >>> [line for chunk in (b'{"a', b'":1}\\r\\n\\n{') for line in splitter.feed(chunk)]
    [Line(number=1, content=b'{"a":1}')]
    >>> list(splitter.finish())
    [Line(number=3, content=b'{')]
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self.max_line_bytes = max_line_bytes
        self._number = 1
        self._begun = bytearray()
        self._is_too_long = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in this chunk; read them all before the next chunk."""
        start = 0
        for ends in _LINE_ENDS.finditer(chunk):
            self._take(chunk, start, ends.start())
            yield from self._complete()
            self._number += ends[0].count(b"\n") - 1
            start = ends.end()
        self._take(chunk, start, len(chunk))

    def finish(self) -> Iterator[Line]:
        """The last line, if the stream ended without ending it."""
        yield from self._complete()

    def _take(self, chunk: bytes, start: int, end: int) -> None:
        # One byte over the bound, for the \r that is not part of the line.
        if self._is_too_long or len(self._begun) + end - start > self.max_line_bytes + 1:
            self._is_too_long = True
            self._begun.clear()
        else:
            self._begun += memoryview(chunk)[start:end]

    def _complete(self) -> Iterator[Line]:
        number, is_too_long = self._number, self._is_too_long
        content = bytes(self._begun).removesuffix(b"\r")
        self._number += 1
        self._begun.clear()
        self._is_too_long = False
        if number == 1:
            content = content.removeprefix(BYTE_ORDER_MARK)
        if is_too_long or len(content) > self.max_line_bytes:
            yield Line(number, None)
        elif content.strip(_BLANK):
            yield Line(number, content)


def too_long(number: int, max_line_bytes: int) -> Rejection:
    """The rejection of a line without content."""
    message = f"A line may have at most {max_line_bytes} bytes. Is a line feed missing?"
    return Rejection(number, None, (Fault("", "line_too_long", message),))


def lines_of(chunks: Iterable[bytes], max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """The lines of a stream that is at hand; one that is awaited drives a `LineSplitter`."""
    splitter = LineSplitter(max_line_bytes)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()
