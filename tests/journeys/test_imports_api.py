"""Files over HTTP: sent, followed, told fault by fault, and finished after a kill."""

import gzip
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from service.store.engine import Database
from service.store.tables import ImportWaitingRow, RecordedEvent
from tests.journeys.test_crash import Served

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
MAPPING = (EXAMPLES / "redcap-mapping.toml").read_text()
RAW = (EXAMPLES / "redcap-raw.csv").read_text()
CSV, TOML = {"content-type": "text/csv"}, {"content-type": "application/toml"}
NDJSON = {"content-type": "application/x-ndjson"}
HEADER = "type,event_id,facility,patient,occurred_on,transplant_type\n"
PATIENCE_SECONDS = 60


def followed(client, sent):
    """What became of an import that was acknowledged."""
    assert sent.status_code == 202, sent.text
    return ended(client, sent.headers["location"])


def ended(client, location):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        told = client.get(location).json()
        if told["state"] in ("done", "failed"):
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def course(facility, number):
    return f"transplant,t{number},{facility},p{number},2024-03-01,kidney\n"


@pytest.fixture
def register(facility):
    """The example's mapping and export, for a facility of the test's own."""
    return MAPPING.replace('= "northside"', f'= "{facility}"')


def test_a_file_is_acknowledged_followed_and_counted(client, facility):
    text = HEADER + course(facility, 1) + course(facility, 2) + course(facility, 1)
    sent = client.post("/v1/imports", content=text, headers=CSV)
    told = followed(client, sent)
    assert sent.json()["rows_sent"] == 3
    counts = {"rows": 3, "accepted": 2, "duplicate": 1, "voided": 0, "rejected": 0}
    assert (told["state"], told["progress"], told["counts"]) == ("done", 1.0, counts)
    assert told["sent_by"] == "test"
    assert told["faults"]["total"] == 0
    at_risk = client.get("/v1/rates", params={"facility": facility}).json()["total"]
    assert at_risk["person_days"] > 0
    again = followed(client, client.post("/v1/imports", content=text, headers=CSV))
    assert again["counts"]["duplicate"] == 3
    newest, second = client.get("/v1/imports", params={"limit": 2}).json()["items"]
    assert (newest["id"], second["id"]) == (again["id"], told["id"])


def test_ndjson_and_gzip_are_read_as_well(client, facility):
    line = (
        f'{{"type":"transplant","event_id":"t1","facility":"{facility}","patient":"p1",'
        '"occurred_on":"2024-03-01","transplant_type":"kidney"}\n'
    )
    packed = {"content-encoding": "gzip", **NDJSON}
    content = gzip.compress((line + "{\n").encode())
    told = followed(client, client.post("/v1/imports", content=content, headers=packed))
    assert (told["counts"]["accepted"], told["counts"]["rejected"]) == (1, 1)
    assert [(fault["line"], fault["code"]) for fault in told["faults"]["items"]] == [
        (2, "malformed_json")
    ]


def test_a_redcap_export_is_rehearsed_then_taken_in_by_a_kept_mapping(client, service, register):
    name = "/v1/import-mappings/transplant-register"
    assert client.put(name, content=register, headers=TOML).status_code == 200
    broken = RAW.replace("2022-03-02", "2.3.22").replace("E. coli", "mixed flora")
    broken = broken.replace("Simulated Three", "Jane Doe")
    asked = {"mapping": "transplant-register", "dry_run": True}
    sent = client.post("/v1/imports", params=asked, content=broken, headers=CSV)
    rehearsed = followed(client, sent)
    assert rehearsed["dry_run"]
    assert rehearsed["counts"]["accepted"] == 9
    assert rehearsed["counts"]["rejected"] == 2
    every = client.get(rehearsed["faults"]["all"], params={"limit": 1}).json()
    assert (every["items"][0]["line"], every["items"][0]["column"]) == (4, "inf_date")
    (last,) = client.get(every["next"]).json()["items"]
    assert (last["line"], last["column"], last["code"]) == (12, "inf_organism", "not_an_organism")
    assert "Jane" not in f"{rehearsed} {every} {last} {service.log}"
    asked = {"mapping": "transplant-register"}
    for accepted, duplicate in ((11, 0), (0, 11)):
        told = followed(client, client.post("/v1/imports", params=asked, content=RAW, headers=CSV))
        assert told["counts"]["accepted"] == accepted
        assert told["counts"]["duplicate"] == duplicate


def test_what_cannot_be_read_at_all_is_answered_at_once(client, register):
    other = client.post("/v1/imports", content="date,patient\n", headers=CSV)
    assert (other.status_code, other.json()["code"]) == (400, "bad_header")
    empty = client.post("/v1/imports", content="", headers=CSV)
    assert (empty.status_code, empty.json()["code"]) == (400, "empty")
    kind = client.post("/v1/imports", content="x", headers={"content-type": "text/plain"})
    assert (kind.status_code, kind.json()["code"]) == (415, "unsupported_media_type")
    client.put("/v1/import-mappings/transplant-register", content=register, headers=TOML)
    asked = {"mapping": "transplant-register"}
    lines = client.post("/v1/imports", params=asked, content="{}\n", headers=NDJSON)
    assert lines.status_code == 422
    unknown = client.post("/v1/imports", params={"mapping": "other"}, content="x", headers=CSV)
    assert unknown.status_code == 404
    assert client.get("/v1/imports/nothing").status_code == 404


def test_a_bound_key_writes_its_own_rows_and_sees_its_own_imports(service, client, facility):
    other = f"{facility}-other"
    text = HEADER + course(facility, 1) + course(other, 2)
    of_all = followed(client, client.post("/v1/imports", content=text, headers=CSV))
    with service.client(service.key("events:write", facilities=(facility,))) as bound:
        told = followed(bound, bound.post("/v1/imports", content=text, headers=CSV))
        assert (told["counts"]["duplicate"], told["counts"]["rejected"]) == (1, 1)
        assert told["faults"]["items"][0]["code"] == "facility_not_allowed"
        assert bound.get(f"/v1/imports/{of_all['id']}").status_code == 404
        assert bound.get(of_all["faults"]["all"]).status_code == 404
        assert [one["id"] for one in bound.get("/v1/imports").json()["items"]] == [told["id"]]


def test_a_file_beyond_the_bound_is_refused_and_leaves_nothing(start_service):
    with start_service(max_import_bytes=4096, auth="off") as service:
        text = HEADER + "".join(course("ucd-01", number) for number in range(200))
        with service.client(None) as client:
            refused = client.post("/v1/imports", content=text, headers=CSV)
            assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
            assert client.get("/v1/imports").json()["items"] == []
        assert number_of(service.database_url, ImportWaitingRow) == 0


ROWS = 900


def test_an_import_killed_midway_is_finished_by_the_next_process(
    migrated_url, tmp_path, monkeypatch
):
    monkeypatch.setenv("GRAFTWATCH_INGEST_BATCH_SIZE", "50")
    text = HEADER + "".join(course("ucd-01", number) for number in range(ROWS))
    with closing(Served(migrated_url, tmp_path / "log")) as served:
        served.start()
        with httpx.Client(base_url=served.base_url, timeout=PATIENCE_SECONDS) as client:
            location = client.post("/v1/imports", content=text, headers=CSV).headers["location"]
            while not client.get(location).json()["counts"]["rows"]:
                time.sleep(0.005)
        served.kill()
        done = number_of(migrated_url, RecordedEvent)
        assert 0 < done < ROWS
        assert number_of(migrated_url, ImportWaitingRow) == ROWS - done
        served.start()
        with httpx.Client(base_url=served.base_url, timeout=PATIENCE_SECONDS) as client:
            told = ended(client, location)
        assert told["counts"]["rows"] == told["counts"]["accepted"] == ROWS
    assert number_of(migrated_url, RecordedEvent) == ROWS
    assert number_of(migrated_url, ImportWaitingRow) == 0


def number_of(database_url, table):
    with closing(Database(database_url)) as database, database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()
