"""FHIR R4 through clients that others wrote, and what comes out as their models read it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from fhirclient import client as smart
from fhirclient.models import bundle as bundles
from fhirclient.models import capabilitystatement, operationoutcome
from fhirclient.models import patient as patients
from fhirclient.models import procedure as procedures
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome

from tests.journeys.watched import injected, send

DATA = Path(__file__).parent / "data"
RECIPIENT = json.loads((DATA / "fhir_lung_recipient.json").read_text(encoding="utf-8"))
SYNTHEA = json.loads(gzip.decompress((DATA / "fhir_synthea.json.gz").read_bytes()))
TRANSPLANT: dict[str, Any] = {
    "resourceType": "Procedure",
    "id": "tx",
    "status": "completed",
    "code": {"text": "Kidney transplant"},
    "subject": {"reference": "Patient/17"},
    "performedDateTime": "2024-01-05",
}


@pytest.fixture
def key(service, facility) -> str:
    return service.key(facilities=(facility,))


@pytest.fixture
def server(service, key):
    """fhirclient's server; a key that is bound to one facility needs no header."""
    settings = {"app_id": "tests", "api_base": f"{service.base_url}/fhir"}
    found = smart.FHIRClient(settings=settings).server
    found.session.headers["Authorization"] = f"Bearer {key}"
    yield found
    found.session.close()


@pytest.fixture
def fhirpy(service, key) -> SyncFHIRClient:
    headers = {"Prefer": "return=representation"}
    return SyncFHIRClient(f"{service.base_url}/fhir", f"Bearer {key}", extra_headers=headers)


def courses(client, facility: str) -> list[dict[str, Any]]:
    found = client.get("/v1/rates/explain", params={"facility": facility}).json()
    return [course for patient in found["items"] for course in patient["courses"]]


def test_fhirclient_reads_the_capabilities(server):
    statement = server.capabilityStatement

    assert isinstance(statement, capabilitystatement.CapabilityStatement)
    kinds = {resource.type for resource in statement.rest[0].resource}
    assert {"Patient", "Procedure", "Observation", "MeasureReport", "DetectedIssue"} <= kinds


def test_fhirclient_creates_updates_and_deletes(server, client, facility):
    patient = patients.Patient({"id": "17", "gender": "female", "birthDate": "1980-02-03"})
    told = operationoutcome.OperationOutcome(patient.update(server))
    assert told.issue[0].severity == "information"
    procedures.Procedure(TRANSPLANT).update(server)

    (course,) = courses(client, facility)
    assert course["spells"][0]["stratum"]["sex"] == "female"
    procedures.Procedure(TRANSPLANT).delete(server)
    assert courses(client, facility) == []


def test_fhirclient_sends_a_transaction(server, client, facility):
    answer = bundles.Bundle(RECIPIENT).create(server)

    assert bundles.Bundle(answer).type == "transaction-response"
    assert len(courses(client, facility)) == 1


def test_fhirpy_saves_and_deletes(fhirpy, client, facility):
    fhirpy.resource("Patient", id="17", gender="male").save()
    transplant = fhirpy.resource(**{**TRANSPLANT, "resource_type": "Procedure"})
    transplant.save()

    assert transplant["status"] == "completed"
    (course,) = courses(client, facility)
    assert course["spells"][0]["stratum"]["sex"] == "male"
    transplant.delete()
    assert courses(client, facility) == []


def test_fhirpy_is_told_what_is_wrong(fhirpy):
    wrong = fhirpy.resource(**{**TRANSPLANT, "resource_type": "Procedure"})
    wrong["performedDateTime"] = "yesterday"

    with pytest.raises(OperationOutcome) as told:
        wrong.save()

    assert told.value.resource["issue"][0]["expression"] == ["Procedure.performedDateTime"]


def test_a_synthea_patient_is_taken_whole_and_again_without_a_change(server, client, facility):
    first = bundles.Bundle(SYNTHEA).create(server)
    place = client.get("/v1/rates", params={"facility": facility}).json()["as_of"]["position"]
    again = bundles.Bundle(SYNTHEA).create(server)

    assert len(first["entry"]) == len(SYNTHEA["entry"]) > 100
    assert {entry["response"]["status"] for entry in first["entry"]} == {"201 Created"}
    assert [entry["response"].get("status")[:3] for entry in again["entry"]].count("200") > 10
    after = client.get("/v1/rates", params={"facility": facility}).json()["as_of"]["position"]
    assert after == place


def test_a_synthea_patient_with_a_transplant_is_followed(server, client, facility):
    bundles.Bundle(SYNTHEA).create(server)
    (patient,) = [
        entry["resource"]
        for entry in SYNTHEA["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    ]
    procedure = TRANSPLANT | {"subject": {"reference": f"Patient/{patient['id']}"}}
    procedures.Procedure(procedure | {"performedDateTime": "2012-01-05"}).update(server)

    (course,) = courses(client, facility)
    assert course["spells"][0]["stratum"]["sex"] == patient["gender"]
    assert course["person_days"] > 90


def test_rates_come_out_as_a_measure_report(server, client, facility):
    bundles.Bundle(RECIPIENT).create(server)
    asked = "MeasureReport?infection_type=ntm&by=regimen&end=2024-12-31"

    found = bundles.Bundle(server.request_json(asked))

    (entry,) = found.entry
    report = entry.resource
    assert (report.resource_type, report.status, report.type) == (
        "MeasureReport",
        "complete",
        "summary",
    )
    rates = client.get(
        "/v1/rates",
        params={
            "facility": facility,
            "infection_type": "ntm",
            "by": "regimen",
            "end": "2024-12-31",
        },
    ).json()
    (group,) = report.group
    assert [one.count for one in group.population] == [
        rates["total"]["cases"],
        rates["total"]["person_days"],
    ]
    assert group.measureScore.value == rates["total"]["rate"]
    strata = group.stratifier[0].stratum
    assert [one.component[0].value.text for one in strata] == [
        row["stratum"]["regimen"] for row in rates["rows"]
    ]
    assert [one.population[0].count for one in strata] == [row["cases"] for row in rates["rows"]]
    assert report.period.end.as_json() == "2024-12-31"


def test_a_measure_report_without_any_time_has_no_score(server):
    report = bundles.Bundle(server.request_json("MeasureReport")).entry[0].resource

    assert report.group[0].measureScore is None
    assert report.group[0].population[1].count == 0


def test_alerts_come_out_as_detected_issues(network, watched_client):
    send(watched_client, injected("ucd-01", "p1", "2024-01-01"))
    (alert, *others) = watched_client.get("/v1/alerts").json()["items"]

    answer = watched_client.get("/fhir/DetectedIssue", params={"_count": 1})

    found = bundles.Bundle(answer.json())
    issue = found.entry[0].resource
    assert (issue.id, issue.status) == (alert["id"], "preliminary")
    assert issue.detail.startswith(alert["title"])
    assert [one.identifier.value for one in issue.implicated or []] == [
        case["patient"] for case in alert["cases"]
    ]
    assert ("next" in [link.relation for link in found.link]) == bool(others)
    with network.client(network.key("rates:read")) as reader:
        told = bundles.Bundle(reader.get("/fhir/DetectedIssue").json())
        assert all(entry.resource.implicated is None for entry in told.entry)
