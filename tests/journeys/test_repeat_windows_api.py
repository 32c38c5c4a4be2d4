"""A rate under other repeat windows over HTTP: which windows, which is in force, for whom."""

import csv
import io
import json
from typing import Any

import pytest

HOW = {"infection_type": "bacterial", "start": "2024-01-01", "end": "2024-12-31"}
EVERY = [(rule, n) for rule in ("fixed", "rolling") for n in (14, 30, 60, 90, 365)]


@pytest.fixture
def ward(client, facility):
    """
    1 January 2024, kidneys, withdrawn on 30 December

    p1   bacterial of the blood on days 10, 20, 30, 100; C. difficile on days 10 and 40
    p2   NTM on day 5, nothing bacterial
    """
    charts: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "p1": [
            *(blood(on) for on in ("2024-01-11", "2024-01-21", "2024-01-31", "2024-04-10")),
            *(difficile(on) for on in ("2024-01-11", "2024-02-10")),
        ],
        "p2": [("infection", "2024-01-06", {"organism": "M. avium", "site": "lung"})],
    }
    transplant = ("transplant", "2024-01-01", {"transplant_type": "kidney"})
    outcome = ("outcome", "2024-12-30", {"outcome": "withdrawn"})
    events = [
        {
            "type": type_,
            "event_id": f"{patient}-{number}",
            "facility": facility,
            "patient": patient,
            "occurred_on": on,
            **more,
        }
        for patient, chart in charts.items()
        for number, (type_, on, more) in enumerate([transplant, *chart, outcome])
    ]
    told = client.post("/v1/events", json=events)
    assert told.status_code == 201, told.text
    return told.json()


def blood(on: str) -> tuple[str, str, dict[str, Any]]:
    return "infection", on, {"organism": "E. coli", "site": "blood"}


def difficile(on: str) -> tuple[str, str, dict[str, Any]]:
    return "infection", on, {"organism": "C. difficile", "specimen": "stool"}


def under(client, facility: str, **asked: Any) -> dict[str, Any]:
    asked = {"facility": facility, **HOW, "episodes": "all", **asked}
    answer = client.get("/v1/rates/repeat-windows", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cases(told: dict[str, Any]) -> dict[tuple[str, int], int]:
    return {(row["repeat_rule"], row["repeat_days"]): row["cases"] for row in told["rows"]}


def test_the_same_records_make_fewer_cases_under_longer_windows(client, facility, ward):
    told = under(client, facility)
    # C. difficile keeps its own 56 days, so it is one case throughout. Blood on days 10, 20, 30
    # and 100: fixed 14 from day 10 ends on day 23, so day 30 is a case again.
    assert cases(told) == dict(zip(EVERY, [4, 3, 3, 3, 2, 3, 3, 3, 2, 2], strict=True))
    assert {row["person_days"] for row in told["rows"]} == {2 * 365}
    assert [row["in_force"] for row in told["rows"]] == [True, *[False] * 9]
    assert told["definition"]["varied"] == [{"infection_type": "bacterial", "organism_group": None}]
    assert (told["additive"], told["total"]) == (False, None)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"episodes": "all"},
        {"episodes": "all", "person_time": "at_risk", "ci": "midp", "level": 0.9},
        {"organism_group": "C. difficile", "episodes": "all", "per": 1000, "unit": "person_days"},
        {"phase": "0-30", "site": "blood"},
    ],
)
def test_the_window_in_force_is_the_rate(client, facility, ward, how):
    asked = {"facility": facility, **HOW, **how}
    told = client.get("/v1/rates/repeat-windows", params=asked).json()
    rate = client.get("/v1/rates", params=asked).json()
    (in_force,) = [row for row in told["rows"] if row["in_force"]]
    assert rate["total"] == {key: in_force[key] for key in rate["total"]}
    assert told["unit"] == rate["unit"]
    assert told["as_of"] == rate["as_of"]


def test_a_group_with_a_definition_of_its_own_has_its_own_varied(client, facility, ward):
    told = under(client, facility, organism_group="C. difficile", repeat_days="14,90")
    assert cases(told) == {
        ("fixed", 14): 2,
        ("fixed", 56): 1,
        ("fixed", 90): 1,
        ("rolling", 14): 2,
        ("rolling", 90): 1,
    }
    assert [row["repeat_days"] for row in told["rows"] if row["in_force"]] == [56]
    assert told["definition"]["varied"] == [
        {"infection_type": "bacterial", "organism_group": "Clostridioides difficile"}
    ]


def test_time_at_risk_shrinks_as_the_window_grows(client, facility, ward):
    told = under(client, facility, person_time="at_risk", repeat_rule="rolling")
    days = [row["person_days"] for row in told["rows"] if row["repeat_rule"] == "rolling"]
    assert days == sorted(days, reverse=True)
    # From day 11 to the end of the follow-up of p1 (day 364), under a window of a year.
    assert days[-1] == 2 * 365 - 354


def test_as_it_was_known(client, facility, ward):
    before = under(client, facility)
    late = {"type": "infection", "event_id": "p2-late", "facility": facility, "patient": "p2"}
    late |= {"occurred_on": "2024-06-01", "organism": "E. coli", "site": "blood"}
    assert client.post("/v1/events", json=late).status_code == 201
    assert cases(under(client, facility))["fixed", 365] == 3
    assert under(client, facility, as_of=before["as_of"]["position"]) == before


def test_csv_and_ndjson_carry_everything(client, facility, ward):
    asked = {"facility": facility, **HOW, "repeat_days": "14,30"}
    told = client.get("/v1/rates/repeat-windows", params=asked).json()
    text = client.get("/v1/rates/repeat-windows", params={**asked, "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["repeat_rule"], row["repeat_days"], row["in_force"]) for row in rows] == [
        ("fixed", "14", "true"),
        ("fixed", "30", "false"),
        ("rolling", "14", "false"),
        ("rolling", "30", "false"),
    ]
    assert json.loads(rows[0]["definition"]) == told["definition"]
    answer = client.get(
        "/v1/rates/repeat-windows", params=asked, headers={"accept": "application/x-ndjson"}
    )
    head, *lines = [json.loads(line) for line in answer.text.splitlines()]
    assert head["definition"] == told["definition"]
    assert [{**line, "kind": "row"} for line in lines] == [
        {**row, "kind": "row"} for row in told["rows"]
    ]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"infection_type": []}, "?infection_type"),
        ({"infection_type": "any"}, "?infection_type"),
        ({"infection_type": ["bacterial", "viral"], "episodes": "all"}, "?infection_type"),
        ({"repeat_days": "0"}, "?repeat_days"),
        ({"repeat_days": "14.5"}, "?repeat_days"),
        ({"repeat_days": "3651"}, "?repeat_days"),
        ({"repeat_days": ","}, "?repeat_days"),
        ({"repeat_days": ",".join(str(n) for n in range(1, 12))}, "?repeat_days"),
        ({"repeat_rule": "sliding"}, "?repeat_rule"),
        ({"by": "phase"}, "?by"),
        ({"repeat_window": "14"}, "?repeat_window"),
    ],
)
def test_what_means_nothing_is_answered_with_what_to_ask(client, facility, asked, pointer):
    answer = client.get("/v1/rates/repeat-windows", params={"facility": facility, **HOW, **asked})
    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


def test_a_bound_key_has_its_own_patients_counted_again_and_no_others(
    service, client, facility, ward
):
    with service.client(
        service.key("rates:read", "patients:read", facilities=(facility,))
    ) as bound:
        told = bound.get("/v1/rates/repeat-windows", params={**HOW, "episodes": "all"}).json()
        assert told["rows"] == under(client, facility)["rows"]
        asked = {**HOW, "facility": f"{facility}-2"}
        assert bound.get("/v1/rates/repeat-windows", params=asked).status_code == 403
