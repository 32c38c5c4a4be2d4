"""An archive is there as a whole or not at all, and is read only where it is whole."""

import io
import json
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from service.pipeline.archive import FORMAT, Manifest, Unusable, reading, writing
from service.store.table_copies import Shape

SHAPE = Shape("events", {"facility": "text", "position": "whole"}, ("facility",))
LINES = [b"h1\t1\n", b"h2\t2\nh3\t3\n"]


def manifest(**more: Any) -> Manifest:
    described = {
        "format": FORMAT,
        "made_by": "graftwatch",
        "made_at": "2026-11-23T12:00:00Z",
        "store": "sqlite",
        "revision": "0010",
        "position": 3,
        "rules_fingerprint": "",
        "audit_head": None,
        "figures": {},
        "tables": {},
    }
    return Manifest(**described | more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    name = tmp_path / "backup.tar"
    with writing(name) as archive:
        table = archive.add_table(SHAPE, iter(LINES))
        archive.add_manifest(manifest(tables={"events": table}))
    return name


def test_what_was_written_is_read(file: Path) -> None:
    with reading(file) as archive:
        archive.check()
        assert archive.manifest.shapes() == [SHAPE._replace(key=["facility"])]
        assert archive.manifest.rows == 3
        with archive.lines("events") as lines:
            assert b"".join(lines) == b"".join(LINES)


def test_only_its_owner_may_read_it_and_nothing_else_is_left(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_the_same_rows_make_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar"
    with writing(again) as archive:
        table = archive.add_table(SHAPE, iter([b"".join(LINES)]))
        archive.add_manifest(manifest(tables={"events": table}))
    assert again.read_bytes() == file.read_bytes()


def test_one_that_was_cut_leaves_nothing(tmp_path: Path) -> None:
    def cut() -> Any:
        yield b"h1\t1\n"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "x.tar") as archive:
        archive.add_table(SHAPE, cut())
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_over(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(Unusable, match="there already"), writing(file):
        raise AssertionError
    assert file.read_bytes() == before


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers()}


def rewritten(file: Path, contents: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def edited(content: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(content) | changes).encode()


def spoilt(contents: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    table, told = "tables/events.tsv.gz", contents["manifest.json"]
    packed = bytearray(contents[table])
    packed[len(packed) // 2] ^= 1
    strange = json.loads(told)["tables"]
    return {
        "one bit": contents | {table: bytes(packed)},
        "cut": contents | {table: contents[table][:-12]},
        "not packed": contents | {table: b"h1\t1\n"},
        "no table": {"manifest.json": told},
        "no manifest": {table: contents[table]},
        "a manifest that is none": contents | {"manifest.json": b"{"},
        "a newer format": contents | {"manifest.json": edited(told, format=2)},
        "a row less": contents
        | {"manifest.json": edited(told, tables={"events": strange["events"] | {"rows": 2}})},
        "no name of a table": contents
        | {"manifest.json": edited(told, tables={"events; DROP TABLE events": strange["events"]})},
    }


@pytest.mark.parametrize(
    "fault",
    [
        "one bit",
        "cut",
        "not packed",
        "no table",
        "no manifest",
        "a manifest that is none",
        "a newer format",
        "a row less",
        "no name of a table",
    ],
)
def test_a_damaged_one_is_refused(file: Path, fault: str) -> None:
    rewritten(file, spoilt(members(file))[fault])
    with pytest.raises(Unusable), reading(file) as archive:
        archive.check()


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PGDMP" * 200)
    with pytest.raises(Unusable, match="no backup"), reading(tmp_path / "x"):
        raise AssertionError
