"""A backup as a file: a tar of gzipped tables, and a manifest that says what must be in it.

In:     tables as lines.
Out:    `Manifest`; an archive written as a whole or not at all, and read only where it is whole.
Source: docs/operations.md, "Backup and restore"; IEEE 1003.1 (pax), RFC 1952 (gzip).
"""

import gzip
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from service.errors import GraftwatchError
from service.store.table_copies import Shape

FORMAT = 1
MANIFEST = "manifest.json"
LEVEL = 6
PRIVATE = 0o600
MEBIBYTE = 2**20
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Unusable(GraftwatchError):
    """The file is no backup, or not whole, or cannot be restored here."""

    code = "backup_unusable"


class Digest(NamedTuple):
    """How many rows a table has, and the SHA-256 of their lines in order."""

    rows: int
    sha256: str


class TableEntry(msgspec.Struct, frozen=True):
    """A table as the manifest has it."""

    columns: dict[str, str]
    key: list[str]
    rows: int
    sha256: str

    @property
    def digest(self) -> Digest:
        """What its rows come to."""
        return Digest(self.rows, self.sha256)


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds; `figures` are what it says when asked, by facility."""

    format: int
    made_by: str
    made_at: str
    store: str
    revision: str
    position: int
    rules_fingerprint: str
    audit_head: str | None
    figures: dict[str, Any]
    tables: dict[str, TableEntry]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())

    def shapes(self) -> list[Shape]:
        """The tables to be filled."""
        return [
            Shape(name, cast("Mapping[str, Any]", table.columns), table.key)
            for name, table in self.tables.items()
        ]

    def written(self) -> bytes:
        """As it stands in the archive."""
        return json.dumps(msgspec.to_builtins(self), indent=1).encode() + b"\n"

    @property
    def sha256(self) -> str:
        """Names the whole backup: the manifest has the digest of every table."""
        return sha256(self.written()).hexdigest()


def digest_of(blocks: Iterable[bytes], into: BinaryIO | None = None) -> Digest:
    """Count and digest lines, which are written on where a file is given."""
    rows, total = 0, sha256()
    for block in blocks:
        rows += block.count(b"\n")
        total.update(block)
        if into is not None:
            into.write(block)
    return Digest(rows, total.hexdigest())


class Writer:
    """Puts tables into an archive, one after the other."""

    def __init__(self, tar: tarfile.TarFile, folder: Path) -> None:
        """Begin with nothing; what is on its way waits in the folder."""
        self._tar = tar
        self._folder = folder

    def add_table(self, shape: Shape, blocks: Iterable[bytes]) -> TableEntry:
        """Put a table in."""
        with TemporaryFile(dir=self._folder) as waiting:
            with gzip.GzipFile("", "wb", LEVEL, waiting, mtime=0) as packed:
                digest = digest_of(blocks, cast("BinaryIO", packed))
            self._add(_member(shape.name), waiting, waiting.tell())
        columns: dict[str, str] = dict(shape.columns)
        return TableEntry(columns, list(shape.key), *digest)

    def add_manifest(self, manifest: Manifest) -> None:
        """Put in what must be there."""
        written = manifest.written()
        self._add(MANIFEST, BytesIO(written), len(written))

    def _add(self, name: str, content: Any, size: int) -> None:
        content.seek(0)
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, PRIVATE
        self._tar.addfile(member, content)


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """An archive that is there, and on disk, once the block ends well; readable to its owner."""
    if file.exists():
        raise Unusable(f"{file} is there already: name another file, or remove it.")
    draft = file.with_name(f".{file.name}.partial")
    try:
        with (
            os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_RDWR, PRIVATE), "wb") as raw,
        ):
            with tarfile.open(fileobj=raw, mode="w") as tar:
                yield Writer(tar, file.absolute().parent)
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


class Archive:
    """A backup that is read."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        """Read what it says of itself."""
        self._tar = tar
        self.manifest = _manifest(self._content(MANIFEST).read(64 * MEBIBYTE))

    def check(self) -> None:
        """Raise `Unusable` unless every table is what the manifest says."""
        for name, table in self.manifest.tables.items():
            try:
                with self._table(name) as packed:
                    found = digest_of(iter(lambda: packed.read(MEBIBYTE), b""))
            except (OSError, EOFError, gzip.zlib.error) as fault:  # type: ignore[attr-defined]
                raise Unusable(f"The backup is damaged in {name}.") from fault
            if found != table.digest:
                raise Unusable(f"The backup is damaged in {name}: it is not what was written.")

    @contextmanager
    def lines(self, name: str) -> Iterator[Iterator[bytes]]:
        """A table's rows."""
        with self._table(name) as packed:
            yield iter(packed)

    def _table(self, name: str) -> gzip.GzipFile:
        return gzip.GzipFile(fileobj=self._content(_member(name)))

    def _content(self, member: str) -> Any:
        try:
            content = self._tar.extractfile(member)
        except (KeyError, tarfile.TarError):
            content = None
        if content is None:
            raise Unusable(f"The file is no whole backup: {member} is not in it.")
        return content


@contextmanager
def reading(file: Path) -> Iterator[Archive]:
    """The backup in a file."""
    try:
        tar = tarfile.open(file, "r:")  # noqa: SIM115 - closed below
    except tarfile.TarError:
        raise Unusable(f"{file} is no backup of Graftwatch's.") from None
    with tar:
        yield Archive(tar)


def _member(table: str) -> str:
    return f"tables/{table}.tsv.gz"


def _manifest(written: bytes) -> Manifest:
    try:
        found = msgspec.json.decode(written, type=Manifest)
    except msgspec.DecodeError:
        raise Unusable("The backup's manifest cannot be read.") from None
    if found.format != FORMAT:
        raise Unusable("The backup was made by a newer release: restore it with that.")
    for shape in found.shapes():
        if not all(NAME.fullmatch(name) for name in (shape.name, *shape.columns, *shape.key)):
            raise Unusable("The backup's manifest names what is no table.")
    return found
