"""Sending: the same events again until there is an answer, in requests of bounded size."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import msgspec
import pytest

from service.client import AsyncClient, Client, Patience, Receipt, Refused, Unreachable
from service.client.exchange import MOST_BYTES, MOST_EVENTS, batches

EVENTS = [{"type": "void", "event_id": f"v{n}", "facility": "f"} for n in range(3)]
Answer = httpx.Response | Exception


def accepted(request: httpx.Request) -> httpx.Response:
    sent = msgspec.json.decode(request.content)
    results = [
        {"index": place, "event_id": event["event_id"], "status": "accepted"}
        for place, event in enumerate(sent)
    ]
    counts = {"received": len(sent), "accepted": len(sent), "duplicates": 0, "rejected": 0}
    return httpx.Response(201, json={**counts, "position": len(sent), "results": results})


class Service:
    """Gives the answers it was told to give, then accepts everything."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def client(self, **more: Any) -> Client:
        transport = httpx.MockTransport(self.handle)
        return Client("http://x", "KEY", transport=transport, pause=self.pauses.append, **more)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else accepted
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)


def test_the_same_events_are_sent_again_until_they_are_taken() -> None:
    busy = httpx.Response(503, headers={"retry-after": "7"})
    service = Service(httpx.ConnectError("x"), busy, httpx.ReadTimeout("x"), httpx.Response(429))
    with service.client() as client:
        receipt = client.send(EVENTS)
    assert (receipt.accepted, receipt.position) == (3, 3)
    assert len({request.content for request in service.requests}) == 1
    assert len(service.requests) == 5
    assert service.pauses[1] > 7
    assert service.pauses[0] < service.pauses[2] < service.pauses[3] * 2
    assert service.requests[0].headers["authorization"] == "Bearer KEY"


def test_a_client_in_an_event_loop_does_the_same() -> None:
    service = Service(httpx.ConnectError("x"), httpx.Response(503), httpx.Response(413), accepted)

    async def pause(seconds: float) -> None:
        service.pauses.append(seconds)

    async def send() -> Receipt:
        transport = httpx.MockTransport(service.handle)
        async with AsyncClient("http://x", "KEY", transport=transport, pause=pause) as client:
            return await client.send(EVENTS)

    receipt = asyncio.run(send())
    assert [result.event_id for result in receipt.results] == ["v0", "v1", "v2"]
    assert (receipt.accepted, len(service.pauses), len(service.requests)) == (3, 2, 5)


def test_patience_ends() -> None:
    service = Service(*[httpx.Response(503, headers={"retry-after": "9"})] * 9)
    with pytest.raises(Unreachable) as caught:
        service.client(patience=Patience(seconds=0)).send(EVENTS)
    assert caught.value.wanted_pause == 9
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302, 415])
def test_what_will_not_change_is_not_tried_again(status: int) -> None:
    problem = {"title": "No", "detail": "Not with this key.", "code": "scope_missing"}
    service = Service(httpx.Response(status, json=problem))
    with pytest.raises(Refused, match="Not with this key") as caught:
        service.client().send(EVENTS)
    assert (caught.value.status, caught.value.code) == (status, "scope_missing")
    assert len(service.requests) == 1


@pytest.mark.parametrize("text", ["<html>", "{}", "[]", '{"results": [{"index": 0}]}'])
def test_another_services_answer_is_not_taken_for_a_receipt(text: str) -> None:
    service = Service(httpx.Response(200, text=text))
    with pytest.raises(Refused):
        service.client().send(EVENTS)


def test_rejected_events_are_told_with_their_faults() -> None:
    fault = {"pointer": "/0/voids", "code": "unknown_event", "message": "No such event."}
    results = [
        {"index": n, "event_id": f"v{n}", "status": "rejected", "errors": [fault], "warnings": []}
        for n in range(3)
    ]
    told = {"received": 3, "rejected": 3, "results": results, "title": "Nothing was stored"}
    receipt = Service(httpx.Response(422, json=told)).client().send(EVENTS)
    assert (receipt.rejected, receipt.results[2].errors[0].code) == (3, "unknown_event")


def test_a_request_that_is_too_large_is_halved() -> None:
    service = Service(httpx.Response(413), accepted, httpx.Response(413))
    receipt = service.client().send(EVENTS)
    assert [result.event_id for result in receipt.results] == ["v0", "v1", "v2"]
    assert [result.index for result in receipt.results] == [0, 1, 2]
    alone = Service(httpx.Response(413), httpx.Response(413)).client().send(EVENTS)
    assert (alone.accepted, alone.rejected) == (2, 1), "the others do not wait behind it"
    assert alone.results[0].errors[0].code == "too_large"


def test_requests_are_bounded_in_number_and_size() -> None:
    def sizes(lines: Iterable[bytes]) -> list[int]:
        return [len(batch) for batch in batches(list(lines))]

    assert sizes([b"x"] * (2 * MOST_EVENTS + 1)) == [MOST_EVENTS, MOST_EVENTS, 1]
    large = b"x" * (MOST_BYTES // 2)
    assert sizes([large, large, b"x", large + b"xx" * MOST_BYTES]) == [2, 1, 1]
    assert sizes([]) == []


def test_figures_and_alerts_are_typed_and_later_members_passed_over() -> None:
    limits = {"lower": 0.9, "upper": 9.1, "level": 0.95}
    rate = {
        "stratum": {"agent": "tacrolimus"},
        "cases": 4,
        "person_days": 41233,
        "person_years": 112.89,
        "rate": 3.543,
        "ci": {**limits, "method": "exact"},
        "anytime_ci": limits,
        "provisional": False,
        "added_later": 1,
    }
    told = {
        "definition": {"episodes": "first"},
        "as_of": {"position": 4211, "recorded_at": "2026-11-22T08:15:02Z"},
        "unit": "per 100 person_years",
        "additive": True,
        "by": ["agent"],
        "rows": [rate],
        "total": {**rate, "stratum": {}, "rate": None},
    }
    service = Service(httpx.Response(200, json=told))
    found = service.client().rates(by="agent", infection_type=["ntm", "viral"])
    assert (found.rows[0].rate, found.rows[0].ci.method, found.total.rate) == (3.543, "exact", None)
    query = "by=agent&infection_type=ntm&infection_type=viral"
    assert service.requests[0].url.query.decode() == query
    first = {"items": [], "next": "/v1/alerts?cursor=x"}
    pages = Service(httpx.Response(200, json=first), httpx.Response(200, json={"items": []}))
    assert list(pages.client().alerts(status="open")) == []
    assert [request.url.query for request in pages.requests] == [b"status=open", b"cursor=x"]
