"""Rates over HTTP: what is asked, by whom, in which format, as of when; and what stands behind."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

NTM = {"infection_type": "ntm"}


@pytest.fixture
def send(client, facility):
    """Sends events; all must be accepted. Returns the position reached."""
    sent = iter(range(1000))

    def post(patient: str, type_: str, on: str, **more: Any) -> int:
        told = {
            "type": type_,
            "event_id": f"{patient}-{next(sent)}",
            "facility": facility,
            "patient": patient,
            "occurred_on": on,
        }
        answer = client.post("/v1/events", json=told | more)
        assert answer.status_code == 201, answer.text
        return answer.json()["position"]

    return post


@pytest.fixture
def two_patients(send):
    """
    p1   kidney on 1 January 2024, ciclosporin and mycophenolate; M. abscessus meningitis on
         1 March: 61 days to the first NTM disease; withdrawn on 30 June
    p2   allogeneic HSCT on 1 January 2024, tacrolimus; 365 days, withdrawn on 30 December
    """
    send("p1", "transplant", "2024-01-01", transplant_type="RTx", indication="=SUM(A1)")
    send("p1", "regimen", "2024-01-01", agents=["CsA", "MMF"])
    send("p1", "infection", "2024-03-01", organism="M. abscessus", specimen="CSF", status="disease")
    send("p1", "outcome", "2024-06-30", outcome="withdrawn")
    send("p2", "transplant", "2024-01-01", transplant_type="allo-HSCT", indication="AML")
    send("p2", "regimen", "2024-01-01", agents=["FK506"])
    return send("p2", "outcome", "2024-12-30", outcome="withdrawn")


def rates(client, facility: str, **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/rates", params={"facility": facility, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_rate_says_everything_that_shaped_it(client, facility, two_patients):
    told = rates(client, facility, **NTM, start="2024-01-01", end="2024-12-31", by="agent")
    assert told["definition"] == {
        "facility": [facility],
        "infection_type": ["ntm"],
        "status": ["disease", "infection"],
        "start": "2024-01-01",
        "end": "2024-12-31",
        "by": ["agent"],
        "episodes": "first",
        "person_time": "at_risk",
        "per": 100.0,
        "unit": "person_years",
        "ci": "exact",
        "level": 0.95,
        "provisional_above": 0.05,
        "anytime_reference_rate_per_person_year": 0.1,
        "followup_grace_days": 90,
        "case_definitions": [
            {
                "infection_type": "ntm",
                "organism_group": None,
                "repeat_days": 365,
                "repeat_rule": "rolling",
                "same_episode_by": "organism_group",
                "version": 1,
            }
        ],
    }
    assert told["as_of"]["position"] >= two_patients
    assert told["as_of"]["recorded_at"].endswith("Z")
    assert (told["unit"], told["additive"], told["by"]) == (
        "per 100 person_years",
        False,
        ["agent"],
    )
    assert {row["stratum"]["agent"]: row["person_days"] for row in told["rows"]} == {
        "ciclosporin": 61,
        "mycophenolic acid": 61,
        "tacrolimus": 365,
    }
    total = told["total"]
    assert (total["stratum"], total["cases"], total["person_days"]) == ({}, 1, 426)
    assert total["person_years"] == pytest.approx(426 / 365.25)
    assert total["rate"] == pytest.approx(36525 / 426)
    assert total["ci"]["method"] == "exact"
    assert total["ci"]["lower"] < total["rate"] < total["ci"]["upper"]
    assert total["anytime_ci"]["lower"] < total["ci"]["lower"]
    assert total["anytime_ci"]["upper"] > total["ci"]["upper"]
    assert total["provisional"] is False
    assert "recipients" not in total


def test_a_stratum_without_a_case_has_its_zero_and_its_upper_limit(client, facility, two_patients):
    rows = rates(client, facility, **NTM, by="agent")["rows"]
    (told,) = (row for row in rows if row["stratum"] == {"agent": "tacrolimus"})
    assert (told["cases"], told["rate"], told["ci"]["lower"]) == (0, 0.0, 0.0)
    assert told["ci"]["upper"] == pytest.approx(3.688879 / 365 * 36525, rel=1e-6)


@pytest.mark.parametrize(
    ("query", "person_days"),
    [
        ("agent=CsA", 61),
        ("regimen=CsA+MMF", 61),  # the plus arrives as a space
        ("regimen=CsA%2BMMF", 61),
        ("transplant_type=RTx", 61),
        ("transplant_type=kidney&transplant_type=allo-HSCT", 426),
        ("indication=AML", 365),
        ("phase=366+", 0),
        ("phase=0-30", 62),
        ("regimen=unrecorded", 0),
    ],
)
def test_filters_speak_the_vocabulary(client, facility, two_patients, query, person_days):
    answer = client.get(f"/v1/rates?facility={facility}&infection_type=ntm&{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"]["person_days"] == person_days


@pytest.mark.parametrize(
    ("query", "cases"),
    [
        ("organism=Mycobacteroides%20abscessus", 1),
        ("organism_group=M.%20abscessus%20complex", 1),
        ("site=CSF", 1),
        ("site_class=pulmonary", 0),
        ("status=colonisation", 0),
        ("certainty=confirmed", 1),
    ],
)
def test_filters_on_cases_leave_the_time_at_risk(client, facility, two_patients, query, cases):
    told = client.get(f"/v1/rates?facility={facility}&infection_type=ntm&{query}").json()["total"]
    of_colonisation = 182 + 365  # nobody's first colonisation ends it
    assert told["cases"] == cases
    assert told["person_days"] == (of_colonisation if "colonisation" in query else 426)


def test_without_a_type_any_infection_counts(client, facility, two_patients):
    told = rates(client, facility)
    assert told["definition"]["infection_type"] == ["any"]
    assert (told["total"]["cases"], told["total"]["person_days"]) == (1, 426)


def test_all_episodes_count_over_all_follow_up_unless_asked_otherwise(
    client, facility, two_patients
):
    told = rates(client, facility, **NTM, episodes="all")
    assert told["definition"]["person_time"] == "follow_up"
    assert told["total"]["person_days"] == 182 + 365
    told = rates(client, facility, **NTM, episodes="all", person_time="at_risk")
    assert told["total"]["person_days"] == 61 + 365


def test_the_future_is_not_counted(client, facility, send):
    today = datetime.now(UTC).date()
    send("p1", "transplant", (today - timedelta(days=9)).isoformat(), transplant_type="kidney")
    told = rates(client, facility, end="2199-12-31")
    assert told["total"]["person_days"] == 10
    assert told["definition"]["end"] == today.isoformat()


def test_the_past_is_told_as_it_was(client, facility, send):
    """The infection is reported, withdrawn, and the report of the withdrawal is no contact."""
    first = send("p1", "transplant", "2024-01-01", transplant_type="kidney")
    before = rates(client, facility, **NTM)
    second = send("p1", "infection", "2024-03-01", event_id="culture", organism="MAC")
    between = datetime.now(UTC).isoformat()
    with_case = rates(client, facility, **NTM)
    send("p1", "void", "2024-03-02", voids="culture", reason="contaminated")
    assert rates(client, facility, **NTM)["total"]["cases"] == 0

    assert rates(client, facility, **NTM, as_of=first) == before
    assert rates(client, facility, **NTM, as_of=second) == with_case
    assert rates(client, facility, **NTM, as_of=between)["total"] == with_case["total"]
    at_the_very_start = rates(client, facility, as_of="2001-01-01T00:00:00Z")
    assert at_the_very_start["as_of"] == {"position": 0, "recorded_at": None}
    assert at_the_very_start["definition"]["end"] == "2001-01-01"


@pytest.mark.parametrize(
    ("query", "pointer", "said"),
    [
        ("infection=ntm", "?infection", "infection_type"),
        ("agent=TAC", "?agent", "tacrolimus"),
        ("agent=tacrolimsu", "?agent", "tacrolimus"),
        ("transplant_type=ASCT", "?transplant_type", "auto_hsct"),
        ("infection_type=bacteria", "?infection_type", "bacterial"),
        ("phase=100", "?phase", "0-30"),
        ("organism=AFB", "?organism", "infection_type=unknown"),
        ("by=agents", "?by", "agent"),
        ("start=2024-1-1", "?start", "YYYY-MM-DD"),
        ("start=2024-02-01&end=2024-01-01", "?start", "ends before it starts"),
        ("as_of=999999999999", "?as_of", "position"),
        ("as_of=yesterday", "?as_of", "instant"),
        ("as_of=2024-01-01T00:00:00", "?as_of", "instant"),
        ("level=1", "?level", "less than 1"),
        ("per=0", "?per", "greater than 0"),
        ("ci=wald", "?ci", "exact"),
        ("format=xml", "?format", "csv"),
        ("include=patients", "?include.0", "recipients"),
        ("person_time=follow_up", "?person_time", "episodes=all"),
        ("infection_type=ntm&infection_type=viral", "?infection_type", "its own time at risk"),
        ("episodes=all&person_time=at_risk", "?episodes", "repeat window"),
        ("status=colonisation", "?status", "its own"),
    ],
)
def test_what_means_nothing_is_refused_by_name(client, query, pointer, said):
    answer = client.get(f"/v1/rates?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    faults = [fault for fault in answer.json()["errors"] if fault["pointer"] == pointer]
    assert faults, answer.text
    assert any(said in fault["message"] for fault in faults), faults


def test_every_faulty_filter_is_named_at_once(client):
    answer = client.get("/v1/rates?agent=nonsense&site=nowhere&sex=sometimes")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"?agent", "?site", "?sex"}
    assert "nonsense" not in answer.text


def test_a_key_bound_to_facilities_sees_nothing_else_not_even_in_totals(
    service, client, facility, two_patients
):
    other = f"{facility}-other"
    elsewhere = {
        "type": "transplant",
        "event_id": "t",
        "facility": other,
        "patient": "p1",
        "occurred_on": "2024-01-01",
        "transplant_type": "kidney",
    }
    assert client.post("/v1/events", json=elsewhere).status_code == 201
    bound = service.key("rates:read", "patients:read", facilities=(facility,))
    with service.client(bound) as holder:
        told = holder.get("/v1/rates", params=NTM).json()
        assert told["definition"]["facility"] == [facility]
        assert told["total"]["person_days"] == 426
        months = holder.get("/v1/rates/series", params={**NTM, "interval": "year"}).json()
        assert months["total"]["person_days"] == 426
        behind = holder.get("/v1/rates/explain", params=NTM).json()
        assert {item["facility"] for item in behind["items"]} == {facility}
        refused = holder.get("/v1/rates", params={"facility": other})
        assert (refused.status_code, refused.json()["code"]) == (403, "facility_not_allowed")


@pytest.mark.parametrize("path", ["/v1/rates", "/v1/rates/series", "/v1/rates/explain"])
def test_rates_need_their_scope(service, path):
    with service.client(service.key("events:write")) as sender:
        assert sender.get(path).status_code == 403


def test_an_explanation_needs_the_right_to_see_patients_too(service):
    for scopes in (("rates:read",), ("patients:read",)):
        with service.client(service.key(*scopes)) as holder:
            assert holder.get("/v1/rates/explain").json()["code"] == "scope_missing"


def test_csv_carries_the_definition_and_no_formula(client, facility, two_patients):
    answer = client.get(
        "/v1/rates",
        params={"facility": facility, **NTM, "by": "indication", "include": "recipients"},
        headers={"accept": "text/html;q=0.9, text/csv"},
    )
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["kind"], row["indication"], row["cases"]) for row in rows] == [
        ("row", "'=SUM(A1)", "1"),
        ("row", "AML", "0"),
        ("total", "", "1"),
    ]
    assert [row["recipients"] for row in rows] == ["1", "1", "2"]
    for row in rows:
        assert json.loads(row["definition"])["infection_type"] == ["ntm"]
        assert row["unit"] == "per 100 person_years"
        assert int(row["as_of_position"]) >= two_patients
        assert row["as_of_recorded_at"].endswith("Z")
    assert float(rows[-1]["rate"]) == pytest.approx(36525 / 426)


def test_ndjson_says_the_definition_first(client, facility, two_patients):
    answer = client.get(
        "/v1/rates", params={"facility": facility, **NTM, "by": "agent", "format": "ndjson"}
    )
    assert answer.headers["content-type"] == "application/x-ndjson"
    head, *rows = [json.loads(line) for line in answer.content.split(b"\n") if line]
    assert head["definition"]["infection_type"] == ["ntm"]
    assert {"as_of", "unit", "additive"} < set(head)
    assert [row["kind"] for row in rows] == ["row", "row", "row", "total"]


def test_an_unchanged_rate_is_not_sent_again(client, facility, two_patients):
    query = {"facility": facility, **NTM, "as_of": two_patients}
    first = client.get("/v1/rates", params=query)
    again = client.get("/v1/rates", params=query, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_recipients_are_counted_one_by_one(client, facility, two_patients):
    told = rates(client, facility, **NTM, by="phase", include="recipients")
    assert {row["stratum"]["phase"]: row["recipients"] for row in told["rows"]} == {
        "0-30": 2,
        "31-100": 2,
        "101-180": 1,
        "181-365": 1,
    }
    assert told["total"]["recipients"] == 2


def series(client, facility: str, **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/rates/series", params={"facility": facility, **NTM, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_series_begins_with_the_first_day_at_risk(client, facility, two_patients):
    told = series(client, facility, interval="quarter", end="2024-11-15")
    assert told["definition"]["start"] == "2024-01-01"
    assert [row["window"] for row in told["rows"]] == [
        {"name": "2024-Q1", "start": "2024-01-01", "end": "2024-03-31", "partial": False},
        {"name": "2024-Q2", "start": "2024-04-01", "end": "2024-06-30", "partial": False},
        {"name": "2024-Q3", "start": "2024-07-01", "end": "2024-09-30", "partial": False},
        {"name": "2024-Q4", "start": "2024-10-01", "end": "2024-11-15", "partial": True},
    ]
    assert [row["person_days"] for row in told["rows"]] == [61 + 91, 91, 92, 46]
    assert [row["cases"] for row in told["rows"]] == [1, 0, 0, 0]
    assert told["total"]["person_days"] == 61 + 320


def test_a_cumulative_series_ends_with_the_whole(client, facility, two_patients):
    told = series(client, facility, interval="week", cumulative="true", end="2024-12-31", by="sex")
    last = told["window_totals"][-1]
    assert {name: last[name] for name in told["total"]} == told["total"]
    assert last["window"]["name"] == "2025-W01"
    assert {row["window"]["start"] for row in told["rows"]} == {"2024-01-01"}


def test_a_series_as_of_then_begins_where_it_began_then(client, facility, send):
    then = send("p1", "transplant", "2024-02-01", transplant_type="kidney")
    send("p2", "transplant", "2023-02-01", transplant_type="kidney")
    assert series(client, facility)["definition"]["start"] == "2023-02-01"
    assert series(client, facility, as_of=then)["definition"]["start"] == "2024-02-01"


def test_a_series_of_nobody_is_empty(client, facility):
    told = series(client, facility)
    assert (told["rows"], told["window_totals"]) == ([], [])
    assert (told["total"]["person_days"], told["total"]["rate"]) == (0, None)


def test_a_series_has_an_end(client, facility, two_patients):
    answer = client.get("/v1/rates/series?interval=day&start=1990-01-01&end=2020-01-01")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")
    query = {"facility": facility, "interval": "day", "by": "phase", "start": "2019-01-01"}
    answer = client.get("/v1/rates/series", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_rows")


def test_an_explanation_adds_up_over_its_pages(client, facility, two_patients):
    query: dict[str, Any] = {"facility": facility, **NTM}
    cell = rates(client, **query)["total"]
    pages, url = [], client.get("/v1/rates/explain", params={**query, "limit": 1}).url
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        url = pages[-1]["next"]
        assert answer.links.get("next", {}).get("url") == url
    for name in ("person_days", "cases"):
        assert sum(page["sums"][name] for page in pages) == cell[name]
    first, second = (item for page in pages for item in page["items"])
    (course,) = first["courses"]
    assert (first["patient"], course["index_date"], course["person_days"]) == (
        "p1",
        "2024-01-01",
        61,
    )
    spells = [(s["start"], s["end"], s["stratum"]["phase"]) for s in course["spells"]]
    assert spells == [
        ("2024-01-01", "2024-01-31", "0-30"),
        ("2024-02-01", "2024-04-10", "31-100"),
        ("2024-04-11", "2024-06-29", "101-180"),
        ("2024-06-30", "2024-06-30", "181-365"),
    ]
    out = [(t["start"], t["end"]) for t in course["taken_out"]]
    assert out[0] == ("2024-03-02", "2024-04-10"), "from the day after the case"
    (case,) = course["episodes"]
    assert (case["onset"], case["organism"], case["site"]) == (
        "2024-03-01",
        "Mycobacterium abscessus",
        "cns",
    )
    assert second["patient"] == "p2"


def test_an_explanation_says_why_an_episode_is_no_case(client, facility, two_patients, send):
    send("p1", "infection", "2023-01-01", organism="M. abscessus", specimen="sputum")
    send("p2", "infection", "2024-02-01", organism="MAC", specimen="BAL", status="colonisation")
    send("p2", "infection", "2024-05-01", organism="M. kansasii", specimen="BAL")
    send("p2", "infection", "2024-06-01", organism="MAC", specimen="BAL")
    query = {"facility": facility, **NTM, "end": "2024-12-31"}
    told = client.get("/v1/rates/explain", params=query).json()
    excluded = {
        item["patient"]: [(one["onset"], one["reason"]) for one in item["exclusions"]]
        for item in told["items"]
    }
    assert excluded == {
        "p1": [("2023-01-01", "before_transplant")],
        "p2": [("2024-02-01", "other_status"), ("2024-06-01", "not_first")],
    }
    assert all(one["meaning"] for item in told["items"] for one in item["exclusions"])


def test_pages_speak_for_one_state_of_knowledge(client, facility, two_patients, send):
    query = {"facility": facility, **NTM, "limit": 1}
    page = client.get("/v1/rates/explain", params=query).json()
    send("p2", "infection", "2024-05-01", organism="M. kansasii", specimen="BAL")
    following = client.get(page["next"]).json()
    assert following["as_of"] == page["as_of"]
    assert following["sums"]["cases"] == 0


@pytest.mark.parametrize("cursor", ["x", "bm8=", "WyJhIl0=", "é"])
def test_a_cursor_of_one_s_own_making_is_refused(client, cursor):
    answer = client.get("/v1/rates/explain", params={"cursor": cursor})
    assert answer.json()["errors"][0]["pointer"] == "?cursor"


def test_one_cell_is_explained_at_a_time(client):
    assert client.get("/v1/rates/explain?by=agent").status_code == 422


def test_openapi_names_every_parameter_and_value(client):
    described = client.get("/openapi.json").json()
    operation = described["paths"]["/v1/rates"]["get"]
    parameters = {one["name"]: one for one in operation["parameters"]}
    assert {"facility", "agent", "by", "as_of", "format", "include", "level"} < set(parameters)
    assert "ntm" in parameters["infection_type"]["schema"]["items"]["enum"]
    assert set(operation["responses"]["200"]["content"]) == {
        "application/json",
        "text/csv",
        "application/x-ndjson",
    }
    assert "422" in operation["responses"]


def test_the_answer_of_today_ends_today(client, facility, two_patients):
    told = rates(client, facility)
    assert told["definition"]["start"] is None
    end = date.fromisoformat(told["definition"]["end"])
    assert abs(end - datetime.now(UTC).date()) <= timedelta(days=1)
