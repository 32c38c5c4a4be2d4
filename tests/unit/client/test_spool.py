"""The spool: what was kept is there again, whole and in order, wherever a process was cut."""

import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from service.client.faults import SpoolFull, SpoolInUse
from service.client.spool import Spool


def lines_in(directory: Path) -> list[bytes]:
    """All that waits, as the next process finds it; nothing is left after."""
    found: list[bytes] = []
    with closing(Spool(directory)) as spool:
        while segment := spool.oldest():
            found += segment.lines
            spool.remove(segment)
        assert spool.is_empty
    return found


def test_lines_come_back_in_their_order_from_many_segments(tmp_path: Path) -> None:
    lines = [f'{{"n":{n}}}'.encode() for n in range(100)]
    with closing(Spool(tmp_path / "spool", segment_bytes=100)) as spool:
        for first in range(0, 100, 10):
            spool.append(lines[first : first + 10])
        assert spool.size == sum(len(line) + 1 for line in lines)
    with closing(Spool(tmp_path / "spool")) as spool:  # another process goes on
        spool.append([b"{}"])
        assert spool.size == sum(len(line) + 1 for line in lines) + 3
    assert lines_in(tmp_path / "spool") == [*lines, b"{}"]


def test_nothing_is_appended_to_a_segment_that_is_being_delivered(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.append([b"1"])
        segment = spool.oldest()
        spool.append([b"2"])
        assert segment is not None
        assert segment.lines == [b"1"]
        spool.remove(segment)
    assert lines_in(tmp_path) == [b"2"]


def test_wherever_a_write_is_torn_whole_lines_stay(tmp_path: Path) -> None:
    kept, torn = b'{"a":1}\n', b'{"b":2}\n{"c":3}\n'
    for cut in range(len(torn)):
        directory = tmp_path / str(cut)
        with closing(Spool(directory)) as spool:
            spool.append([kept.strip()])
        (path,) = directory.glob("*.ndjson")
        path.write_bytes(kept + torn[:cut])
        whole = (kept + torn[:cut]).rpartition(b"\n")[0].splitlines()
        assert lines_in(directory) == whole


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "a" / "spool")) as spool:
        spool.append([b"{}"])
        spool.keep_rejected([b"{}"])
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a/spool").iterdir()}
        assert modes == {0o600}
        assert stat.S_IMODE((tmp_path / "a" / "spool").stat().st_mode) == 0o700


def test_a_full_spool_keeps_nothing_of_what_it_refuses(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, most_bytes=10)) as spool:
        spool.append([b"12345"])
        with pytest.raises(SpoolFull):
            spool.append([b"1", b"2", b"3"])
        spool.append([b"123"])
        with pytest.raises(SpoolFull):
            spool.append([b""])
    assert lines_in(tmp_path) == [b"12345", b"123"]


def test_a_disk_without_room_keeps_nothing_either(limit_file_size: Callable[[int], None],
                                                  tmp_path: Path) -> None:  # fmt: skip
    with closing(Spool(tmp_path)) as spool:
        spool.append([b"x" * 50])
        limit_file_size(100)
        with pytest.raises(SpoolFull):
            spool.append([b"y" * 80])
        spool.append([b"z" * 10])
        assert spool.size == 62
    assert lines_in(tmp_path) == [b"x" * 50, b"z" * 10]


@pytest.fixture
def limit_file_size():
    """As if the disk were full: no file may grow beyond so many bytes."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_one_process_has_it_at_a_time(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)), pytest.raises(SpoolInUse):
        Spool(tmp_path)
    Spool(tmp_path).close()
