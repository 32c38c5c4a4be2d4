"""Terms that nobody can read: they wait, an operator decides, and the waiting events count."""

import csv
import io
import json
import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from service.store.engine import Database
from tests.journeys.test_cli import graftwatch as typed
from tests.journeys.watched import watching

ODD_NAME = "Mycobact. absessus/chelon. grp"
STRINGS_FILE = os.environ.get("GRAFTWATCH_TEST_ORGANISM_STRINGS", "")


def chart(facility: str, patient: str = "p1", **infection: Any) -> list[dict[str, Any]]:
    common = {"facility": facility, "patient": patient}
    injected = {"event_id": f"t-{patient}", "occurred_on": "2022-03-01", **common}
    infected = {"event_id": f"i-{patient}", "occurred_on": "2022-04-01", **common}
    return [
        {"type": "transplant", "transplant_type": "stem_cell_injection", **injected},
        {"type": "infection", **infection, **infected},
    ]


def send(client, events: list[dict[str, Any]]) -> dict[str, Any]:
    answer = client.post("/v1/events", json=events)
    assert answer.status_code == 201, answer.text
    return answer.json()


def decide(client, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = client.put("/v1/terms", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def cases(client, facility: str, infection_type: str, as_of: int | None = None) -> int:
    asked = {"facility": facility, "infection_type": infection_type}
    if as_of is not None:
        asked["as_of"] = str(as_of)
    return client.get("/v1/rates", params=asked).json()["total"]["cases"]


def terms(client, facility: str, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/terms", params={"facility": facility, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_an_odd_name_mapped_later_fires_the_sentinel(databases, tmp_path):
    with (
        databases(migrated=True) as url,
        watching(url, tmp_path / "log") as service,
        service.client(service.key()) as client,
    ):
        told = send(client, chart("ucd-01", organism=ODD_NAME, specimen="CSF"))
        (remark,) = told["results"][1]["warnings"]
        assert (remark["pointer"], remark["code"]) == ("/1/organism", "term_waits")
        assert "absessus" not in json.dumps(told)
        waiting = told["position"]
        assert (cases(client, "ucd-01", "ntm"), cases(client, "ucd-01", "any")) == (0, 1)
        assert cases(client, "ucd-01", "unknown") == 1
        assert client.get("/v1/alerts").json()["items"] == []

        (term,) = terms(client, "ucd-01")
        assert (term["term"], term["state"], term["events"]) == (ODD_NAME, "waiting", 1)
        done = decide(client, id=term["id"], decision="map", to="M. abscessus")
        assert (done["to"], done["patients"]) == ("Mycobacterium abscessus", 1)
        assert done["position"] == waiting + 1
        assert (cases(client, "ucd-01", "ntm"), cases(client, "ucd-01", "unknown")) == (1, 0)
        (alert,) = client.get("/v1/alerts?kind=sentinel").json()["items"]
        assert [case["event_id"] for case in alert["cases"]] == ["i-p1"]
        assert cases(client, "ucd-01", "ntm", as_of=waiting) == 0
        explained = client.get("/v1/rates/explain", params={"infection_type": "ntm"}).json()
        assert explained["page"]["cases"] == 1 if "page" in explained else True

        again = send(client, chart("ucd-01", "p2", organism=ODD_NAME.lower(), specimen="CSF"))
        assert again["results"][1]["warnings"] == []
        assert cases(client, "ucd-01", "ntm") == 2
        assert decide(client, id=term["id"], decision="map", to="M. abscessus")["patients"] == 0

        undone = decide(client, id=term["id"], decision="wait")
        assert undone["patients"] == 2
        assert (cases(client, "ucd-01", "ntm"), cases(client, "ucd-01", "unknown")) == (0, 2)
        assert cases(client, "ucd-01", "ntm", as_of=undone["position"] - 1) == 2
        (alert,) = client.get("/v1/alerts?kind=sentinel").json()["items"]
        assert alert["supported"] is False


def test_each_kind_of_term_counts_meanwhile_and_once_it_is_decided(client, facility):
    common = {"facility": facility, "patient": "p"}
    send(
        client,
        [
            {"type": "transplant", "event_id": "t", "occurred_on": "2022-01-01",
             "transplant_type": "Zq kidney swap", **common},
            {"type": "regimen", "event_id": "r", "occurred_on": "2022-01-01",
             "agents": ["FK506", "Zqximab"], **common},
            {"type": "medication", "event_id": "m", "occurred_on": "2022-01-01",
             "agent": "Zqxetamol", **common},
            {"type": "infection", "event_id": "i", "occurred_on": "2022-02-01",
             "organism": "E. coli", "site": "zq-cavity", **common},
        ],
    )  # fmt: skip

    def rows(by: str) -> dict[str, tuple[int, int]]:
        asked = {"facility": facility, "by": by}
        found = client.get("/v1/rates", params=asked).json()["rows"]
        return {row["stratum"][by]: (row["cases"], row["person_days"] > 0) for row in found}

    def choose(kind: str, term: str, **chosen: str) -> None:
        decide(client, kind=kind, term=term, facility=facility, **chosen)

    assert {term["kind"] for term in terms(client, facility)} == {
        "organism", "agent", "site", "transplant_type",
    } - {"organism"}  # fmt: skip
    assert rows("transplant_type") == {}
    choose("transplant_type", "zq kidney SWAP", decision="map", to="kidney")
    assert rows("transplant_type") == {"kidney": (1, True)}
    assert set(rows("regimen")) == {"tacrolimus+unmapped"}
    assert set(rows("agent")) == {"tacrolimus", "unmapped"}
    asked = {"facility": facility, "agent": "unmapped"}
    assert client.get("/v1/rates", params=asked).json()["total"]["cases"] == 1
    choose("agent", "Zqximab", decision="none")
    choose("agent", "Zqxetamol", decision="map", to="sirolimus")
    assert set(rows("regimen")) == {"tacrolimus"}, "a whole regimen speaks for its own day"
    assert rows("site")["unknown"] == (1, True)
    choose("site", "zq-cavity", decision="map", to="blood")
    assert rows("site")["blood"] == (1, True)
    choose("transplant_type", "Zq kidney swap", decision="ignore")
    assert rows("transplant_type") == {}
    assert terms(client, facility, state="waiting") == []


def test_what_is_no_organism_is_no_infection_and_what_is_ignored_still_is(client, facility):
    send(client, chart(facility, organism="ZQ SEE COMMENT", infection_type="viral"))
    assert cases(client, facility, "viral") == 1
    named = {"kind": "organism", "term": "ZQ SEE COMMENT", "facility": facility}
    decide(client, decision="none", **named)
    assert cases(client, facility, "any") == 0
    decide(client, decision="ignore", **named)
    assert (cases(client, facility, "viral"), cases(client, facility, "any")) == (1, 1)
    (term,) = terms(client, facility)
    assert (term["state"], term["facilities"][0]["decision"]) == ("decided", "ignore")


def test_a_facility_decides_for_itself_before_the_network(service, client, facility):
    other = f"{facility}-b"
    name = f"Zq bug of {facility}"
    for where in (facility, other):
        send(client, chart(where, organism=name))
    with service.client(service.key("manage", facilities=(other,))) as bound:
        (seen,) = bound.get("/v1/terms").json()["items"]
        assert [place["facility"] for place in seen["facilities"]] == [other]
        named = {"kind": "organism", "term": name, "decision": "map", "to": "E. coli"}
        assert decide(bound, 403, **named)["code"] == "network_not_allowed"
        assert decide(bound, 403, **named, facility=facility)["code"] == "facility_not_allowed"
        assert bound.get("/v1/terms", params={"facility": facility}).status_code == 403
        decide(bound, **named, facility=other)
        assert (cases(client, facility, "bacterial"), cases(client, other, "bacterial")) == (0, 1)
        decide(client, id=seen["id"], decision="map", to="Aspergillus fumigatus")
        assert (cases(client, facility, "fungal"), cases(client, other, "fungal")) == (1, 0)
        assert decide(bound, id=seen["id"], decision="wait", facility=other)["patients"] == 1
        assert cases(client, other, "fungal") == 1
        (seen,) = bound.get("/v1/terms").json()["items"]
        assert [made["facility"] for made in seen["decisions"]] == [None]
    with service.client(service.key("manage", facilities=("elsewhere",))) as stranger:
        assert stranger.get("/v1/terms").json()["items"] == []
        told = decide(stranger, 404, id=seen["id"], decision="ignore", facility="elsewhere")
        assert told["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"decision": "none"}, "/id", "bad_decision"),
        ({"id": "0", "kind": "site", "decision": "none"}, "/id", "bad_decision"),
        ({"kind": "organism", "term": "zq", "decision": "map"}, "/to", "bad_decision"),
        (
            {"kind": "organism", "term": "zq", "decision": "none", "to": "E. coli"},
            "/to",
            "bad_decision",
        ),
        (
            {"kind": "organism", "term": "zq", "decision": "map", "to": "M. absessus"},
            "/to",
            "unknown_term",
        ),
        ({"kind": "organism", "term": "E. coli", "decision": "none"}, "/term", "term_known"),
        ({"kind": "agent", "term": "TAC", "decision": "ignore"}, "/term", "ambiguous_term"),
    ],
)
def test_a_decision_that_means_nothing_is_refused_with_what_to_change(client, body, pointer, code):
    told = decide(client, 422, **body)
    assert [(fault["pointer"], fault["code"]) for fault in told["errors"]] == [(pointer, code)]


def test_digits_that_could_be_a_patients_are_not_listed_but_can_be_decided(client, facility):
    send(client, chart(facility, organism="zq bug Jane MRN 12345678, 12.03.1961"))
    (term,) = terms(client, facility)
    assert term["term"] == "zq bug Jane MRN ########, ##.##.####"
    assert term["masked"] is True
    decide(client, id=term["id"], decision="map", to="E. coli", facility=facility)
    assert cases(client, facility, "bacterial") == 1


def test_the_list_is_paged_with_the_most_frequent_first(client, facility):
    for number, name in enumerate(["zq one", "zq two", "zq two", "zq three"]):
        send(client, chart(facility, f"p{number}", organism=name))
    asked = {"facility": facility, "limit": 2, "kind": "organism"}
    first = client.get("/v1/terms", params=asked)
    assert [term["events"] for term in first.json()["items"]] == [2, 1]
    second = client.get(first.json()["next"]).json()
    assert (len(second["items"]), second["next"]) == (1, None)


def test_an_erasure_takes_the_terms_that_only_the_patient_brought(start_service):
    with start_service() as service, service.client(service.key()) as client:
        send(client, chart("ucd-01", "p-jane-doe", organism="zq janes own bug"))
        send(client, chart("ucd-01", "p-other", organism="zq shared bug"))
        more = {"event_id": "i2", "occurred_on": "2022-09-01", "facility": "ucd-01"}
        shared = {"type": "infection", "patient": "p-jane-doe", "organism": "zq shared bug"}
        send(client, [{**shared, **more}])
        for name in ("zq janes own bug", "zq shared bug"):
            decide(client, kind="organism", term=name, decision="map", to="E. coli")
        assert client.delete("/v1/facilities/ucd-01/patients/p-jane-doe").status_code == 204
        (left,) = client.get("/v1/terms").json()["items"]
        assert (left["term"], left["events"]) == ("zq shared bug", 1)
        assert tables_with(service.database_url, "janes own bug") == set()
        assert tables_with(service.database_url, "p-jane-doe") == set()
        assert cases(client, "ucd-01", "bacterial") == 1


def tables_with(database_url: str, sought: str) -> set[str]:
    database = Database(database_url)
    try:
        with database.read() as connection:
            return {
                table.name
                for table in SQLModel.metadata.sorted_tables
                if any(sought in str(row) for row in connection.execute(select(table)))
            }
    finally:
        database.close()


@pytest.mark.parametrize("value", ["Mycobact. absessus/chelon. grp", "Specimen leaked in transit"])
def test_what_a_laboratory_writes_counts_for_nothing_until_somebody_decides(
    service, client, facility, value
):
    """It may be an organism and may be none; a comment is no name and is not kept."""
    (transplant, _) = chart(facility)
    result = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"text": "Organism identified in Sputum by Culture"},
        "subject": {"identifier": {"system": "urn:mrn", "value": "77"}},
        "effectiveDateTime": "2022-04-01",
        "valueString": value,
    }
    answer = client.put("/fhir/Observation/o1", json=result, params={"facility": facility})
    assert answer.status_code in (200, 201), answer.text
    comment = {**result, "id": "o2", "valueString": f"{value}: {'as told by the nurse ' * 4}"}
    told = client.put("/fhir/Observation/o2", json=comment, params={"facility": facility})
    assert told.status_code in (200, 201, 422), told.text
    (waiting,) = terms(client, facility)
    assert (waiting["term"], waiting["events"]) == (value, 1)
    send(client, [transplant | {"patient": patient_of(service, facility)}])
    assert cases(client, facility, "any") == 0
    decide(client, id=waiting["id"], decision="map", to="M. abscessus", facility=facility)
    assert cases(client, facility, "ntm") == 1
    decide(client, id=waiting["id"], decision="ignore", facility=facility)
    assert cases(client, facility, "any") == 0


def patient_of(service, facility: str) -> str:
    """The pseudonym of the only patient that a facility follows."""
    database = Database(service.database_url)
    try:
        with database.read() as connection:
            table = SQLModel.metadata.tables["events"]
            query = select(table.c.patient).where(table.c.facility == facility).distinct()
            return connection.execute(query).scalar_one()
    finally:
        database.close()


def test_terms_can_be_decided_from_the_command_line(sqlite_databases):
    with sqlite_databases(migrated=True) as url:
        graftwatch = partial(typed, database_url=url)
        sent = "".join(json.dumps(event) + "\n" for event in chart("ucd-01", organism=ODD_NAME))
        done = graftwatch("import", "-", sent=sent.encode())
        assert "term_waits (1 events)" in done.stderr
        assert ODD_NAME in graftwatch("terms", "list").stdout
        mapped = graftwatch("terms", "map", ODD_NAME, "M. abscessus", "--kind", "organism")
        assert mapped.stdout == "1 patients counted again; position 3\n"
        assert graftwatch("terms", "list").stdout == "No term waits.\n"
        (row,) = csv.DictReader(io.StringIO(graftwatch("terms", "export").stdout))
        assert (row["term"], row["decision"], row["to"]) == (
            ODD_NAME, "map", "Mycobacterium abscessus",
        )  # fmt: skip
        assert graftwatch("terms", "wait", row["id"]).returncode == 0
        assert graftwatch("terms", "ignore", row["id"], "--none").returncode == 0
        assert graftwatch("terms", "map", "0123", "E. coli").returncode == 2
        assert graftwatch("rebuild").returncode == 0


@pytest.mark.skipif(
    not STRINGS_FILE, reason="the strings are not ours to ship: name a file that holds them"
)
def test_of_646_strings_as_sent_each_resolves_waits_or_is_rightly_no_organism(client, facility):
    strings = json.loads(Path(STRINGS_FILE).read_text())
    events = [
        chart(facility, f"p{number}", organism=text)[1] for number, text in enumerate(strings)
    ]
    answer = client.post("/v1/events", json=events)
    assert answer.status_code == 207
    outcomes = Counter(map(outcome, answer.json()["results"]))
    assert outcomes == {"resolved": 570, "waits": 34, "not_an_organism": 42}
    assert sum(term["events"] for term in terms(client, facility, limit=500)) == 34


def outcome(result: dict[str, Any]) -> str:
    if result["errors"]:
        return result["errors"][0]["code"]
    waits = any(warning["code"] == "term_waits" for warning in result["warnings"])
    return "waits" if waits else "resolved"
