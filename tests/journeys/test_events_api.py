"""Sending events: what is kept, what is refused and why, and that every later answer knows of it.

The charts here are short: a kidney at one facility, an infection, a correction. Every test has a
facility of its own, so that one running service serves them all.
"""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NDJSON = {"content-type": "application/x-ndjson"}
GZIP = {"content-encoding": "gzip"}
PATIENT = "p-jane-doe"


def event(facility: str, event_id: str, **more: Any) -> dict[str, Any]:
    told = {
        "type": "outcome",
        "event_id": event_id,
        "facility": facility,
        "patient": PATIENT,
        "occurred_on": "2024-03-01",
    }
    return told | ({"outcome": "relapse"} if "type" not in more else {}) | more


def transplant(facility: str, event_id: str = "t1", **more: Any) -> dict[str, Any]:
    return event(facility, event_id, type="transplant", transplant_type="kidney", **more)


def infection(facility: str, event_id: str, on: str, **more: Any) -> dict[str, Any]:
    told = {"organism": "M. abscessus", "specimen": "sputum"} | more
    return event(facility, event_id, type="infection", occurred_on=on, **told)


def lines(*events: Any) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode()) + b"\n"
        for one in events
    )


def in_pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def post_lines(client, body: bytes, **headers: str):
    return client.post("/v1/events", content=body, headers=NDJSON | headers)


def kept(client, facility: str, patient: str = PATIENT) -> list[str]:
    answer = client.get(f"/v1/facilities/{facility}/patients/{patient}/events")
    if answer.status_code == 404:
        return []
    return [item["event_id"] for item in answer.json()["items"]]


def codes(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(fault["pointer"], fault["code"]) for fault in result["errors"]}


def require_problem(answer, status: int) -> dict[str, Any]:
    """A problem document, without a trace and without the patient."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert {"type", "title", "detail", "errors"} <= told.keys()
    assert PATIENT not in answer.text
    assert "Traceback" not in answer.text
    return told


# What is accepted


def test_one_event_is_accepted_and_a_get_right_after_sees_it(client, facility):
    answer = client.post("/v1/events", json=transplant(facility))
    told = answer.json()
    assert answer.status_code == 201
    assert (told["received"], told["accepted"], told["rejected"]) == (1, 1, 0)
    assert told["results"] == [
        {"index": 0, "event_id": "t1", "status": "accepted", "errors": [], "warnings": []}
    ]
    patient = client.get(f"/v1/facilities/{facility}/patients/{PATIENT}").json()
    assert patient["position"] >= told["position"]
    assert [course["index_date"] for course in patient["courses"]] == ["2024-03-01"]


def test_a_get_right_after_every_post_sees_the_case(client, facility):
    """Read your writes, twenty times in a row."""
    client.post("/v1/events", json=transplant(facility, occurred_on="2020-01-01"))
    for number in range(1, 21):
        on = f"2020-{1 + number // 3:02}-{1 + 9 * (number % 3):02}"
        sent = infection(facility, f"i{number}", on, organism="Escherichia coli", specimen="urine")
        assert client.post("/v1/events", json=sent).status_code == 201
        patient = client.get(f"/v1/facilities/{facility}/patients/{PATIENT}").json()
        assert len(patient["records"]) == number


def test_events_may_arrive_before_their_transplant(client, facility):
    assert (
        client.post("/v1/events", json=infection(facility, "i1", "2024-05-01")).status_code == 201
    )
    address = f"/v1/facilities/{facility}/patients/{PATIENT}"
    assert client.get(address).json()["records"][0]["reason"] == "no_transplant_known"
    assert client.post("/v1/events", json=transplant(facility)).status_code == 201
    assert client.get(address).json()["records"][0]["how"] == "opened_episode"


def test_lines_are_accepted_and_only_what_was_not_is_listed(client, facility):
    body = lines(transplant(facility), *(event(facility, f"e{n}") for n in range(2500)))
    answer = post_lines(client, in_pieces(body))
    assert answer.status_code == 201
    assert answer.json() | {"position": 0} == {
        "received": 2501,
        "accepted": 2501,
        "duplicates": 0,
        "rejected": 0,
        "position": 0,
        "results": [],
    }
    assert len(kept(client, facility)) == 2501


def test_lines_may_be_gzipped_and_the_last_may_lack_its_end(client, facility):
    body = gzip.compress(lines(transplant(facility), event(facility, "e1"))[:-1])
    assert post_lines(client, in_pieces(body, 20), **GZIP).json()["accepted"] == 2
    answer = client.post(
        "/v1/events",
        content=gzip.compress(json.dumps([event(facility, "e2")]).encode()),
        headers=GZIP | {"content-type": "application/json"},
    )
    assert answer.status_code == 201
    assert kept(client, facility) == ["t1", "e1", "e2"]


def test_empty_lines_count_as_lines_but_not_as_events(client, facility):
    body = b"\n" + lines(event(facility, "e1")) + b"\n  \r\n" + lines({"type": "nonsense"})
    told = post_lines(client, body).json()
    assert (told["received"], told["accepted"]) == (2, 1)
    assert [result["line"] for result in told["results"]] == [5]


def test_nothing_sent_is_nothing_received(client):
    assert post_lines(client, b"").json()["received"] == 0
    answer = client.post("/v1/events", json=[])
    assert (answer.status_code, answer.json()["received"]) == (201, 0)


# The same again


def test_sending_again_changes_nothing(client, facility):
    sent = [transplant(facility), infection(facility, "i1", "2024-05-01")]
    first = client.post("/v1/events", json=sent).json()
    again = client.post("/v1/events", json=sent)
    told = again.json()
    assert again.status_code == 201
    assert (told["accepted"], told["duplicates"]) == (0, 2)
    assert {result["status"] for result in told["results"]} == {"duplicate"}
    assert told["position"] == first["position"]
    assert kept(client, facility) == ["t1", "i1"]


def test_the_order_of_fields_and_white_space_are_not_content(client, facility):
    sent = event(facility, "e1")
    client.post("/v1/events", json=sent)
    turned = json.dumps(dict(reversed(sent.items())), indent=3)
    answer = client.post("/v1/events", content=turned, headers={"content-type": "application/json"})
    assert answer.json()["duplicates"] == 1


def test_the_same_name_for_other_content_is_a_conflict(client, facility):
    client.post("/v1/events", json=event(facility, "e1"))
    told = require_problem(
        client.post("/v1/events", json=event(facility, "e1", outcome="gvhd")), 422
    )
    assert codes(told["results"][0]) == {("/event_id", "event_id_conflict")}
    assert told["errors"][0]["pointer"] == "/event_id"


def test_the_same_name_at_another_facility_is_another_event(client, facility):
    other = f"{facility}-b"
    assert (
        client.post("/v1/events", json=[event(facility, "e1"), event(other, "e1")]).status_code
        == 201
    )


# Corrections


def test_a_replacement_takes_the_place_of_what_it_names(client, facility):
    """Wrong organism, corrected a day later: one episode, of the corrected organism."""
    sent = [
        transplant(facility),
        infection(facility, "i1", "2024-05-01", organism="M. abscessus"),
        infection(facility, "i2", "2024-05-01", organism="M. chelonae", replaces="i1"),
    ]
    assert client.post("/v1/events", json=sent).status_code == 201
    address = f"/v1/facilities/{facility}/patients/{PATIENT}"
    patient = client.get(address).json()
    assert [record["event_id"] for record in patient["records"]] == ["i2"]
    events = {item["event_id"]: item for item in client.get(f"{address}/events").json()["items"]}
    assert (events["i1"]["standing"], events["i1"]["struck_by"]) == (False, "i2")
    assert events["i2"]["standing"]
    assert events["i1"]["received"]["organism"] == "M. abscessus"


def test_a_voided_event_counts_for_nothing_but_stays_visible(client, facility):
    client.post("/v1/events", json=[transplant(facility), infection(facility, "i1", "2024-05-01")])
    void = event(facility, "x1", type="void", voids="i1", reason="another patient's")
    assert client.post("/v1/events", json=void).status_code == 201
    address = f"/v1/facilities/{facility}/patients/{PATIENT}"
    assert client.get(address).json()["episodes"] == []
    assert kept(client, facility) == ["t1", "i1", "x1"]


@pytest.mark.parametrize("field", ["voids", "replaces"])
def test_naming_an_unknown_event_is_an_error(client, facility, field):
    more = {"type": "void", "voids": "e9"} if field == "voids" else {"replaces": "e9"}
    told = require_problem(client.post("/v1/events", json=event(facility, "e1", **more)), 422)
    assert codes(told["results"][0]) == {(f"/{field}", "unknown_event")}
    assert kept(client, facility) == []


def test_an_event_of_the_same_batch_may_be_named_if_it_stands_earlier(client, facility):
    first, then = event(facility, "e1"), event(facility, "e2", outcome="gvhd", replaces="e1")
    answer = client.post("/v1/events", json=[then, first])
    assert answer.status_code == 207
    assert [r["status"] for r in answer.json()["results"]] == ["rejected", "accepted"]
    assert client.post("/v1/events", json=[then]).status_code == 201


# Remarks


def test_an_event_after_death_is_kept_with_a_remark(client, facility):
    sent = [
        transplant(facility),
        event(facility, "o1", occurred_on="2024-06-01", outcome="death"),
        infection(facility, "i1", "2024-07-01"),
    ]
    answer = client.post("/v1/events", json=sent)
    assert answer.status_code == 201
    warned = answer.json()["results"][2]["warnings"]
    assert "event_after_death" in {warning["code"] for warning in warned}


# Bad input: everything valid is kept, every fault is told, nothing of the patient is repeated


def test_each_fault_is_told_with_its_place_and_the_rest_is_kept(client, facility):
    sent = [
        transplant(facility),
        event(facility, "e1", colour=PATIENT),
        event(facility, "e2", occurred_on=PATIENT, outcome=7),
        event(facility, "r1", type="regimen", agents=["CsA", 7]),
        event(facility, "e3"),
        7,
    ]
    answer = client.post("/v1/events", json=sent)
    told = answer.json()
    assert answer.status_code == 207
    assert answer.headers["content-type"] == "application/json"
    assert (told["accepted"], told["rejected"]) == (2, 4)
    pointers = [{pointer for pointer, _ in codes(result)} for result in told["results"]]
    assert pointers == [
        set(),
        {"/1/colour"},
        {"/2/occurred_on", "/2/outcome"},
        {"/3/agents/1"},
        set(),
        {"/5"},
    ]
    assert PATIENT not in answer.text
    assert kept(client, facility) == ["t1", "e3"]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"type": "outcome",',
        b"[1, 2",
        b"",
        b"\x00",
        b'"' + b"\xff\xfe" + b'"',
        b"[" * 100_000,
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
    ],
    ids=["cut", "open", "empty", "nul", "not-utf8", "deep", "two", "quotes"],
)
def test_a_document_that_is_no_json_is_a_problem(client, body):
    headers = {"content-type": "application/json"}
    told = require_problem(client.post("/v1/events", content=body, headers=headers), 400)
    assert told["type"] == "/problems/unreadable"


@pytest.mark.parametrize("value", ["7", "null", '"text"', "true"])
def test_json_that_is_no_event_is_a_problem(client, value):
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/events", content=value, headers=headers)
    require_problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)


def test_a_date_that_is_not_yet_anywhere_on_earth_is_refused(client, facility):
    latest = (datetime.now(UTC) + timedelta(hours=14)).date()
    answer = client.post(
        "/v1/events",
        json=[
            event(facility, "e1", occurred_on=str(latest + timedelta(days=1))),
            event(facility, "e2", occurred_on=str(latest)),
        ],
    )
    assert [result["status"] for result in answer.json()["results"]] == ["rejected", "accepted"]
    assert codes(answer.json()["results"][0]) == {("/0/occurred_on", "future_date")}


@pytest.mark.parametrize(
    ("field", "term", "candidate"),
    [
        ("transplant_type", "ASCT", "auto_hsct"),
        ("transplant_type", "LTx", "liver"),
    ],
)
def test_a_term_that_stands_for_several_is_refused_with_those_it_may_mean(
    client, facility, field, term, candidate
):
    answer = client.post("/v1/events", json=transplant(facility) | {field: term})
    told = require_problem(answer, 422)
    (fault,) = told["errors"]
    assert fault["pointer"] == f"/{field}"
    assert candidate in fault["message"]


def test_ten_thousand_and_one_events_are_too_many_at_once(client, facility):
    sent = [event(facility, f"e{number}") for number in range(10_001)]
    told = require_problem(client.post("/v1/events", json=sent), 413)
    assert "10000" in told["detail"].replace(",", "")
    assert kept(client, facility) == []
    assert client.post("/v1/events", json=sent[:10_000]).json()["accepted"] == 10_000


def test_a_document_larger_than_allowed_is_413(client, facility):
    body = b"[" + b" " * (17 * 1024 * 1024) + b"]"
    headers = {"content-type": "application/json"}
    require_problem(client.post("/v1/events", content=body, headers=headers), 413)
    require_problem(client.post("/v1/events", content=in_pieces(body, 2**20), headers=headers), 413)
    squeezed = client.post("/v1/events", content=gzip.compress(body), headers=headers | GZIP)
    require_problem(squeezed, 413)


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_a_small_gzip_that_unfolds_beyond_all_measure_is_413(client, facility, media):
    """32 MiB of line ends in 32 KiB: neither memory nor the bounds on bodies would stop it."""
    bomb = gzip.compress(b"\n" * (32 * 1024 * 1024))
    assert len(bomb) < 40_000
    headers = GZIP | {"content-type": media}
    assert client.post("/v1/events", content=bomb, headers=headers).status_code == 413
    assert kept(client, facility) == []


def test_broken_lines_are_named_by_number_and_the_others_kept(client, facility):
    body = lines(
        transplant(facility),
        b'{"type": "outcome", "patient": "' + PATIENT.encode() + b'"',
        event(facility, "e2"),
        b'{"event_id": "\xff\xfe"}',
        event(facility, "e3", outcome="no such outcome"),
        b'{"event_id": "' + b"x" * (2 * 1024 * 1024) + b'"}',
        event(facility, "e4"),
    )
    answer = post_lines(client, in_pieces(body, 50_000))
    told = answer.json()
    assert answer.status_code == 207
    assert (told["received"], told["accepted"], told["rejected"]) == (7, 3, 4)
    assert [result["line"] for result in told["results"]] == [2, 4, 5, 6]
    assert all(result["errors"] for result in told["results"])
    assert told["results"][2]["errors"][0]["pointer"] == "/outcome"
    assert PATIENT not in answer.text
    assert kept(client, facility) == ["t1", "e2", "e4"]


def test_separators_that_only_look_like_line_ends_do_not_end_a_line(client, facility):
    """U+2028 and U+0085 may stand inside a JSON string."""
    void = event(facility, "x1", type="void", voids="e1", reason="one\u2028two\u0085three")
    answer = post_lines(client, lines(event(facility, "e1"), void))
    assert (answer.status_code, answer.json()["accepted"]) == (201, 2)


def test_a_truncated_gzip_says_so_and_what_came_whole_is_kept(client, facility):
    events = [event(facility, f"e{number:05}") for number in range(20_000)]
    body = gzip.compress(lines(*events))
    answer = post_lines(client, body[: len(body) // 2], **GZIP)
    told = require_problem(answer, 400)
    assert told["code"] == "truncated_gzip"
    assert 0 < told["accepted"] == told["received"] < 20_000
    assert kept(client, facility) == [one["event_id"] for one in events[: told["accepted"]]]


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_what_claims_to_be_gzip_and_is_not_is_refused(client, facility, media):
    body = json.dumps(event(facility, "e1")).encode()
    headers = GZIP | {"content-type": media}
    told = require_problem(client.post("/v1/events", content=body, headers=headers), 400)
    assert told["code"] == "malformed_gzip"
    assert kept(client, facility) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/csv"},
        {"content-type": "application/xml"},
        {},
        {"content-type": "application/json", "content-encoding": "br"},
        {"content-type": "application/x-ndjson", "content-encoding": "zstd"},
    ],
)
def test_other_types_and_compressions_are_415(client, headers):
    require_problem(client.post("/v1/events", content=b"{}", headers=headers), 415)


def test_many_faults_are_listed_up_to_a_thousand_and_all_counted(client):
    told = require_problem(post_lines(client, lines(*([b"{"] * 1500))), 422)
    assert (told["received"], told["rejected"]) == (1500, 1500)
    assert [result["line"] for result in told["results"]] == list(range(1, 1001))


# All or nothing


def test_with_atomic_one_fault_keeps_everything_out(client, facility):
    sent = [transplant(facility), event(facility, "e1", outcome="?"), event(facility, "e2")]
    told = require_problem(client.post("/v1/events?atomic=true", json=sent), 422)
    assert {result["status"] for result in told["results"]} == {"rejected"}
    assert codes(told["results"][0]) == {("/0", "not_stored")}
    assert {pointer for pointer, _ in codes(told["results"][1])} == {"/1/outcome"}
    assert kept(client, facility) == []


def test_with_atomic_a_fault_that_only_the_store_knows_keeps_everything_out(client, facility):
    client.post("/v1/events", json=event(facility, "e1"))
    sent = [event(facility, "e2"), event(facility, "e1", outcome="gvhd"), event(facility, "e1")]
    told = require_problem(client.post("/v1/events?atomic=true", json=sent), 422)
    assert [result["status"] for result in told["results"]] == ["rejected", "rejected", "duplicate"]
    assert kept(client, facility) == ["e1"]


def test_with_atomic_and_no_fault_everything_is_kept(client, facility):
    sent = [transplant(facility), event(facility, "e1")]
    answer = client.post("/v1/events?atomic=true", json=sent)
    assert (answer.status_code, answer.json()["accepted"]) == (201, 2)
    assert client.post("/v1/events?atomic=true", json=sent).json()["duplicates"] == 2


def test_a_stream_cannot_be_atomic(client, facility):
    answer = client.post(
        "/v1/events?atomic=true", content=lines(event(facility, "e")), headers=NDJSON
    )
    told = require_problem(answer, 422)
    assert told["errors"][0]["pointer"] == "?atomic"
    assert kept(client, facility) == []


def test_a_parameter_nobody_knows_is_refused_by_name(client, facility):
    told = require_problem(client.post("/v1/events?atomc=true", json=event(facility, "e1")), 422)
    assert told["errors"][0]["pointer"] == "?atomc"
    assert kept(client, facility) == []


# Whose events


def test_a_key_bound_to_a_facility_writes_for_no_other(service, client, facility):
    key = service.key("events:write", facilities=(facility,))
    with service.client(key) as sender:
        answer = sender.post("/v1/events", json=[event(facility, "e1"), event("elsewhere", "e1")])
        told = answer.json()
        assert answer.status_code == 207
        assert codes(told["results"][1]) == {("/1/facility", "facility_not_allowed")}
        require_problem(sender.post("/v1/events", json=event("elsewhere", "e1")), 422)
        streamed = post_lines(sender, lines(event("elsewhere", "e1"), event(facility, "e2")))
        assert streamed.json()["accepted"] == 1
    assert kept(client, facility) == ["e1", "e2"]
    assert kept(client, "elsewhere") == []


def test_no_log_line_and_no_metric_holds_a_patient(service, client, facility):
    client.post("/v1/events", json=[transplant(facility), event(facility, "e1", colour=PATIENT)])
    client.get(f"/v1/facilities/{facility}/patients/{PATIENT}?x={PATIENT}")
    assert PATIENT not in service.log
    assert PATIENT not in client.get("/metrics").text
