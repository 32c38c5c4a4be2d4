"""A patient moves to another facility: both consent, and each day counts at one of them."""

from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from service.domain.audit_chain import COMMAND_LINE
from service.errors import Conflict
from service.pipeline.moves import accept_move
from service.pipeline.rebuild import rebuild
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from tests.journeys.test_patients_api import rows_naming

OLD_NAME, NEW_NAME = "p-at-old", "p-at-new"
KIDNEY = {"type": "transplant", "occurred_on": "2020-01-01", "transplant_type": "kidney"}
TACROLIMUS = {"type": "regimen", "occurred_on": "2020-01-01", "agents": ["tacrolimus"]}


def ntm(on: str) -> dict[str, Any]:
    return {"type": "infection", "occurred_on": on, "organism": "M. abscessus", "site": "lung"}


@pytest.fixture
def sides(service, facility):
    """The old and the new facility, each with a key of its own, and a stranger."""
    old, new = f"{facility}-old", f"{facility}-new"
    with ExitStack() as stack:

        def client(*facilities: str) -> Any:
            return stack.enter_context(service.client(service.key(facilities=facilities)))

        yield SimpleNamespace(
            old=old,
            new=new,
            giver=client(old),
            receiver=client(new),
            stranger=client("elsewhere"),
            everybody=stack.enter_context(service.client(service.key())),
            database_url=service.database_url,
        )


@pytest.fixture
def send(sides):
    sent = iter(range(1000))

    def post(where: str, *events: dict[str, Any]) -> None:
        name = OLD_NAME if where == sides.old else NEW_NAME
        told = [
            {"facility": where, "patient": name, "event_id": f"e{next(sent)}"} | event
            for event in events
        ]
        answer = sides.everybody.post("/v1/events", json=told)
        assert answer.status_code == 201, answer.text

    return post


def offer(sides: Any, on: str = "2020-03-01") -> dict[str, Any]:
    answer = sides.giver.post(
        f"/v1/facilities/{sides.old}/patients/{OLD_NAME}/moves",
        json={"to_facility": sides.new, "on": on},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def accept(sides: Any, move: str) -> dict[str, Any]:
    answer = sides.receiver.post(f"/v1/moves/{move}/accept", json={"patient": NEW_NAME})
    assert answer.status_code == 200, answer.text
    return answer.json()


def rate(sides: Any, where: str, **more: Any) -> tuple[int, int]:
    asked = {"facility": where, "infection_type": "ntm", "end": "2020-12-31"} | more
    total = sides.everybody.get("/v1/rates", params=asked).json()["total"]
    return total["cases"], total["person_days"]


def test_each_day_counts_where_the_patient_was(sides, send):
    """NTM in February at the old facility; in March the same infection is grown once more at the
    new one, which would be a case there if nobody knew of the first."""
    send(sides.old, KIDNEY, TACROLIMUS, ntm("2020-02-10"))
    before = rate(sides, sides.old)
    moved = accept(sides, offer(sides)["id"])
    send(sides.new, ntm("2020-03-05"), {"type": "follow_up", "occurred_on": "2020-05-01"})

    days_before = (date(2020, 3, 1) - date(2020, 1, 1)).days
    at_risk = {"person_time": "follow_up", "episodes": "all"}
    assert rate(sides, sides.old, **at_risk) == (1, days_before)
    until = date(2020, 5, 1) + timedelta(days=90)
    assert rate(sides, sides.new, **at_risk) == (0, (until - date(2020, 3, 1)).days + 1)
    assert rate(sides, sides.new) == (0, 0), "after the first there is no second first"
    assert rate(sides, sides.old, as_of=moved["position"]) == (1, days_before - 19)
    assert rate(sides, sides.old, as_of=1) == (0, 0)
    assert before[0] == 1

    timeline = sides.receiver.get(f"/v1/facilities/{sides.new}/patients/{NEW_NAME}").json()
    (course,) = timeline["courses"]
    assert course["index_date"] == "2020-01-01"
    assert course["spells"][0]["start"] == "2020-03-01"
    assert course["regimens"][0]["regimen"] == "tacrolimus"
    assert {record["reason"] for record in timeline["records"]} == {"elsewhere"}
    left = sides.giver.get(f"/v1/facilities/{sides.old}/patients/{OLD_NAME}").json()
    assert left["courses"][0]["spells"][-1] | {"person_days": None} == {
        "start": "2020-01-01",
        "end": "2020-02-29",
        "ended_by": "moved",
        "open": False,
        "runs_until": "2020-02-29",
        "person_days": None,
    }


def test_nothing_of_the_patient_is_shown_before_acceptance(sides, send):
    send(sides.old, KIDNEY)
    offered = offer(sides)
    assert (offered["patient"], offered["state"], offered["on"]) == (
        OLD_NAME,
        "offered",
        "2020-03-01",
    )
    assert offer(sides) == offered
    (seen,) = sides.receiver.get("/v1/moves").json()["items"]
    hidden = {"patient": None, "on": None}
    assert seen == offered | hidden
    assert sides.receiver.get(f"/v1/moves/{offered['id']}").json() == seen
    unknown = sides.receiver.get(f"/v1/facilities/{sides.new}/patients/{NEW_NAME}")
    assert unknown.status_code == 404
    for method, end in (("GET", ""), ("DELETE", ""), ("POST", "/accept")):
        body = {"json": {"patient": "x"}} if method == "POST" else {}
        answer = sides.stranger.request(method, f"/v1/moves/{offered['id']}{end}", **body)
        assert answer.status_code == 404, answer.text
    assert sides.stranger.get("/v1/moves").json()["items"] == []
    early = sides.giver.post(f"/v1/moves/{offered['id']}/accept", json={"patient": "x"})
    assert (early.status_code, early.json()["code"]) == (403, "facility_not_allowed")

    accepted = accept(sides, offered["id"])
    assert (accepted["patient"], accepted["to_patient"]) == (None, NEW_NAME)
    assert accept(sides, offered["id"]) == accepted
    told = sides.giver.get(f"/v1/moves/{offered['id']}").json()
    assert (told["patient"], told["to_patient"]) == (OLD_NAME, None)
    address = f"/v1/facilities/{sides.new}/patients/{NEW_NAME}"
    for end in ("", "/events", "/report"):
        assert OLD_NAME not in sides.receiver.get(address + end).text
    address = f"/v1/facilities/{sides.old}/patients/{OLD_NAME}"
    for end in ("", "/events", "/report"):
        assert NEW_NAME not in sides.giver.get(address + end).text


def test_a_move_that_is_taken_back_has_never_been(sides, send):
    send(sides.old, KIDNEY, ntm("2020-02-10"), {"type": "follow_up", "occurred_on": "2020-06-01"})

    def figures(**more: Any) -> list[tuple[int, int]]:
        asked = {"person_time": "follow_up", "episodes": "all"} | more
        return [rate(sides, where, **asked) for where in (sides.old, sides.new)]

    before = figures()
    moved = accept(sides, offer(sides)["id"])
    after = figures()
    assert after != before
    assert sum(days for _, days in after) == sum(days for _, days in before)
    ended = sides.receiver.delete(f"/v1/moves/{moved['id']}")
    assert ended.json()["state"] == "taken_back"
    assert figures() == before
    assert figures(as_of=moved["position"]) == after
    again = sides.giver.delete(f"/v1/moves/{moved['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "offer_closed")


def test_there_and_back_again(sides, send):
    """January and February here, March there, from April here again: no day twice, none lost."""
    send(sides.old, KIDNEY, {"type": "follow_up", "occurred_on": "2020-06-01"})
    follow_up = {"person_time": "follow_up", "episodes": "all"}
    _, all_days = rate(sides, sides.old, **follow_up)
    accept(sides, offer(sides, "2020-03-01")["id"])
    back = sides.receiver.post(
        f"/v1/facilities/{sides.new}/patients/{NEW_NAME}/moves",
        json={"to_facility": sides.old, "on": "2020-04-01"},
    ).json()
    body = {"patient": OLD_NAME}
    assert sides.giver.post(f"/v1/moves/{back['id']}/accept", json=body).status_code == 200
    assert rate(sides, sides.new, **follow_up) == (0, 31)
    assert rate(sides, sides.old, **follow_up) == (0, all_days - 31)


def test_what_cannot_be_is_told_why(sides, send):
    send(sides.old, KIDNEY)
    address = f"/v1/facilities/{sides.old}/patients"

    def offered(name: str = OLD_NAME, **more: Any) -> tuple[int, str]:
        body = {"to_facility": sides.new, "on": "2020-03-01"} | more
        answer = sides.giver.post(f"{address}/{name}/moves", json=body)
        return answer.status_code, answer.json().get("code", "")

    tomorrow = str(datetime.now(UTC).date() + timedelta(days=3))
    assert offered("nobody") == (404, "not_found")
    assert offered(to_facility=sides.old) == (422, "bad_query")
    assert offered(on=tomorrow) == (422, "bad_query")
    open_offer = offer(sides)["id"]
    assert offered(on="2020-04-01") == (409, "already_offered")
    assert sides.receiver.delete(f"/v1/moves/{open_offer}").json()["state"] == "declined"
    withdrawn = offer(sides)["id"]
    assert sides.giver.delete(f"/v1/moves/{withdrawn}").json()["state"] == "withdrawn"
    late = sides.receiver.post(f"/v1/moves/{withdrawn}/accept", json={"patient": NEW_NAME})
    assert (late.status_code, late.json()["code"]) == (409, "offer_closed")
    accept(sides, offer(sides)["id"])
    assert offered(on="2020-05-01") == (409, "patient_elsewhere")

    (came,) = (
        event
        for event in sides.receiver.get(
            f"/v1/facilities/{sides.new}/patients/{NEW_NAME}/events"
        ).json()["items"]
        if event["received"]["type"] == "arrival"
    )
    void = {
        "type": "void",
        "event_id": "v",
        "facility": sides.new,
        "patient": NEW_NAME,
        "occurred_on": "2020-03-01",
        "voids": came["event_id"],
    }
    refused = sides.receiver.post("/v1/events", json=void).json()["results"][0]
    assert refused["errors"][0]["code"] == "unknown_event", "half a move is none"


def test_an_offer_expires(start_service):
    """Checked on the store: two weeks are too long to wait for."""
    with start_service(auth="off") as service, service.client(None) as client:
        event = KIDNEY | {"facility": "f", "patient": "p", "event_id": "t"}
        assert client.post("/v1/events", json=event).status_code == 201
        body = {"to_facility": "g", "on": "2020-03-01"}
        answer = client.post("/v1/facilities/f/patients/p/moves", json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        database = Database(service.database_url)
        later = datetime.now(UTC) + timedelta(days=15)
        try:
            surveillance = Surveillance(database, clock=lambda: later)
            with pytest.raises(Conflict, match="expired"):
                accept_move(surveillance, made["id"], "q", None, COMMAND_LINE)
        finally:
            database.close()


@pytest.mark.parametrize("erased", [OLD_NAME, NEW_NAME])
def test_each_side_erases_its_own(start_service, erased):
    """The other facility's figures stay, and nothing names the patient who was erased."""
    with start_service(auth="off") as service, service.client(None) as client:
        where = {OLD_NAME: "old", NEW_NAME: "new"}
        for number, event in enumerate((KIDNEY, ntm("2020-02-10"))):
            told = event | {"facility": "old", "patient": OLD_NAME, "event_id": f"e{number}"}
            assert client.post("/v1/events", json=told).status_code == 201
        body = {"to_facility": "new", "on": "2020-03-01"}
        made = client.post(f"/v1/facilities/old/patients/{OLD_NAME}/moves", json=body).json()
        client.post(f"/v1/moves/{made['id']}/accept", json={"patient": NEW_NAME})
        other = next(name for name in where if name != erased)

        def days(name: str) -> int:
            asked = {"facility": where[name], "person_time": "follow_up", "episodes": "all"}
            return client.get("/v1/rates", params=asked).json()["total"]["person_days"]

        kept = days(other)
        assert kept > 0
        gone = client.delete(f"/v1/facilities/{where[erased]}/patients/{erased}")
        assert gone.status_code == 204
        assert (days(erased), days(other)) == (0, kept)
        assert rows_naming(service.database_url, erased) == set()
        assert client.delete(f"/v1/moves/{made['id']}").json()["state"] == "taken_back"
        database = Database(service.database_url)
        try:
            assert rebuild(Surveillance(database)).is_clean
        finally:
            database.close()
