"""Send events and ask for figures, with as many tries as it takes.

In:     the address of a service, a key, and patience.
Out:    typed answers; `Unreachable` where patience ended, `Refused` where trying again is no use.
Source: docs/client.md. An event sent again is a duplicate and changes nothing: docs/api.md.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import httpx

from service.client.answers import Alert, Alerts, Rates, Receipt
from service.client.events import line_of
from service.client.exchange import (
    EVENTS,
    JSON,
    Answer,
    Tries,
    batches,
    body_of,
    halves,
    read,
    receipt_of,
)
from service.client.retrying import Patience

PATIENCE = Patience()


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
        params = dict(asked) if asked else None
        return read(self._insist("GET", path, self._patience, params=params), kind)

    def _send_batch(self, lines: Sequence[bytes], patience: Patience) -> Receipt:
        answer = self._insist("POST", EVENTS, patience, content=body_of(lines), headers=JSON)
        if two := halves(answer, lines):
            return self._send_batch(two[0], patience) + self._send_batch(two[1], patience)
        return receipt_of(answer, lines)

    def _insist(self, method: str, path: str, patience: Patience, **request: Any) -> httpx.Response:
        """Ask until there is an answer that asking again would not change."""
        tries = Tries(patience)
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.request(method, path, **request)
            except httpx.TransportError as fault:
                outcome = fault
            judged = tries.judge(outcome)
            if isinstance(judged, httpx.Response):
                return judged
            self._pause(judged)
