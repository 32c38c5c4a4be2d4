"""One patient's chart, told in the eight kinds of report."""

import json
from datetime import date
from typing import Any

import pytest

from service.ingest.ndjson import read_line
from tests.unit.ingest.charts import TODAY, Chart, Read


@pytest.fixture
def today_latest() -> date:
    return TODAY


@pytest.fixture
def chart() -> Chart:
    who = {"facility": "ucd-01", "patient": "p0001"}
    reports: list[dict[str, Any]] = [
        {
            "type": "transplant",
            "event_id": "t1",
            "occurred_on": "2022-03-01",
            "transplant_type": "allo-HSCT",
            "indication": "AML",
            "age_years": 44,
            "sex": "female",
            "enrolled_on": "2022-03-10",
            "performed_at": "Clinic A",
            "performed_in": "MX",
            "product": {"kind": "embryonic stem cells", "lot": "L-17", "supplier": "S"},
        },
        {
            "type": "regimen",
            "event_id": "r1",
            "occurred_on": "2022-03-01",
            "agents": ["MMF", "CsA"],
        },
        {
            "type": "medication",
            "event_id": "m1",
            "occurred_on": "2022-04-01",
            "agent": "Rapamune",
            "ended_on": "2022-12-31",
        },
        {
            "type": "demographics",
            "event_id": "d1",
            "occurred_on": "2022-02-20",
            "birth_year": 1978,
            "sex": "female",
        },
        {
            "type": "infection",
            "event_id": "i1",
            "occurred_on": "2022-05-01",
            "organism": "M. abscessus",
            "specimen": "CSF",
            "status": "disease",
            "certainty": "probable",
        },
        {
            "type": "follow_up",
            "event_id": "v1",
            "occurred_on": "2022-06-01",
            "agents": ["FK506"],
            "infections": [{"infection_type": "bacterial", "site": "blood"}],
        },
        {"type": "outcome", "event_id": "o1", "occurred_on": "2023-01-02", "outcome": "death"},
        {
            "type": "void",
            "event_id": "x1",
            "occurred_on": "2023-01-03",
            "voids": "i1",
            "reason": "wrong patient",
        },
    ]
    return {report["type"]: who | report for report in reports}


@pytest.fixture
def read() -> Read:
    """Reads one report as line 1 of a stream."""
    return lambda item: read_line(1, json.dumps(item).encode(), today_latest=TODAY)
