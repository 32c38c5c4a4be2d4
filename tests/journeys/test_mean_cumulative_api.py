"""The mean cumulative function over HTTP: who is in it, in which format, and what means nothing."""

import csv
import io
from typing import Any

import pytest

ROUTE = "/v1/mean-cumulative-function"


@pytest.fixture
def ward(client, facility):
    """
    1 January 2024, kidneys

    p1   bacteraemia on days 10 and 60; withdrawn on day 99
    p2   pneumonia on day 20; died on day 50
    """
    charts: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "p1": [
            ill("2024-01-11", "blood"),
            ill("2024-03-01", "blood"),
            out("2024-04-09", "withdrawn"),
        ],
        "p2": [ill("2024-01-21", "sputum"), out("2024-02-20", "death")],
    }
    begins = ("transplant", "2024-01-01", {"transplant_type": "kidney"})
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
        for number, (type_, on, more) in enumerate([begins, *chart])
    ]
    assert client.post("/v1/events", json=events).status_code == 201


def ill(on: str, specimen: str) -> tuple[str, str, dict[str, Any]]:
    return "infection", on, {"organism": "E. coli", "specimen": specimen}


def out(on: str, outcome: str) -> tuple[str, str, dict[str, Any]]:
    return "outcome", on, {"outcome": outcome}


def asked(client, facility, **more):
    given = {"facility": facility, "infection_type": "bacterial", "horizon": 90, **more}
    answer = client.get(ROUTE, params=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_dead_have_no_more(client, facility, ward):
    """1/2 on day 10, 1/2 on day 20, and on day 60 the one alive of two has one more."""
    told = asked(client, facility, include="curve")["total"]
    assert (told["recipients"], told["episodes"], told["deaths"]) == (2, 3, 1)
    assert told["mean"] == pytest.approx(1.5)
    assert [point["day"] for point in told["curve"]] == [10, 20, 50, 60]
    assert asked(client, facility, estimator="nelson_aalen")["total"]["mean"] == pytest.approx(2.0)
    rate = {"facility": facility, "infection_type": "bacterial", "episodes": "all"}
    whole = client.get("/v1/rates", params={**rate, "end": "2024-03-31"}).json()["total"]
    assert (told["rate"]["cases"], told["rate"]["person_days"]) == (
        whole["cases"],
        whole["person_days"],
    )


def test_kinds_of_episodes_add_up_in_any_format(client, facility, ward):
    told = asked(client, facility, by="site")
    assert sum(row["mean"] for row in told["rows"]) == pytest.approx(told["total"]["mean"])
    given = {"facility": facility, "infection_type": "bacterial", "by": "site", "format": "csv"}
    text = client.get(ROUTE, params={**given, "horizon": 90}).text
    assert [row["kind"] for row in csv.DictReader(io.StringIO(text))] == ["row", "row", "total"]
    assert asked(client, facility, as_of=0)["total"]["mean"] is None


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"horizon": 5000}, "?horizon"),
        ({"by": "phase"}, "?by"),
        ({"estimator": "kaplan"}, "?estimator"),
        ({"episodes": "first"}, "?episodes"),
        ({"level": 0}, "?level"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_with_its_place(client, facility, ward, params, pointer):
    answer = client.get(ROUTE, params={"facility": facility, **params})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
