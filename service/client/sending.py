"""Send events and ask for figures, with as many tries as it takes.

In:     the address of a service, a key, and patience.
Out:    typed answers; `Unreachable` where patience ended, `Refused` where trying again is no use.
Source: docs/client.md. An event sent again is a duplicate and changes nothing: docs/api.md.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from service.client.answers import Alert, Alerts, Fault, Problem, Rates, Receipt, Result
from service.client.events import line_of
from service.client.faults import Refused, Unreachable
from service.client.retrying import TRY_AGAIN, Patience, pause_before, wanted_pause

MOST_EVENTS = 1_000
MOST_BYTES = 4_000_000
"""Of one request; both well below what a service takes as it is shipped."""

TOO_LARGE = 413
JSON = {"content-type": "application/json"}
PATIENCE = Patience()
TOO_LONG = Fault("", "too_large", "The event is larger than the service takes.")
REFUSED_FOR_ITS_SIZE = Receipt(
    received=1, rejected=1, results=(Result(0, None, "rejected", (TOO_LONG,)),)
)
"""No other event has to wait behind one that will never be taken."""

Answer = TypeVar("Answer")


class Client:
    """One service, for one thread at a time."""

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        patience: Patience = PATIENCE,
        timeout_seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is connected yet; the key travels in a header and is never logged."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout_seconds, transport=transport
        )
        self._patience = patience
        self._pause = pause

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def send(self, events: Iterable[Mapping[str, object]]) -> Receipt:
        """Send events, in order, and return once all are on the service's disk or rejected.

        Raises `Unreachable` after patience; what was sent until then stays, and all may be sent
        again. An event without an `event_id` is named after its content.
        """
        return self.send_lines([line_of(event) for event in events])

    def send_lines(self, lines: Sequence[bytes], patience: Patience | None = None) -> Receipt:
        """Send events that are JSON already; each must have its `event_id`."""
        receipt = Receipt()
        for batch in batches(lines):
            receipt += self._send_batch(batch, patience or self._patience)
        return receipt

    def rates(self, **asked: Any) -> Rates:
        """Incidence rates: `client.rates(by="agent", infection_type="ntm", start="2020-01-01")`."""
        return self._get("/v1/rates", Rates, asked)

    def alerts(self, **asked: Any) -> Iterator[Alert]:
        """The alerts, the newest first, page by page: `client.alerts(status="open")`."""
        page = self._get("/v1/alerts", Alerts, asked)
        yield from page.items
        while page.next:
            page = self._get(page.next, Alerts)
            yield from page.items

    def alert(self, alert_id: str) -> Alert:
        """One alert."""
        return self._get(f"/v1/alerts/{alert_id}", Alert)

    def _get(self, path: str, kind: type[Answer], asked: Mapping[str, Any] | None = None) -> Answer:
        answer = self._insist("GET", path, self._patience, params=dict(asked) if asked else None)
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer)
        return _read(answer, kind)

    def _send_batch(self, lines: Sequence[bytes], patience: Patience) -> Receipt:
        body = b"[" + b",".join(lines) + b"]"
        answer = self._insist("POST", "/v1/events", patience, content=body, headers=JSON)
        if answer.status_code == TOO_LARGE:
            if len(lines) == 1:
                return REFUSED_FOR_ITS_SIZE
            half = len(lines) // 2
            first = self._send_batch(lines[:half], patience)
            return first + self._send_batch(lines[half:], patience)
        if answer.status_code in (200, 201, 207, 422):
            try:
                receipt = msgspec.json.decode(answer.content, type=Receipt)
            except msgspec.DecodeError:
                raise _refusal(answer) from None
            if len(receipt.results) == len(lines):
                return receipt
        raise _refusal(answer)

    def _insist(self, method: str, path: str, patience: Patience, **request: Any) -> httpx.Response:
        """Ask until there is an answer that asking again would not change."""
        deadline = time.monotonic() + patience.seconds
        attempt = 0
        while True:
            attempt += 1
            wanted: float | None = None
            try:
                answer = self._http.request(method, path, **request)
            except httpx.TransportError as fault:
                reason = type(fault).__name__
            else:
                if answer.status_code not in TRY_AGAIN:
                    return answer
                reason = f"status {answer.status_code}"
                wanted = wanted_pause(answer.headers, datetime.now(UTC))
            pause = pause_before(attempt, patience, random.random(), wanted)  # noqa: S311
            if time.monotonic() + pause > deadline:
                words = f"The service could not be reached ({reason})."
                raise Unreachable(words, wanted_pause=wanted)
            self._pause(pause)


def batches(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The lines in order, as many at a time as go into one request."""
    first = size = 0
    for place, line in enumerate(lines):
        if place > first and (place - first == MOST_EVENTS or size + len(line) > MOST_BYTES):
            yield lines[first:place]
            first, size = place, 0
        size += len(line)
    if first < len(lines):
        yield lines[first:]


def _read(answer: httpx.Response, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError:
        words = "This is no answer of a service that the client knows: is the address right?"
        raise Refused(words, status=answer.status_code) from None


def _refusal(answer: httpx.Response) -> Refused:
    """The problem as the service words it, which holds no value that was sent."""
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    words = problem.detail or problem.title or f"The service answered {answer.status_code}."
    return Refused(words, status=answer.status_code, code=problem.code)
