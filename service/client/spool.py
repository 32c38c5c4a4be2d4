"""Events on disk until they are delivered: append-only segments of lines, one event a line.

In:     lines.
Out:    the same lines in the same order, segment by segment, also after a crash.
Source: docs/client.md; PostgreSQL, 28.1 "Reliability", on what `fsync` promises and a torn write.

A line is kept once `append` returned. A process killed within it leaves a torn last line, which is
cut off when the spool is opened again: whoever put it was not told that it is kept. A segment is
removed once all of it is delivered; one that was delivered in part is sent again as a whole, and
the service knows what it has.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from service.client.faults import SpoolFull, SpoolInUse

SEGMENT_BYTES = 1_000_000
MOST_BYTES = 1_000_000_000
ENDING = ".ndjson"
REJECTED = "rejected.log"
OWN = 0o600
BINARY = getattr(os, "O_BINARY", 0)


class Segment(NamedTuple):
    """Lines that wait, and the file that holds them."""

    path: Path
    lines: list[bytes]


class Spool:
    """A folder of segments that one process has at a time; not shared between threads."""

    def __init__(
        self, directory: Path, *, most_bytes: int = MOST_BYTES, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Open or make it; raises `SpoolInUse` where another process has it."""
        self._directory = directory
        self._most_bytes = most_bytes
        self._segment_bytes = segment_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(directory / "lock")
        for path in self._segments():
            _cut_torn_line(path)
        _cut_torn_line(self.rejected)
        self._open: Path | None = None
        self._next = max((int(path.stem) for path in self._segments()), default=0) + 1
        self.size = sum(path.stat().st_size for path in [*self._segments(), *self._kept()])

    @property
    def rejected(self) -> Path:
        """What the service refused, with its reasons; kept until somebody removes the file."""
        return self._directory / REJECTED

    @property
    def is_empty(self) -> bool:
        """Is everything delivered?"""
        return not self._segments()

    def append(self, lines: Sequence[bytes]) -> None:
        """Keep lines: on disk when this returns. Raises `SpoolFull`, and then keeps none."""
        if not lines:
            return
        data = b"".join(line + b"\n" for line in lines)
        if self.size + len(data) > self._most_bytes:
            raise SpoolFull(f"The spool holds {self.size:,} bytes and may hold no more.")
        path = self._open
        if path is None or path.stat().st_size >= self._segment_bytes:
            path = self._directory / f"{self._next:012}{ENDING}"
            self._next += 1
        self._write(path, data)
        self._open = path

    def oldest(self) -> Segment | None:
        """The segment that is delivered next; nothing is appended to it any more."""
        segments = self._segments()
        if not segments:
            return None
        if segments[0] == self._open:
            self._open = None
        return Segment(segments[0], segments[0].read_bytes().splitlines())

    def remove(self, segment: Segment) -> None:
        """Forget a segment: all of it is delivered."""
        size = segment.path.stat().st_size
        segment.path.unlink()
        _sync_folder(self._directory)
        self.size -= size

    def keep_rejected(self, lines: Sequence[bytes]) -> None:
        """Keep what the service refused, beside the segments."""
        if lines:
            self._write(self.rejected, b"".join(line + b"\n" for line in lines))

    def close(self) -> None:
        """Let another process have it."""
        self._lock.close()

    def _segments(self) -> list[Path]:
        return sorted(self._directory.glob(f"*{ENDING}"))

    def _kept(self) -> list[Path]:
        return [self.rejected] if self.rejected.exists() else []

    def _write(self, path: Path, data: bytes) -> None:
        is_new = not path.exists()
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY, OWN)
        with os.fdopen(number, "ab", buffering=0) as file:
            before = os.fstat(number).st_size
            try:
                _write_whole(file, data)
                os.fsync(number)
            except OSError as fault:
                os.ftruncate(number, before)
                raise SpoolFull(f"The spool cannot be written ({fault.strerror}).") from None
        if is_new:
            _sync_folder(self._directory)
        self.size += len(data)


def _write_whole(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _cut_torn_line(path: Path) -> None:
    """Cut off what follows the last whole line."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())


def _sync_folder(directory: Path) -> None:
    """A new or removed name is on disk too; Windows has no such thing for folders."""
    if sys.platform == "win32":
        return
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _lock(path: Path) -> BinaryIO:
    """A lock that ends with the process, however that ends."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, OWN)
    file = os.fdopen(number, "r+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SpoolInUse("Another process has this spool.") from None
    return file
