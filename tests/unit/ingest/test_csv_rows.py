"""The same chart as a table."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.events import FollowUpVisit, Regimen
from service.ingest.csv_rows import COLUMNS, REQUIRED_COLUMNS, read_csv
from service.ingest.faults import Draft, Rejection
from service.ingest.ndjson import read_line
from service.ingest.wire import REPORTS
from tests.unit.ingest.charts import TODAY, Chart

COMMON = "type,event_id,facility,patient,occurred_on"


def rows(text: str) -> list[Draft | Rejection]:
    return list(read_csv([text.encode()], today_latest=TODAY))


def pointers(item: Draft | Rejection) -> list[tuple[str, str]]:
    told = item.faults if isinstance(item, Rejection) else item.warnings
    return [(fault.pointer, fault.code) for fault in told]


def test_a_row_says_the_same_as_the_event_in_json(chart: Chart) -> None:
    cells = [
        {
            "transplant_type": "allo-HSCT",
            "indication": "AML",
            "age_years": "44",
            "sex": "female",
            "enrolled_on": "2022-03-10",
            "performed_at": "Clinic A",
            "performed_in": "MX",
            "product_kind": "embryonic stem cells",
            "product_lot": "L-17",
            "product_supplier": "S",
        },
        {"agents": "MMF; CsA"},
        {"agent": "Rapamune", "ended_on": "2022-12-31"},
        {"birth_year": "1978", "sex": "female"},
        {
            "organism": "M. abscessus",
            "specimen": "CSF",
            "status": "disease",
            "certainty": "probable",
        },
        {"agents": "FK506", "infection_type": "bacterial", "site": "blood"},
        {"outcome": "death"},
        {"voids": "i1", "reason": "wrong patient"},
    ]
    common = [{name: report[name] for name in REQUIRED_COLUMNS} for report in chart.values()]
    table = "\n".join(
        ",".join(row)
        for row in (
            COLUMNS,
            *(
                [(who | what).get(column, "") for column in COLUMNS]
                for who, what in zip(common, cells, strict=True)
            ),
        )
    )

    read = rows(table)

    assert [item.index for item in read] == [2, 3, 4, 5, 6, 7, 8, 9]
    for item, report in zip(read, chart.values(), strict=True):
        same = read_line(1, json.dumps(report).encode(), today_latest=TODAY)
        assert isinstance(item, Draft), item
        assert isinstance(same, Draft)
        assert (item.event, item.received) == (same.event, same.received)


def test_every_field_has_a_column() -> None:
    fields = {name for report in REPORTS.values() for name in report.model_fields}

    assert fields - {"product", "infections"} <= set(COLUMNS)


def test_a_header_tells_all_its_faults_and_ends_the_file() -> None:
    (header,) = rows("type,event_id,facilty,patient,sex,sex,Maria Quispe\nvoid,1,2,3,4,5,6\n")

    assert header.index == 1
    assert pointers(header) == [
        ("/facilty", "unknown_field"),
        ("", "unknown_field"),
        ("/sex", "duplicate_field"),
        ("/facility", "missing_field"),
        ("/occurred_on", "missing_field"),
    ]
    assert isinstance(header, Rejection)
    assert "`facility`" in header.faults[0].message
    assert "Quispe" not in repr(header)


def test_an_empty_file_holds_no_events() -> None:
    assert rows("") == []


def test_none_says_that_no_agent_is_given_and_an_empty_cell_says_nothing() -> None:
    regimen, silent, visit = rows(
        f"{COMMON},agents\n"
        "regimen,r1,f,p,2022-01-01,none\n"
        "regimen,r2,f,p,2022-01-01,\n"
        "follow_up,v1,f,p,2022-01-01,\n"
    )

    assert isinstance(regimen, Draft)
    assert isinstance(regimen.event, Regimen)
    assert regimen.event.agents == ()
    assert pointers(silent) == [("/agents", "missing_field")]
    assert isinstance(visit, Draft)
    assert isinstance(visit.event, FollowUpVisit)
    assert (visit.event.agents, visit.event.findings) == (None, ())


def test_faults_and_warnings_name_columns() -> None:
    bad, odd, misplaced = rows(
        f"{COMMON},organism,status,product_lot,age_years\n"
        "follow_up,v1,f,p,2022-01-01,no growth,sick,,\n"
        "follow_up,v2,f,p,2022-01-01,AFB,,,\n"
        f"outcome,o1,f,p,2022-01-01,,,{'x' * 200},44\n"
    )

    assert pointers(bad) == [("/organism", "not_an_organism"), ("/status", "not_allowed")]
    assert pointers(odd) == [("/organism", "organism_pending")]
    assert ("/age_years", "unknown_field") in pointers(misplaced)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("44.0", "wrong_type"),
        ("forty", "wrong_type"),
        ("121", "out_of_range"),
        ("-1", "out_of_range"),
    ],
)
def test_ages_are_whole_numbers(cell: str, expected: str) -> None:
    (row,) = rows(
        f"{COMMON},transplant_type,age_years\ntransplant,t1,f,p,2022-01-01,kidney,{cell}\n"
    )

    assert pointers(row) == [("/age_years", expected)]


@pytest.mark.parametrize(
    "bad",
    [
        'void,x0,f,p,2022-01-01,"i1',
        'void,x0,f,p,2022-01-01,"i1"x',
        "void,x0,f,p,2022-01-01",
        "void,x0,f,p,2022-01-01,i1,more",
        f"void,x0,f,p,2022-01-01,{'i' * 200_000}",
    ],
)
def test_a_spoilt_row_does_not_spoil_its_neighbours(bad: str) -> None:
    good = "void,x1,f,p,2022-01-01,i1"

    read = rows(f"{COMMON},voids\r\n{good}\r\n{bad}\r\n\r\n{good}\r\n")

    assert [(item.index, type(item)) for item in read] == [(2, Draft), (3, Rejection), (5, Draft)]
    assert pointers(read[1]) == [("", "malformed_csv")]


def test_bytes_that_are_no_utf8_are_refused_where_they_stand(today_latest: date) -> None:
    body = f"{COMMON},voids,reason\nvoid,x1,f,p,2022-01-01,i1,".encode() + b"caf\xe9\n"

    (row,) = read_csv([body], today_latest=today_latest)

    assert pointers(row) == [("/reason", "not_unicode")]


def test_a_byte_order_mark_and_quotes_as_spreadsheets_write_them(today_latest: date) -> None:
    body = f'\ufeff{COMMON},voids,reason\n"void","x1",f,p,2022-01-01,i1,"a, ""b"""\n'.encode()

    (row,) = read_csv([body], today_latest=today_latest)

    assert isinstance(row, Draft)
    assert json.loads(row.received)["reason"] == 'a, "b"'


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail(body: bytes) -> None:
    header = f"{COMMON},voids,agents,age_years,organism\n".encode()
    for item in read_csv([header + body, b"\n", body], today_latest=TODAY):
        assert isinstance(item, Draft | Rejection)
    for item in read_csv([body], today_latest=TODAY):
        assert isinstance(item, Draft | Rejection)
