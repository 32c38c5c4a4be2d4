"""A file of events as a stream of bytes, plain whatever its compression.

In:     a path, or `-` for standard input.
Out:    pieces of bounded size, and how far into the file they have come.
Source: RFC 1952: a gzip file is known by its first two bytes.
"""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader
from pathlib import Path

import typer

from service.errors import Unreadable

STANDARD = "-"
PIECE_BYTES = 64 * 1024
GZIP_MARK = b"\x1f\x8b"


class Format(StrEnum):
    """How events are written in a file."""

    NDJSON = "ndjson"
    CSV = "csv"


FORMAT_OF_ENDING = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".csv": Format.CSV,
}


@dataclass(frozen=True)
class Source:
    """An opened file; `total_bytes` is None where it has no known end."""

    raw: BufferedReader
    total_bytes: int | None

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes, unfolded; raises `Unreadable` where its compression is broken."""
        is_gzip = self.raw.peek(len(GZIP_MARK)).startswith(GZIP_MARK)
        stream = gzip.GzipFile(fileobj=self.raw) if is_gzip else self.raw
        try:
            while piece := stream.read1(PIECE_BYTES):
                yield piece
        except (gzip.BadGzipFile, zlib.error):
            raise Unreadable("The gzip file is damaged.", code="malformed_gzip") from None
        except EOFError:
            raise Unreadable("The gzip file ends too early.", code="truncated_gzip") from None

    @property
    def bytes_read(self) -> int:
        """How far into the file the pieces have come; 0 where that cannot be known."""
        return self.raw.tell() if self.total_bytes is not None else 0


@contextmanager
def opened_source(file: str) -> Iterator[Source]:
    """The file, or standard input, closed again at the end."""
    if file == STANDARD:
        yield Source(sys.stdin.buffer, None)  # type: ignore[arg-type]  # it can peek
        return
    path = Path(file)
    with path.open("rb") as raw:
        yield Source(raw, path.stat().st_size if path.is_file() else None)


def format_of(file: str) -> Format:
    """The format that a file's name tells; NDJSON for standard input."""
    if file == STANDARD:
        return Format.NDJSON
    ending = Path(file.removesuffix(".gz")).suffix.lower()
    if ending not in FORMAT_OF_ENDING:
        raise typer.BadParameter(
            "the file's ending tells no format: say --format ndjson or --format csv"
        )
    return FORMAT_OF_ENDING[ending]
