"""One patient: what the timeline shows, who may see it, and that an erasure leaves nothing."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from service.domain.rules import FollowUpRules
from service.monitors.shipped import shipped_monitors
from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import shipped_baselines
from service.store import audit_log
from service.store.catalogue import add_shipped
from service.store.engine import Database

PATIENT = "p0001"


@pytest.fixture
def address(facility: str) -> str:
    return f"/v1/facilities/{facility}/patients/{PATIENT}"


@pytest.fixture
def send(client, facility):
    """Sends events of the patient; all must be accepted."""
    sent = iter(range(1000))

    def post(type_: str, on: str, **more: Any) -> str:
        event_id = more.pop("event_id", f"{type_}-{next(sent)}")
        told = {"type": type_, "event_id": event_id, "facility": facility, "patient": PATIENT}
        answer = client.post("/v1/events", json=told | {"occurred_on": on} | more)
        assert answer.status_code == 201, answer.text
        return event_id

    return post


def test_the_timeline_tells_what_was_at_risk_and_how_each_record_counted(client, address, send):
    """Kidney on 1 January 2020, enrolled on the 10th; tacrolimus, then sirolimus; two positive
    sputa within the window, one infection before entry; lost to follow-up in June."""
    send(
        "transplant",
        "2020-01-01",
        event_id="t1",
        transplant_type="RTx",
        sex="female",
        age_years=44,
        enrolled_on="2020-01-10",
    )
    send("regimen", "2020-01-01", agents=["FK506"])
    send("regimen", "2020-03-01", agents=["Rapamycin"])
    early = send("infection", "2020-01-05", organism="Escherichia coli", site="urinary tract")
    opened = send("infection", "2020-04-01", organism="M. abscessus", specimen="sputum")
    joined = send("infection", "2020-04-20", organism="M. abscessus", specimen="sputum")
    send("outcome", "2020-06-30", outcome="lost_to_follow_up")
    patient = client.get(address).json()

    (course,) = patient["courses"]
    assert course["index_date"] == "2020-01-01"
    assert course["entry"] == "2020-01-10"
    assert (course["transplant_type"], course["age_group"]) == ("kidney", "40-59")
    assert course["ends"] is None
    days = (date(2020, 6, 30) - date(2020, 1, 10)).days + 1
    assert course["person_days"] == days
    assert course["spells"] == [
        {
            "start": "2020-01-10",
            "end": "2020-06-30",
            "ended_by": "lost_to_follow_up",
            "open": False,
            "runs_until": "2020-06-30",
            "person_days": days,
        }
    ]
    assert course["regimens"] == [
        {"start": "2020-01-10", "regimen": "tacrolimus"},
        {"start": "2020-03-02", "regimen": "sirolimus"},
    ]
    how = {record["event_id"]: (record["how"], record["reason"]) for record in patient["records"]}
    assert how == {
        early: ("not_counted", "before_entry"),
        opened: ("opened_episode", None),
        joined: ("joined_episode", None),
    }
    assert all(record["explanation"] for record in patient["records"])
    counted = [episode for episode in patient["episodes"] if episode["counted"]]
    assert [len(episode["records"]) for episode in counted] == [2]
    assert counted[0]["first_of_type"]
    assert counted[0]["stratum"]["regimen"] == "sirolimus"
    assert counted[0]["window_end"] > counted[0]["onset"] == "2020-04-01"
    assert {warning["code"] for warning in patient["warnings"]} == {"infection_before_entry"}


def test_follow_up_that_still_runs_is_cut_at_today_and_said_to_be_open(client, address, send):
    day = date.today() - timedelta(days=10)  # noqa: DTZ011 - the service runs in UTC, ten days off
    send("transplant", str(day), transplant_type="liver")
    patient = client.get(address).json()
    (spell,) = patient["courses"][0]["spells"]
    assert spell["open"]
    assert spell["end"] == patient["today"]
    assert spell["ended_by"] == "silence"
    assert spell["runs_until"] == str(day + timedelta(days=90))
    assert spell["person_days"] == (date.fromisoformat(patient["today"]) - day).days + 1


def test_the_next_transplant_ends_a_course(client, address, send):
    send("transplant", "2020-01-01", transplant_type="kidney")
    send("transplant", "2020-02-01", transplant_type="kidney")
    first, second = client.get(address).json()["courses"]
    assert (first["ends"], second["ends"]) == ("2020-01-31", None)
    assert first["spells"][0]["ended_by"] == "next_transplant"


@pytest.mark.parametrize("end", ["", "/events"])
def test_an_unknown_patient_is_404(client, address, end):
    answer = client.get(address + end)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not_found")
    assert PATIENT not in answer.text


def test_what_did_not_change_is_not_sent_again(client, address, send):
    send("transplant", "2020-01-01", transplant_type="kidney")
    etag = client.get(address).headers["etag"]
    assert client.get(address, headers={"if-none-match": etag}).status_code == 304
    send("outcome", "2020-05-01", outcome="death")
    assert client.get(address, headers={"if-none-match": etag}).status_code == 200


# Who may see and erase


@pytest.mark.parametrize(
    ("method", "end", "scope"),
    [("GET", "", "patients:read"), ("GET", "/events", "patients:read"), ("DELETE", "", "manage")],
)
def test_each_door_has_its_scope_and_the_facility(service, address, send, method, end, scope):
    send("transplant", "2020-01-01", transplant_type="kidney")
    others = {"events:write", "rates:read", "alerts:manage", "patients:read", "manage"} - {scope}
    with service.client(service.key(*others)) as stranger:
        answer = stranger.request(method, address + end)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    with service.client(service.key(scope, facilities=("elsewhere",))) as neighbour:
        answer = neighbour.request(method, address + end)
        assert (answer.status_code, answer.json()["code"]) == (403, "facility_not_allowed")
    with service.client(service.key(scope)) as holder:
        assert holder.request(method, address + end).is_success


# Erasure


def test_an_erasure_leaves_nothing_of_the_patient_and_a_right_ledger(
    service, client, facility, address, send
):
    send("transplant", "2020-01-01", transplant_type="kidney")
    send("infection", "2020-04-01", organism="M. abscessus", specimen="sputum")
    cell = {"facility": facility, "infection_type": "ntm"}
    before = client.get("/v1/rates", params=cell).json()["total"]
    assert (before["cases"], before["person_days"] > 0) == (1, True)

    answer = client.delete(address)
    assert (answer.status_code, answer.content) == (204, b"")

    assert client.get(address).status_code == 404
    assert client.delete(address).status_code == 404
    after = client.get("/v1/rates", params=cell).json()["total"]
    assert (after["cases"], after["person_days"]) == (0, 0)
    database = Database(service.database_url)
    try:
        assert rebuild(Surveillance(database, FollowUpRules())).is_clean
        with database.read() as connection:
            entry = audit_log.entries(connection, actions=["patient_erased"])[0]
    finally:
        database.close()
    assert (entry.actor, entry.detail["facility"]) == ("test", facility)
    assert PATIENT not in str(entry)


def rows_naming(database_url: str, text_sought: str) -> set[str]:
    """The tables with a row that holds the text anywhere."""
    database = Database(database_url)
    try:
        with database.read() as connection:
            return {
                table.name
                for table in SQLModel.metadata.sorted_tables
                if any(text_sought in str(row) for row in connection.execute(select(table)))
            }
    finally:
        database.close()


def test_after_an_erasure_no_table_names_the_patient(start_service):
    """NTM of the central nervous system after a stem cell injection: it stands in an alert too."""
    patient = "p-jane-doe"
    common = {"facility": "ucd-01", "patient": patient}
    sent = [
        {
            "type": "transplant",
            "event_id": "t1",
            "occurred_on": "2022-03-01",
            "transplant_type": "stem_cell_injection",
            **common,
        },
        {
            "type": "infection",
            "event_id": "i1",
            "occurred_on": "2022-04-01",
            "organism": "M. abscessus",
            "specimen": "CSF",
            **common,
        },
    ]
    with start_service() as service, service.client(service.key()) as client:
        watch_as_shipped(service.database_url)
        assert client.post("/v1/events", json=sent).status_code == 201
        assert client.get(f"/v1/facilities/ucd-01/patients/{patient}").status_code == 200
        assert client.get("/v1/audit").status_code == 200  # what was seen is entered by then
        tables = {"events", "segments", "episodes", "alert_cases", "audit_salts"}
        assert rows_naming(service.database_url, patient) == tables
        assert client.delete(f"/v1/facilities/ucd-01/patients/{patient}").status_code == 204
        assert rows_naming(service.database_url, patient) == set()


def watch_as_shipped(database_url: str) -> None:
    """Keep the shipped baselines and monitors, as `graftwatch migrate` does."""
    baselines = shipped_baselines()
    database = Database(database_url)
    with database.write() as connection:
        add_shipped(connection, baselines, shipped_monitors(baselines), datetime.now(UTC))
    database.close()


def test_an_erased_patient_may_be_sent_again(client, address, send):
    send("transplant", "2020-01-01", event_id="t1", transplant_type="kidney")
    client.delete(address)
    send("transplant", "2020-02-01", event_id="t1", transplant_type="kidney")
    assert client.get(address).json()["courses"][0]["index_date"] == "2020-02-01"


def test_an_erasure_leaves_the_neighbours_alone(client, facility, address, send):
    send("transplant", "2020-01-01", transplant_type="kidney")
    neighbour = {
        "type": "transplant",
        "event_id": "n1",
        "facility": facility,
        "patient": "p0002",
        "occurred_on": "2020-01-01",
        "transplant_type": "kidney",
    }
    client.post("/v1/events", json=neighbour)
    client.delete(address)
    left = client.get(f"/v1/facilities/{facility}/patients/p0002").json()
    assert left["courses"][0]["transplant_event_id"] == "n1"


def test_two_pseudonyms_of_one_person_are_one_case_and_two_again_when_parted(
    client, facility, address, send
):
    """A transplant under one pseudonym; the infection under another until somebody notices."""
    send("transplant", "2020-01-01", transplant_type="kidney")
    other = address.replace(PATIENT, "p-other")
    infection = {
        "type": "infection",
        "event_id": "elsewhere",
        "facility": facility,
        "patient": "p-other",
        "occurred_on": "2020-02-01",
        "organism": "M. abscessus",
    }
    assert client.post("/v1/events", json=infection).status_code == 201
    cell = {"facility": facility, "infection_type": "ntm"}

    def cases(**more: Any) -> int:
        return client.get("/v1/rates", params=cell | more).json()["total"]["cases"]

    assert cases() == 0
    merged = client.put(f"{other}/merged-into", json={"patient": PATIENT})
    assert merged.status_code == 200, merged.text
    assert client.put(f"{other}/merged-into", json={"patient": PATIENT}).json() == merged.json()
    assert cases() == 1
    assert cases(as_of=merged.json()["position"] - 1) == 0
    for one in (address, other):
        timeline = client.get(one).json()
        assert timeline["patient"] == PATIENT
        assert timeline["pseudonyms"] == sorted([PATIENT, "p-other"])
        assert len(timeline["episodes"]) == 1

    later = infection | {"event_id": "later", "organism": "E. coli", "specimen": "urine"}
    assert client.post("/v1/events", json=later).status_code == 201
    assert len(client.get(address).json()["episodes"]) == 2

    assert client.delete(f"{other}/merged-into").status_code == 204
    assert client.delete(f"{other}/merged-into").status_code == 404
    assert cases() == 0
    assert cases(as_of=merged.json()["position"]) == 1
    assert client.get(address).json()["episodes"] == []


def test_who_cannot_be_merged_is_told_why(client, facility, address, send):
    send("transplant", "2020-01-01", transplant_type="kidney")
    for name in ("b", "c"):
        sent = {"type": "follow_up", "event_id": name, "facility": facility, "patient": name}
        client.post("/v1/events", json=sent | {"occurred_on": "2020-02-01"})

    def into(patient: str, survivor: str) -> tuple[int, str]:
        place = f"{address.replace(PATIENT, patient)}/merged-into"
        answer = client.put(place, json={"patient": survivor})
        return answer.status_code, answer.json().get("code", "")

    assert into("b", "b") == (422, "bad_query")
    assert into("b", "nobody") == (404, "not_found")
    assert into("nobody", "b") == (404, "not_found")
    assert into("b", "c")[0] == 200
    assert into("c", "b") == (409, "merge_cycle")
    assert into("b", PATIENT) == (409, "already_merged")
    assert into("c", PATIENT)[0] == 200
    assert client.get(address).json()["pseudonyms"] == sorted(["b", "c", PATIENT])


def test_an_erasure_forgets_every_pseudonym_of_the_person_even_parted_ones(start_service):
    with start_service(auth="off") as service, service.client(None) as client:
        for name in ("p-jane", "p-doe", "p-else"):
            sent = {"facility": "ucd-01", "patient": name, "occurred_on": "2020-01-01"}
            events = [
                sent | {"type": "transplant", "event_id": f"{name}-t", "transplant_type": "lung"},
                sent | {"type": "infection", "event_id": f"{name}-i", "organism": "M. abscessus"},
            ]
            assert client.post("/v1/events", json=events).status_code == 201
        root = "/v1/facilities/ucd-01/patients"
        assert client.put(f"{root}/p-doe/merged-into", json={"patient": "p-jane"}).is_success
        assert client.put(f"{root}/p-jane/merged-into", json={"patient": "p-else"}).is_success
        assert client.delete(f"{root}/p-jane/merged-into").is_success
        assert client.delete(f"{root}/p-doe").status_code == 204
        assert client.get(f"{root}/p-jane").status_code == 404
        assert client.get(f"{root}/p-else").status_code == 200
        with closing(Database(service.database_url)) as database:
            assert rebuild(Surveillance(database)).is_clean
        assert rows_naming(service.database_url, "p-jane") == set()
        assert rows_naming(service.database_url, "p-doe") == set()
