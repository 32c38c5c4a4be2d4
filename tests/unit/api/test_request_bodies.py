"""Compressed bodies unfold in bounded pieces, and broken ones are refused by name."""

import gzip
import zlib
from random import Random

import pytest

from service.api.request_bodies import (
    EXPANSION_FREE_BYTES,
    PIECE_BYTES,
    Gunzip,
    is_line_stream,
    media_type_of,
)
from service.errors import Unreadable


def unfold(blob: bytes, step: int) -> list[bytes]:
    gunzip = Gunzip()
    found = [
        piece
        for start in range(0, len(blob), step)
        for piece in gunzip.feed(blob[start : start + step])
    ]
    gunzip.finish()
    return found


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 500_000])
@pytest.mark.parametrize("step", [997, 65_536, 1_000_000])
def test_any_body_unfolds_however_it_is_cut(length, step):
    for body in (Random(1).randbytes(length), b"ab" * (length // 2)):
        pieces = unfold(gzip.compress(body), step)
        assert b"".join(pieces) == body
        assert all(len(piece) <= PIECE_BYTES for piece in pieces)


def test_several_members_are_one_body():
    blob = gzip.compress(b"one") + gzip.compress(b"") + gzip.compress(b"two")
    assert b"".join(unfold(blob, 7)) == b"onetwo"


@pytest.mark.parametrize("cut", [1, 9, 10, 30])
def test_a_body_that_ends_too_early_says_so(cut):
    with pytest.raises(Unreadable, match="ends too early") as refused:
        unfold(gzip.compress(b"x" * 100 + bytes(range(256)))[:-cut], 64)
    assert refused.value.code == "truncated_gzip"


@pytest.mark.parametrize(
    "blob",
    [b"{}", zlib.compress(b"{}"), gzip.compress(b"{}", mtime=0)[:-4] + b"abcd"],
    ids=["json", "zlib", "wrong length"],
)
def test_a_body_that_is_no_gzip_says_so(blob):
    with pytest.raises(Unreadable) as refused:
        unfold(blob, 64)
    assert refused.value.code == "malformed_gzip"


def test_a_small_body_may_not_unfold_beyond_all_measure():
    bomb = gzip.compress(bytes(2 * EXPANSION_FREE_BYTES))
    with pytest.raises(Unreadable, match="200 times") as refused:
        unfold(bomb, 1024)
    assert refused.value.code == "too_large"


def scope(content_type: str, path: str = "/v1/events", method: str = "POST") -> dict:
    headers = [(b"content-type", content_type.encode())]
    return {"type": "http", "method": method, "path": path, "headers": headers}


def test_the_media_type_is_told_without_its_parameters():
    assert media_type_of(scope("Application/JSON; charset=utf-8")) == "application/json"


def test_only_event_lines_are_without_bound():
    assert is_line_stream(scope("application/x-ndjson"))
    assert not is_line_stream(scope("application/json"))
    assert not is_line_stream(scope("application/x-ndjson", path="/v1/monitors"))
    assert not is_line_stream(scope("application/x-ndjson", method="PUT"))
