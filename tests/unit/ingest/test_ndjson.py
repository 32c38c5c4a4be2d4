"""A stream of lines, whatever it holds and however it is cut."""

import doctest
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ingest import lines as lines_module
from service.ingest.faults import Draft, Rejection
from service.ingest.ndjson import Line, LineSplitter, read_line, read_ndjson
from tests.unit.ingest.charts import TODAY, Chart


def split(stream: bytes, chunk_bytes: int, max_line_bytes: int = 50) -> list[Line]:
    splitter = LineSplitter(max_line_bytes)
    chunks = [stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes)]
    return [line for chunk in chunks for line in splitter.feed(chunk)] + list(splitter.finish())


def test_a_stream_of_events(chart: Chart, today_latest: date) -> None:
    stream = "\r\n".join(json.dumps(report) for report in chart.values()).encode()

    read = list(read_ndjson([stream], today_latest=today_latest))

    assert [(item.index, type(item)) for item in read] == [(n, Draft) for n in range(1, 9)]


def test_lines_end_at_the_line_feed_only(chart: Chart, today_latest: date) -> None:
    reason = "one\u2028two\u0085three\u000bfour\u001cfive"
    report = chart["void"] | {"reason": "one\u2028two\u0085three"}
    stream = json.dumps(report, ensure_ascii=False).encode() + b"\n"

    (draft,) = read_ndjson([stream, stream[:0]], today_latest=today_latest)

    assert isinstance(draft, Draft)
    assert [len(split(reason.encode(), size)) for size in (1, 100)] == [1, 1]


def test_blank_lines_are_counted_and_left_out() -> None:
    assert split(b"\n \t\r\na\r\n\nb", 3) == [Line(3, b"a"), Line(5, b"b")]


def test_a_stream_may_begin_with_a_byte_order_mark() -> None:
    assert split(b"\xef\xbb\xbfa\nb", 2) == [Line(1, b"a"), Line(2, b"b")]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 50, 51, 52, 1000])
def test_a_line_beyond_the_bound_is_refused_and_reading_goes_on(chunk_bytes: int) -> None:
    fits, too_long = b"f" * 50, b"t" * 51

    first, second, third, fourth = split(
        b"\n".join([fits, too_long, fits + b"\r", too_long]), chunk_bytes
    )

    assert (first, third) == (Line(1, fits), Line(3, fits))
    assert (second, fourth) == (Line(2, None), Line(4, None))


def test_a_line_without_content_is_told_to_be_too_long(today_latest: date) -> None:
    rejection = read_line(2, None, today_latest=today_latest, max_line_bytes=50)

    assert isinstance(rejection, Rejection)
    assert (rejection.index, rejection.faults[0].code) == (2, "line_too_long")
    assert "50 bytes" in rejection.faults[0].message


def test_a_line_of_two_mebibytes_is_not_held(chart: Chart, today_latest: date) -> None:
    good = json.dumps(chart["outcome"]).encode()
    splitter, most_held = LineSplitter(), 0
    read: list[Line] = []
    for chunk in [good + b"\n", *[b"x" * 65_536] * 32, b"\n" + good]:
        read += splitter.feed(chunk)
        most_held = max(most_held, len(splitter._begun))
    read += splitter.finish()

    assert read == [Line(1, good), Line(2, None), Line(3, good)]
    assert most_held <= splitter.max_line_bytes + 1


@given(st.binary(max_size=300), st.integers(1, 40), st.integers(1, 40))
def test_how_a_stream_is_cut_into_chunks_changes_nothing(
    stream: bytes, one_size: int, other_size: int
) -> None:
    assert split(stream, one_size) == split(stream, other_size)


@pytest.mark.parametrize(
    ("line", "code", "place"),
    [
        (b"{", "malformed_json", "(column 2)"),
        (b"\xff", "not_utf8", "(byte 0)"),
        (b"[" * 100_000, "too_deeply_nested", ""),
        (b"7" * 100_000, "not_an_object", ""),
        (b"[]", "not_an_object", ""),
    ],
)
def test_a_line_that_is_no_event(line: bytes, code: str, place: str) -> None:
    rejection = read_line(17, line, today_latest=TODAY)

    assert isinstance(rejection, Rejection)
    assert (rejection.index, rejection.event_id) == (17, None)
    (fault,) = rejection.faults
    assert fault.code == code
    assert place in fault.message


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail(line: bytes) -> None:
    assert isinstance(read_line(1, line, today_latest=TODAY), Draft | Rejection)


NAMES = st.sampled_from(
    (
        *("type", "event_id", "facility", "patient", "occurred_on", "replaces", "agents"),
        *("infections", "organism", "site", "specimen", "infection_type", "product", "lot"),
        *("age_years", "voids", "\ud800", "", "name"),
    )
)
TEXTS = st.text(max_size=8) | st.sampled_from(
    (
        *("transplant", "regimen", "infection", "follow_up", "outcome", "void", "death"),
        *("2022-01-01", "CsA", "AFB", "CSF", "allo-HSCT", "p1", "ntm", "\ud800", "\x00"),
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=10))
def test_no_object_makes_reading_fail(item: dict[str, object]) -> None:
    read = read_line(1, json.dumps(item).encode(), today_latest=TODAY)

    assert isinstance(read, Draft | Rejection)
    if isinstance(read, Rejection):
        assert read.faults


@given(st.text(max_size=60), st.sampled_from(["event_id", "reason"]))
def test_what_is_accepted_can_be_kept(text: str, field: str) -> None:
    """Every accepted text has UTF-8 bytes and no NUL, which no store would take."""
    item = {
        "type": "void",
        "event_id": "x1",
        "facility": "f",
        "patient": "p",
        "occurred_on": "2022-01-01",
        "voids": "i1",
        field: text,
    }
    read = read_line(1, json.dumps(item).encode(), today_latest=TODAY)

    if isinstance(read, Draft):
        assert b"\x00" not in read.received.encode()
        assert json.loads(read.received) == item


def test_the_worked_example() -> None:
    assert doctest.testmod(lines_module).failed == 0
