"""HL7 v2 over HTTP, as an interface engine sends it, and over an MLLP bridge. All simulated."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database

SECRET = "a secret of the tests, long enough to be one"
HL7 = {"content-type": "application/hl7-v2"}
MRN, NAME = "MRN-0012345", "QUISPE^MARIA"
ABSCESSUS = "^Mycobacterium abscessus^L"


@pytest.fixture
def service(start_service):
    with start_service(pseudonym_key=SECRET) as service:
        yield service


@pytest.fixture
def client(service) -> Iterator[httpx.Client]:
    with service.client(service.key(facilities=("ucd-01",))) as client:
        yield client


def adt(event: str, *segments: str) -> str:
    person = f"PID|||{MRN}^^^ucd^MR||{NAME}||1978|F"
    return _message(f"ADT^{event}", "EVN||20240105", person, *segments)


def oru(value: str, order_status: str = "F", *, mrn: str = MRN, result: str = "F") -> str:
    return _message(
        "ORU^R01",
        f"PID|||{mrn}^^^ucd^MR||{NAME}",
        f"OBR|1||F77|87070^Culture^LN|||20240301{'|' * 18}{order_status}",
        f"OBX|1|CE|11475-1^Microorganism identified^LN|1|{value}||||||{result}",
        "SPM|1|||^Sputum",
    )


def _message(kind: str, *segments: str) -> str:
    head = f"MSH|^~\\&|LAB|ucd-01|||20240310||{kind}|17|P|2.5.1"
    return "\r".join([head, *segments]) + "\r"


def send(client: httpx.Client, text: str, **more: Any) -> tuple[int, str, str]:
    """The status, MSA-1 and all of the answer."""
    answer = client.post("/hl7/v2", content=text.encode(), headers=HL7, **more)
    code = next((line.split("|")[1] for line in answer.text.split("\r") if line[:3] == "MSA"), "")
    return answer.status_code, code, answer.text


def pseudonym(client: httpx.Client, mrn: str = MRN) -> str:
    from service.ingest.pseudonyms import Pseudonyms

    return Pseudonyms(SECRET).of_patient("ucd-01", mrn)


def transplanted(client: httpx.Client, mrn: str = MRN) -> None:
    event = {
        "type": "transplant",
        "event_id": f"t-{pseudonym(client, mrn)}",
        "facility": "ucd-01",
        "patient": pseudonym(client, mrn),
        "occurred_on": "2024-01-01",
        "transplant_type": "lung",
    }
    assert client.post("/v1/events", json=event).status_code == 201


def cases(client: httpx.Client) -> int:
    return client.get("/v1/rates", params={"infection_type": "ntm"}).json()["total"]["cases"]


def test_a_culture_is_reported_corrected_and_cancelled(client):
    transplanted(client)
    assert send(client, oru("^AFB^L", "P"))[:2] == (200, "AA")
    assert cases(client) == 0
    assert send(client, oru(ABSCESSUS))[:2] == (200, "AA")
    assert send(client, oru(ABSCESSUS))[:2] == (200, "AA")
    assert cases(client) == 1
    assert send(client, oru("^Not Isolated^L", "C", result="C"))[:2] == (200, "AA")
    assert cases(client) == 0
    assert send(client, oru(ABSCESSUS, "C", result="C"))[:2] == (200, "AA")
    assert cases(client) == 1
    assert send(client, oru(ABSCESSUS, "X", result="X"))[:2] == (200, "AA")
    assert cases(client) == 0


def test_an_organism_nobody_knows_waits_until_somebody_says_what_it_means(service, client):
    transplanted(client)
    status, code, answer = send(client, oru("^Martian bacillus^L"))
    assert (status, code) == (200, "AA")
    assert "|W|" in answer
    assert "Martian" not in answer
    assert cases(client) == 0
    with service.client(service.key()) as operator:
        (term,) = operator.get("/v1/terms", params={"state": "waiting"}).json()["items"]
        decision = {"id": term["id"], "decision": "map", "to": "M. abscessus"}
        told = operator.put("/v1/terms", json=decision)
        assert told.is_success, told.text
    assert cases(client) == 1


def test_registration_tells_of_contacts_death_and_who_is_who(client):
    transplanted(client)
    send(client, oru(ABSCESSUS, mrn="OTHER"))
    assert cases(client) == 0
    merge = _message("ADT^A40", "EVN||20240402", f"PID|||{MRN}^^^ucd^MR", "MRG|OTHER^^^ucd^MR")
    assert send(client, merge)[:2] == (200, "AA")
    assert send(client, merge)[:2] == (200, "AA")
    assert cases(client) == 1
    assert send(client, adt("A01", "PV1|||" + "|" * 16 + "V9"))[:2] == (200, "AA")
    assert send(client, adt("A08"))[:2] == (200, "AA")
    died = adt("A31").replace("|1978|F", "|1978|F" + "|" * 21 + "20240601|Y")
    assert send(client, died)[:2] == (200, "AA")
    timeline = client.get(f"/v1/facilities/ucd-01/patients/{pseudonym(client)}").json()
    assert timeline["death"] == "2024-06-01"
    (course,) = timeline["courses"]
    assert (course["sex"], course["age_group"]) == ("female", "40-59")


def test_the_answer_says_what_is_wrong_and_the_status_too(client):
    refused = send(client, _message("ORM^O01", "PID|||1"))
    assert refused[:2] == (400, "AR")
    assert "ERR||MSH^1^9|200^Unsupported message type^HL70357|E" in refused[2]
    unusable = send(client, _message("ORU^R01", "OBR|1||F1"))
    assert unusable[:2] == (422, "AE")
    assert "ERR||PID^1^3|101^Required field missing^HL70357|E" in unusable[2]
    tomorrow = oru(ABSCESSUS).replace("20240301", "29990101")
    assert send(client, tomorrow)[:2] == (422, "AE")
    for text in (_message("ORM^O01", "PID|||1"), _message("ORU^R01", "OBR|1||F1")):
        assert send(client, text, params={"always_200": True})[0] == 200
    assert "MSA|AE|17" in unusable[2]


def test_a_batch_is_answered_message_by_message(client):
    transplanted(client)
    batch = "FHS|^~\\&\rBHS|^~\\&\r" + oru(ABSCESSUS) + _message("ORM^O01") + "BTS|2\rFTS|1\r"
    status, _, text = send(client, batch)
    assert status == 207
    assert [line[:6] for line in text.split("\r") if line[:3] == "MSA"] == ["MSA|AA", "MSA|AR"]
    assert text.startswith("BHS|")
    assert cases(client) == 1


def test_a_key_writes_for_its_facilities_only(service, client):
    elsewhere = send(client, oru(ABSCESSUS), params={"facility": "net-02"})
    assert elsewhere[0] == 403
    with service.client(service.key("rates:read")) as reader:
        assert send(reader, oru(ABSCESSUS))[0] == 403
    with service.client(service.key("events:write")) as everywhere:
        unknown = oru(ABSCESSUS).replace("|ucd-01|", "|St. Mary's|")
        assert send(everywhere, unknown)[:2] == (400, "AR")


def test_what_is_no_hl7_is_a_problem(client):
    assert send(client, "{}")[0] == 400
    assert client.post("/hl7/v2", json={}).status_code == 415


def test_nothing_of_a_patient_is_kept_but_the_pseudonym(service, client):
    transplanted(client)
    send(client, oru(ABSCESSUS))
    send(client, adt("A01", f"PV1|||{'|' * 16}{MRN}-V9"))
    with closing(Database(service.database_url)) as database:
        assert rebuild(Surveillance(database)).is_clean
        with database.read() as connection:
            rows = [
                str(row)
                for table in SQLModel.metadata.sorted_tables
                for row in connection.execute(select(table))
            ]
    for secret in (MRN, "QUISPE", SECRET, "F77"):
        assert not [row for row in rows if secret in row]
        assert secret not in service.log


def test_without_the_key_of_pseudonyms_nothing_is_read(start_service):
    with start_service(auth="off") as service, service.client(None) as client:
        assert client.post("/hl7/v2", content=oru(ABSCESSUS), headers=HL7).status_code == 409


@contextmanager
def bridge(service, key: str) -> Iterator[int]:
    """PyPI's mllp2http before the service; the port on which it listens for MLLP."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"{service.base_url}/hl7/v2?always_200=true"
    program = str(Path(sys.executable).with_name("mllp2http"))
    command = [program, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--content-type", "application/hl7-v2", url]
    environment = {**os.environ, "HTTP_AUTHORIZATION": f"Bearer {key}"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_an_mllp_sender_hears_the_acknowledgement(service, client):
    transplanted(client)
    with bridge(service, service.key("events:write")) as port:
        deadline = time.monotonic() + 20
        while True:
            try:
                link = socket.create_connection(("127.0.0.1", port), timeout=20)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with link:
            link.sendall(b"\x0b" + oru(ABSCESSUS).encode() + b"\x1c\r")
            heard = b""
            while not heard.endswith(b"\x1c\r"):
                piece = link.recv(4096)
                assert piece, heard
                heard += piece
    assert b"MSA|AA|17" in heard
    assert cases(client) == 1
