"""A JSON body: one event or many, one bad item never loses the others."""

import json
from datetime import date

import pytest

from service.ingest.faults import DocumentFault, Draft, Rejection
from service.ingest.json_body import read_json
from tests.unit.ingest.charts import TODAY, Chart


def test_one_event(chart: Chart, today_latest: date) -> None:
    body = json.dumps(chart["regimen"]).encode()

    found = read_json(body, today_latest=today_latest, max_items=10)

    assert not isinstance(found, DocumentFault)
    is_array, (draft,) = found
    assert (is_array, draft.index) == (False, 0)
    assert isinstance(draft, Draft)


def test_an_array_keeps_its_order_and_its_good_events(chart: Chart, today_latest: date) -> None:
    body = json.dumps([chart["regimen"], {}, 7, None, chart["outcome"]]).encode()

    found = read_json(body, today_latest=today_latest, max_items=10)

    assert not isinstance(found, DocumentFault)
    is_array, items = found
    assert is_array
    assert [(item.index, type(item)) for item in items] == [
        (0, Draft),
        (1, Rejection),
        (2, Rejection),
        (3, Rejection),
        (4, Draft),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        '{"type":"outcome","type":"outcome"}',
        '{"age_years":NaN}',
        '{"age_years":-Infinity}',
        f'{{"age_years":{"9" * 100_000}}}',
        '{"event_id":"\\ud800"}',
        '{"\\ud800":1,"type":"void"}',
        f'{{"type":{"[" * 100}{"]" * 100}}}',
    ],
)
def test_what_spoils_an_item_does_not_spoil_its_neighbours(
    bad: str, chart: Chart, today_latest: date
) -> None:
    good = json.dumps(chart["outcome"])

    found = read_json(f"[{good},{bad},{good}]".encode(), today_latest=today_latest)

    assert not isinstance(found, DocumentFault)
    assert [type(item) for item in found[1]] == [Draft, Rejection, Draft]


def test_an_empty_array_holds_no_events(today_latest: date) -> None:
    assert read_json(b"[]", today_latest=today_latest) == (True, [])


@pytest.mark.parametrize(
    ("body", "code", "position"),
    [
        (b"", "malformed_json", "line 1, column 1"),
        (b'{"type":}', "malformed_json", "line 1, column 9"),
        (b'[\n{"type":}]', "malformed_json", "line 2, column 9"),
        (b'{"type":"outcome"} x', "malformed_json", "line 1, column 20"),
        (b'{"type":"a\tb"}', "malformed_json", "line 1, column 11"),
        (b'{"a":"\xff"}', "not_utf8", "byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "not_utf8", "byte 6"),
        ('{"type":"outcome"}'.encode("utf-16-le"), "malformed_json", "line 1, column 2"),
        (b"7", "not_an_event", None),
        (b'"outcome"', "not_an_event", None),
        (b"null", "not_an_event", None),
        (b"[" * 200_000, "too_deeply_nested", None),
        (b'{"a":' * 200_000, "too_deeply_nested", None),
    ],
)
def test_a_body_that_cannot_be_read(body: bytes, code: str, position: str | None) -> None:
    fault = read_json(body, today_latest=TODAY)

    assert isinstance(fault, DocumentFault)
    assert (fault.code, fault.position) == (code, position)


def test_too_many_events(today_latest: date) -> None:
    assert not isinstance(
        read_json(b"[{},{}]", today_latest=today_latest, max_items=2), DocumentFault
    )

    fault = read_json(b"[{},{},{}]", today_latest=today_latest, max_items=2)

    assert isinstance(fault, DocumentFault)
    assert fault.code == "too_many_events"
    assert "2" in fault.message


def test_the_contracts_ten_thousand_is_the_default(today_latest: date) -> None:
    body = f"[{','.join(['0'] * 10_001)}]".encode()

    fault = read_json(body, today_latest=today_latest)

    assert isinstance(fault, DocumentFault)
    assert fault.code == "too_many_events"


def test_a_byte_order_mark_is_let_pass(chart: Chart, today_latest: date) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(chart["outcome"]).encode()

    assert not isinstance(read_json(body, today_latest=today_latest), DocumentFault)
