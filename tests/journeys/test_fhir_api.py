"""FHIR R4 as an EHR or a laboratory system sends it: a simulated lung recipient, and what changes.

Every test has a facility of its own; the service keeps no name, number or free text of anyone.
"""

import gzip
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"
RECIPIENT = json.loads((DATA / "fhir_lung_recipient.json").read_text(encoding="utf-8"))
FHIR = "application/fhir+json"
SNOMED = "http://snomed.info/sct"


class Ehr:
    """A sender for one facility."""

    def __init__(self, client, facility: str) -> None:
        self.client, self.facility = client, facility

    def send(self, method: str, path: str, resource: Any = None, **headers: str):
        body = None if resource is None else json.dumps(resource).encode()
        told = {"content-type": FHIR, "graftwatch-facility": self.facility} | headers
        return self.client.request(method, f"/fhir{path}", content=body, headers=told)

    def events(self) -> list[dict[str, Any]]:
        """What stands, in the words in which it was recorded."""
        rates = self.client.get("/v1/rates/explain", params={"facility": self.facility}).json()
        return [
            item["received"]
            for patient in {one["patient"] for one in rates["items"]}
            for item in self.client.get(
                f"/v1/facilities/{self.facility}/patients/{patient}/events"
            ).json()["items"]
            if item["standing"] and item["received"]["type"] != "void"
        ]

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events() if event["type"] == kind]

    def chart(self) -> dict[str, Any]:
        """The only patient's timeline."""
        (patient,) = {event["patient"] for event in self.events()}
        return self.client.get(f"/v1/facilities/{self.facility}/patients/{patient}").json()


@pytest.fixture
def ehr(client, facility) -> Ehr:
    return Ehr(client, facility)


def issues(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["severity"], (one.get("expression") or [""])[0]) for one in outcome["issue"]]


def test_a_transaction_becomes_a_patient_s_timeline(ehr):
    answer = ehr.send("POST", "", RECIPIENT)

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FHIR
    told = answer.json()
    assert (told["resourceType"], told["type"]) == ("Bundle", "transaction-response")
    responses = [entry["response"] for entry in told["entry"]]
    assert {one["status"] for one in responses} == {"201 Created"}
    assert responses[1]["location"] == "/fhir/Procedure/sim-tx-1/_history/1"
    assert responses[1]["etag"].startswith('W/"')
    assert issues(responses[-1]["outcome"]) == [("information", "Bundle.entry[11].resource")]
    chart = ehr.chart()
    (course,) = chart["courses"]
    assert (course["transplant_type"], course["index_date"]) == ("lung", "2024-02-10")
    assert (course["age_years"], course["sex"]) == (53, "female")
    assert course["indication"] == "Cystic fibrosis (disorder)"
    assert [(one["start"], one["regimen"]) for one in course["regimens"]] == [
        ("2024-02-10", "mycophenolic acid+tacrolimus"),
        ("2024-06-01", "tacrolimus"),
    ]
    (episode,) = chart["episodes"]
    assert (episode["organism"], episode["site"], episode["onset"]) == (
        "Mycobacterium abscessus",
        "lung",
        "2024-06-03",
    )


def test_the_same_bundle_again_changes_nothing(ehr):
    ehr.send("POST", "", RECIPIENT)
    before = ehr.events()

    again = ehr.send("POST", "", RECIPIENT)

    assert "200 OK" in {entry["response"]["status"] for entry in again.json()["entry"]}
    assert ehr.events() == before


def test_nothing_that_identifies_a_patient_is_kept_or_logged(ehr, service):
    ehr.send("POST", "", RECIPIENT)
    broken = deepcopy(RECIPIENT)
    broken["entry"][1]["resource"]["performedDateTime"] = "Simulada's day"
    refused = ehr.send("POST", "", broken)

    assert refused.status_code == 422
    everything = json.dumps([ehr.events(), ehr.chart(), refused.json()]) + service.log
    for secret in ("Simulada", "SIM-0017", "555-0100", "Nowhere", "Ana did well", "sim-tx-1"):
        assert secret not in everything


def test_a_transaction_is_kept_whole_or_not_at_all(ehr):
    broken = deepcopy(RECIPIENT)
    broken["entry"][8]["resource"]["status"] = 7

    answer = ehr.send("POST", "", broken)

    assert answer.status_code == 422
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert issues(answer.json()) == [("error", "Bundle.entry[8].resource.status")]
    assert ehr.events() == []


def test_a_date_in_the_future_refuses_a_transaction_too(ehr):
    broken = deepcopy(RECIPIENT)
    broken["entry"][1]["resource"]["performedDateTime"] = "2124-02-10"

    answer = ehr.send("POST", "", broken)

    assert answer.status_code == 422
    assert issues(answer.json()) == [("error", "Bundle.entry[1].resource")]
    assert ehr.events() == []


def test_of_a_batch_whatever_is_sound_is_kept(ehr):
    batch = deepcopy(RECIPIENT) | {"type": "batch"}
    batch["entry"][8]["resource"]["status"] = 7
    batch["entry"][5]["request"]["method"] = "PATCH"

    answer = ehr.send("POST", "", batch)

    assert answer.status_code == 200
    assert answer.json()["type"] == "batch-response"
    statuses = [entry["response"]["status"][:3] for entry in answer.json()["entry"]]
    assert [place for place, status in enumerate(statuses) if status == "422"] == [5, 8]
    assert len(ehr.told("transplant")) == 1
    assert ehr.told("infection") == []


def test_a_collection_and_a_message_are_taken_as_they_are(ehr, client, facility):
    collection = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": one["fullUrl"], "resource": one["resource"]} for one in RECIPIENT["entry"]
        ],
    }
    assert ehr.send("POST", "", collection).json()["type"] == "batch-response"
    assert len(ehr.told("transplant")) == 1

    header = {"resource": {"resourceType": "MessageHeader", "id": "h1", "eventUri": "urn:e"}}
    message = collection | {"type": "message", "entry": [header, *collection["entry"]]}
    other = Ehr(client, f"{facility}-2")
    answer = other.send("POST", "/$process-message", message)

    assert answer.status_code == 200
    first = answer.json()["entry"][0]["resource"]
    assert first["response"]["code"] == "ok"
    assert first["response"]["identifier"] == "h1"
    assert len(other.told("transplant")) == 1


def test_an_update_corrects_and_a_delete_withdraws(ehr):
    ehr.send("POST", "", RECIPIENT)
    culture = deepcopy(RECIPIENT["entry"][8]["resource"])
    culture["subject"] = {"reference": "Patient/unheard-of"}
    culture["effectiveDateTime"] = "2024-06-03"
    location = ehr.send("POST", "", RECIPIENT).json()["entry"][0]["response"]["location"]
    culture["subject"] = {"reference": location.removeprefix("/fhir/")}
    culture["valueCodeableConcept"] = {"text": "Mycobacterium gordonae"}

    corrected = ehr.send("PUT", "/Observation/sim-ob-1", culture | {"status": "corrected"})

    assert corrected.status_code == 200, corrected.text
    assert [one["organism"] for one in ehr.told("infection")] == ["Mycobacterium gordonae"]
    withdrawn = ehr.send("PUT", "/Observation/sim-ob-1", culture | {"status": "entered-in-error"})
    assert withdrawn.status_code == 200
    assert ehr.told("infection") == []
    ehr.send("PUT", "/Observation/sim-ob-1", culture | {"status": "final"})
    assert len(ehr.told("infection")) == 1
    assert ehr.send("DELETE", "/Observation/sim-ob-1").status_code == 200
    assert ehr.told("infection") == []


def test_a_resource_of_its_own_finds_its_patient_however_it_is_named(ehr):
    patient = {
        "resourceType": "Patient",
        "id": "17",
        "identifier": [{"system": "urn:mrn", "value": "SIM-9"}],
        "birthDate": "1950",
        "gender": "male",
    }
    created = ehr.send("PUT", "/Patient/17", patient)
    assert created.status_code == 201
    assert created.headers["location"] == "/fhir/Patient/17/_history/1"
    transplant = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": "kidney transplant"},
        "performedDateTime": "2024-01-05",
    }
    subjects = [
        {"reference": "Patient/17"},
        {"reference": "https://ehr.example/r4/Patient/17"},
        {"identifier": {"system": "urn:mrn", "value": "SIM-9"}},
        {"reference": "Patient?identifier=urn:mrn|SIM-9"},
    ]
    for place, subject in enumerate(subjects):
        answer = ehr.send("PUT", f"/Procedure/p{place}", transplant | {"subject": subject})
        assert answer.status_code == 201, answer.text

    (course,) = ehr.chart()["courses"]
    assert (course["age_group"], course["sex"]) == ("60+", "male")


def test_a_patient_who_comes_after_what_speaks_of_them_is_the_same(ehr):
    transplant = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": "kidney transplant"},
        "performedDateTime": "2024-01-05",
        "subject": {"reference": "Patient/17"},
    }
    ehr.send("POST", "/Procedure", transplant)
    patient = {"resourceType": "Patient", "identifier": [{"value": "SIM-9"}], "gender": "male"}
    ehr.send("PUT", "/Patient/17", patient)

    (course,) = ehr.chart()["courses"]
    assert course["sex"] == "male"


def test_a_laboratory_and_an_ehr_meet_once_a_patient_names_both(ehr):
    """The EHR knows Patient/17, the laboratory a record number; HL7 v2 would send that one too."""
    number = {"system": "urn:mrn", "value": "SIM-9"}
    record = number | {"type": {"coding": [{"code": "MR"}]}}
    transplant = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": "kidney transplant"},
        "performedDateTime": "2024-01-05",
        "subject": {"reference": "Patient/17"},
    }
    culture = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Culture"},
        "effectiveDateTime": "2024-02-01",
        "valueString": "M. avium",
        "subject": {"identifier": number},
    }
    patient = {"resourceType": "Patient", "identifier": [record], "birthDate": "1990-01-01"}
    ehr.send("POST", "/Procedure", transplant)
    ehr.send("PUT", "/Patient/17", patient)
    ehr.send("POST", "/Observation", culture)
    ehr.send("POST", "/Observation", culture | {"subject": {"identifier": record}})

    chart = ehr.chart()
    (episode,) = chart["episodes"]
    assert episode["counted"]
    assert chart["courses"][0]["age_years"] == 34
    withdrawn = ehr.send("DELETE", "/Patient/17")
    assert withdrawn.status_code == 200
    assert ehr.chart()["courses"][0]["age_years"] is None


def test_two_who_turn_out_to_be_one_are_remarked_on(ehr):
    visit = {"resourceType": "Encounter", "status": "finished", "period": {"start": "2024-01-05"}}
    number = {"system": "urn:mrn", "value": "SIM-9"}
    ehr.send("POST", "/Encounter", visit | {"subject": {"reference": "Patient/17"}})
    ehr.send("POST", "/Encounter", visit | {"subject": {"identifier": number}})

    patient = {"resourceType": "Patient", "identifier": [number]}
    told = ehr.send("PUT", "/Patient/17", patient).json()

    assert ("warning", "Patient") in issues(told)


def test_if_none_exist_leaves_what_is_known_as_it_is(ehr):
    patient = {"resourceType": "Patient", "gender": "male"}
    transplant = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": "kidney transplant"},
        "performedDateTime": "2024-01-05",
        "subject": {"identifier": {"system": "urn:mrn", "value": "9"}},
    }
    ehr.send("POST", "/Procedure", transplant)
    condition = {"if-none-exist": "identifier=urn:mrn|9"}
    known = {"identifier": [{"system": "urn:mrn", "value": "9"}]}
    first = ehr.send("POST", "/Patient", patient | known, **condition)
    second = ehr.send("POST", "/Patient", patient | known | {"gender": "female"}, **condition)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["location"] == second.headers["location"]
    assert ehr.chart()["courses"][0]["sex"] == "male"
    changed = ehr.send(
        "PUT", "/Patient?identifier=urn:mrn|9", patient | known | {"gender": "female"}
    )
    assert changed.status_code == 200
    assert ehr.chart()["courses"][0]["sex"] == "female"


@pytest.mark.parametrize(
    ("subject", "status"),
    [
        (None, 201),
        ({"reference": "Location/theatre-3"}, 201),
        ({"display": "Somebody"}, 201),
        ({"reference": "urn:uuid:not-in-the-bundle"}, 422),
        ({"reference": "#nobody"}, 422),
    ],
)
def test_what_is_about_no_patient_is_not_used(ehr, subject, status):
    swab = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Culture"},
        "effectiveDateTime": "2024-02-01",
        "valueString": "M. avium",
        **({"subject": subject} if subject else {}),
    }
    answer = ehr.send("POST", "/Observation", swab)

    assert answer.status_code == status, answer.text
    (severity, place) = issues(answer.json())[0]
    assert (severity, place) == (
        "warning" if status == 201 else "error",
        "Observation.subject",
    )


def test_prefer_says_what_comes_back(ehr):
    patient = {"resourceType": "Patient", "id": "1", "gender": "male"}
    told = {
        preference: ehr.send("PUT", "/Patient/1", patient, prefer=f"return={preference}")
        for preference in ("minimal", "representation", "OperationOutcome")
    }
    assert told["minimal"].content == b""
    assert told["representation"].json() == patient
    assert told["OperationOutcome"].json()["resourceType"] == "OperationOutcome"


def test_an_unknown_organism_is_told_and_not_repeated(ehr):
    culture = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Bacteria identified in Blood by Culture"},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2024-01-01",
        "valueString": "Quispella mariae",
    }
    answer = ehr.send("POST", "/Observation", culture)

    assert answer.status_code == 201
    assert issues(answer.json()) == [("warning", "Observation")]
    assert "once an operator has mapped it" in answer.text
    assert "Quisp" not in answer.text


def test_a_compressed_bundle(ehr, client, facility):
    body = gzip.compress(json.dumps(RECIPIENT).encode())
    headers = {"content-type": FHIR, "content-encoding": "gzip"}

    answer = client.post(f"/fhir?facility={facility}", content=body, headers=headers)

    assert answer.status_code == 200
    assert len(ehr.told("transplant")) == 1


@pytest.mark.parametrize(
    ("path", "resource", "status"),
    [
        ("", {"resourceType": "Patient"}, 400),
        ("", {"resourceType": "Bundle", "type": "history"}, 400),
        ("", [], 400),
        ("/Patient", {"resourceType": "Procedure"}, 400),
        (
            "/Procedure",
            {"resourceType": "Procedure", "status": 7},
            422,
        ),
    ],
)
def test_what_cannot_be_meant_is_an_operation_outcome(ehr, path, resource, status):
    answer = ehr.send("POST", path, resource)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == FHIR
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["severity"] == "error"


def test_faults_of_the_service_s_own_are_operation_outcomes_too(ehr, service, client, facility):
    wrong_type = client.post(
        "/fhir",
        content=b"a",
        headers={"content-type": "text/plain", "graftwatch-facility": facility},
    )
    no_facility = client.post("/fhir", json={})
    broken = client.post(f"/fhir?facility={facility}", content=b"{", headers={"content-type": FHIR})
    unknown = client.get("/fhir/Patient/1")
    assert [one.status_code for one in (wrong_type, no_facility, broken, unknown)] == [
        415,
        400,
        400,
        405,
    ]
    for answer in (wrong_type, no_facility, broken, unknown):
        assert answer.headers["content-type"] == FHIR
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_bound_key_speaks_for_its_own_facility(service, facility):
    key = service.key("events:write", facilities=(facility,))
    with service.client(key) as bound:
        headers = {"content-type": FHIR}
        body = json.dumps(RECIPIENT).encode()
        assert bound.post("/fhir", content=body, headers=headers).status_code == 200
        other = headers | {"graftwatch-facility": "elsewhere"}
        assert bound.post("/fhir", content=body, headers=other).status_code == 403


def test_without_the_secret_of_the_pseudonyms_nothing_is_read(start_service):
    with start_service(auth="off") as service, service.client(None) as client:
        answer = client.post("/fhir?facility=f", content=b"{}", headers={"content-type": FHIR})
    assert answer.status_code == 409
    assert "GRAFTWATCH_PSEUDONYM_KEY" in answer.json()["issue"][0]["details"]["text"]
