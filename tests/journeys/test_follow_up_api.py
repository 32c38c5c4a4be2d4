"""The quality of follow-up over HTTP: completeness, visits, overdue patients, lags, provisional."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from service.store.engine import Database
from service.store.tables import RecordedEvent

END = "2024-12-31"


@pytest.fixture
def ward(client, facility) -> str:
    """
    Transplanted on 1 January 2024, asked about on 31 December: 366 days each.

    on-time   seen on days 100, 183, 365
    quiet     kidney; seen on day 20 only: 21 days, overdue for days 100 and 183
    gone      lost on day 9: 10 days
    dead      on day 49: 50 of 50 days
    """
    charts: dict[str, list[tuple[int, dict[str, Any]]]] = {
        "on-time": [(day, {"type": "follow_up"}) for day in (100, 183, 365)],
        "quiet": [(20, {"type": "follow_up"})],
        "gone": [(9, {"type": "outcome", "outcome": "lost_to_follow_up"})],
        "dead": [(49, {"type": "outcome", "outcome": "death"})],
    }
    for patient, chart in charts.items():
        kind = "kidney" if patient == "quiet" else "liver"
        begun = (0, {"type": "transplant", "transplant_type": kind})
        send(client, facility, patient, [begun, *chart])
    return facility


def send(client, facility: str, patient: str, chart: list[tuple[int, dict[str, Any]]]) -> None:
    events = [
        {
            "event_id": f"{patient}-{number}",
            "facility": facility,
            "patient": patient,
            "occurred_on": (date(2024, 1, 1) + timedelta(days=day)).isoformat(),
            **more,
        }
        for number, (day, more) in enumerate(chart)
    ]
    told = client.post("/v1/events", json=events)
    assert told.status_code == 201, told.text


def ask(client, path: str = "", **asked: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/follow-up{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_completeness_by_hand(client, ward):
    told = ask(client, facility=ward, end=END, by="transplant_type")
    kidney, liver = told["rows"]
    assert (kidney["observed_person_days"], kidney["potential_person_days"]) == (21, 366)
    assert (kidney["completeness"], kidney["overdue"]) == (21 / 366, 1)
    assert (liver["observed_person_days"], liver["potential_person_days"]) == (426, 782)
    assert told["total"]["completeness"] == 447 / 1148
    assert (told["total"]["courses"], told["total"]["under_observation"]) == (4, 2)
    assert told["definition"]["schedule"] == [100, 183, 365]
    assert told["as_of"]["position"] > 0


def test_visits_and_the_patients_waited_for(client, ward):
    told = ask(client, "/visits", facility=ward, end=END, by="facility")
    assert told["rows"] == [
        {
            "stratum": {"facility": ward},
            "visit": visit,
            "due": 3,
            "seen": 1,
            "late": 0,
            "overdue": 1,
            "not_seen": 1,
        }
        for visit in (100, 183)
    ]
    (item,) = ask(client, "/overdue", facility=ward, end=END)["items"]
    assert (item["patient"], item["last_contact"]) == ("quiet", "2024-01-21")
    assert [visit["visit"] for visit in item["visits"]] == [100, 183]
    assert item["visits"][0] == {"visit": 100, "due_on": "2024-04-10", "days_overdue": 265}
    other = {"schedule": "200", "then_every": 0, "tolerance": 170}
    assert ask(client, "/overdue", facility=ward, end=END, **other)["items"] == []


def test_overdue_comes_in_pages(client, facility):
    for patient in "abc":
        begun = (0, {"type": "transplant", "transplant_type": "kidney"})
        send(client, facility, patient, [begun])
    page = client.get(f"/v1/follow-up/overdue?facility={facility}&limit=2")
    assert [item["patient"] for item in page.json()["items"]] == ["a", "b"]
    following = client.get(page.links["next"]["url"]).json()
    assert [item["patient"] for item in following["items"]] == ["c"]
    assert following["next"] is None


def test_formats(client, ward):
    asked = {"facility": ward, "end": END, "by": "facility"}
    text = client.get("/v1/follow-up", params={**asked, "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["row", "total"]
    assert rows[0]["observed_person_days"] == "447"
    lines = client.get("/v1/follow-up", params={**asked, "format": "ndjson"}).text.splitlines()
    assert json.loads(lines[1])["completeness"] == 447 / 1148


def test_a_key_sees_its_own_facility_and_names_nobody_without_leave(service, client, ward):
    sees_counts = service.key("rates:read", "patients:read", facilities=(ward,))
    with service.client(sees_counts) as bound:
        assert ask(bound, end=END)["total"]["courses"] == 4
        lags = ask(bound, "/reporting-lag")["rows"]
        assert {row["stratum"]["facility"] for row in lags} <= {ward}
    with service.client(service.key("rates:read", facilities=(ward,))) as bound:
        assert bound.get("/v1/follow-up", params={"facility": "other"}).status_code == 403
        assert bound.get("/v1/follow-up/reporting-lag?facility=other").status_code == 403
        assert bound.get("/v1/follow-up/overdue").status_code == 403
        for path in ("", "/visits", "/reporting-lag"):
            answer = bound.get(f"/v1/follow-up{path}", params={"facility": ward})
            assert "quiet" not in answer.text
    with service.client(service.key("events:write")) as writer:
        assert writer.get("/v1/follow-up").status_code == 403


def test_nobody_and_nothing(client, facility):
    assert ask(client, facility=facility)["total"]["completeness"] is None
    assert ask(client, "/visits", facility=facility)["rows"] == []
    assert ask(client, "/overdue", facility=facility)["items"] == []
    assert ask(client, "/reporting-lag", facility=facility)["rows"] == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"schedule": "100,50"}, "?schedule"),
        ({"schedule": "soon"}, "?schedule"),
        ({"by": "phase"}, "?by"),
        ({"tolerance": "-1"}, "?tolerance"),
        ({"shedule": "100"}, "?shedule"),
        ({"as_of": "999999999"}, "?as_of"),
    ],
)
def test_what_means_nothing_is_a_problem_that_says_what_to_do(client, asked, pointer):
    answer = client.get("/v1/follow-up", params=asked)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert pointer in answer.text


def test_a_window_that_still_fills_is_provisional(start_service):
    """Infections of the last 60 days, each recorded 5 days after; 40 years of import beside."""
    today = datetime.now(UTC).date()
    with start_service() as service, service.client(service.key()) as client:
        ages = [*range(6, 60), 15_000]
        events = [
            {
                "event_id": f"e{age}",
                "facility": "f",
                "patient": "p",
                "occurred_on": (today - timedelta(days=age)).isoformat(),
                "type": "infection",
                "organism": "E. coli",
            }
            for age in ages
        ]
        begun = {**events[53], "event_id": "t", "type": "transplant", "transplant_type": "kidney"}
        del begun["organism"]
        assert client.post("/v1/events", json=[begun, *events]).status_code == 201
        recorded_on(service.database_url, {f"e{age}": age - 5 for age in range(6, 60)} | {"t": 59})
        recorded_on(service.database_url, {"e15000": 58})

        (lag,) = (
            row
            for row in ask(client, "/reporting-lag")["rows"]
            if row["stratum"]["type"] == "infection"
        )
        assert lag["reports"] == 54
        assert lag["quantiles"] == {"p50": 5, "p75": 5, "p90": 5, "p95": 5}

        def total(days: int) -> dict[str, Any]:
            start = (today - timedelta(days=days - 1)).isoformat()
            told = client.get(
                "/v1/rates", params={"start": start, "episodes": "all", "by": "facility"}
            ).json()
            assert told["definition"]["provisional_above"] == 0.05
            assert told["rows"][0]["share_still_to_come"] == told["total"]["share_still_to_come"]
            return told["total"]

        recent = total(20)
        assert recent["provisional"] is True
        assert recent["share_still_to_come"] == pytest.approx(5 / 20)
        assert recent["expected_cases"] == pytest.approx(recent["cases"] / 0.75)
        old = total(200)
        assert (old["provisional"], old["share_still_to_come"]) == (False, pytest.approx(5 / 200))


def recorded_on(database_url: str, days_ago: dict[str, int]) -> None:
    """As if the events had been recorded so many days ago."""
    database = Database(database_url)
    noon = datetime.now(UTC).replace(hour=12)
    try:
        with database.write() as connection:
            for event_id, days in days_ago.items():
                connection.execute(
                    update(RecordedEvent)
                    .where(col(RecordedEvent.event_id) == event_id)
                    .values(recorded_at=noon - timedelta(days=days))
                )
    finally:
        database.close()
