"""One figure in three formats."""

import csv
import io
import json

import pytest
from starlette.requests import Request

from service.api.formats import Figure, answer, asked_format

HEAD = {"definition": {"by": ["site"]}, "as_of": {"position": 7, "recorded_at": None}, "unit": "u"}
FIGURE = Figure(
    head=HEAD,
    rows=[{"stratum": {"site": "@lung"}, "cases": 1, "ci": {"lower": -0.5, "upper": None}}],
    total={"stratum": {}, "cases": 1, "ci": {"lower": 0.1, "upper": 0.2}},
)


def asked(accept: str) -> str:
    scope = {"type": "http", "headers": [(b"accept", accept.encode())]}
    return asked_format(Request(scope), None)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/html", "json"),
        ("text/csv", "csv"),
        ("Text/CSV; charset=utf-8", "csv"),
        ("application/json;q=0.5, text/csv;q=0.8", "csv"),
        ("text/csv;q=0, application/x-ndjson", "ndjson"),
        ("text/csv;q=often", "json"),
    ],
)
def test_the_format_is_negotiated(accept: str, expected: str) -> None:
    assert asked(accept) == expected


def test_the_name_wins_over_the_header() -> None:
    scope = {"type": "http", "headers": [(b"accept", b"text/csv")]}
    assert asked_format(Request(scope), "ndjson") == "ndjson"


def test_csv_spells_out_what_is_nested_and_disarms_formulas() -> None:
    text = answer(FIGURE, "csv").body.decode()
    first, last = csv.DictReader(io.StringIO(text, newline=""))
    assert first == {
        "kind": "row",
        "site": "'@lung",
        "cases": "1",
        "ci_lower": "-0.5",
        "ci_upper": "",
        "definition": '{"by":["site"]}',
        "as_of_position": "7",
        "as_of_recorded_at": "",
        "unit": "u",
    }
    assert (last["kind"], last["site"]) == ("total", "")


def test_csv_of_nothing_still_has_its_header() -> None:
    text = answer(Figure(HEAD, [], None), "csv").body.decode()
    assert text == "kind,definition,as_of_position,as_of_recorded_at,unit\r\n"


def test_json_and_ndjson_say_the_same() -> None:
    whole = json.loads(answer(FIGURE, "json").body)
    head, *rows = (json.loads(line) for line in answer(FIGURE, "ndjson").body.splitlines())
    assert {**head, "rows": [FIGURE.rows[0]], "total": FIGURE.total} == whole
    assert rows == [{"kind": "row", **FIGURE.rows[0]}, {"kind": "total", **(FIGURE.total or {})}]
