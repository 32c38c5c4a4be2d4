"""The client for programs that run in an event loop.

In:     as `service.client.sending`.
Out:    the same answers, awaited.
Source: docs/client.md.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
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
from service.client.sending import PATIENCE


class AsyncClient:
    """One service, for one event loop."""

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        patience: Patience = PATIENCE,
        timeout_seconds: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is connected yet; the key travels in a header and is never logged."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout_seconds, transport=transport
        )
        self._patience = patience
        self._pause = pause

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def send(self, events: Iterable[Mapping[str, object]]) -> Receipt:
        """Send events, in order, as `Client.send` does."""
        receipt = Receipt()
        for batch in batches([line_of(event) for event in events]):
            receipt += await self._send_batch(batch)
        return receipt

    async def rates(self, **asked: Any) -> Rates:
        """Incidence rates, as `Client.rates`."""
        return await self._get("/v1/rates", Rates, asked)

    async def alerts(self, **asked: Any) -> AsyncIterator[Alert]:
        """The alerts, the newest first, page by page."""
        page = await self._get("/v1/alerts", Alerts, asked)
        while True:
            for alert in page.items:
                yield alert
            if not page.next:
                return
            page = await self._get(page.next, Alerts)

    async def alert(self, alert_id: str) -> Alert:
        """One alert."""
        return await self._get(f"/v1/alerts/{alert_id}", Alert)

    async def _get(
        self, path: str, kind: type[Answer], asked: Mapping[str, Any] | None = None
    ) -> Answer:
        return read(await self._insist("GET", path, params=dict(asked) if asked else None), kind)

    async def _send_batch(self, lines: Sequence[bytes]) -> Receipt:
        answer = await self._insist("POST", EVENTS, content=body_of(lines), headers=JSON)
        if two := halves(answer, lines):
            first = await self._send_batch(two[0])
            return first + await self._send_batch(two[1])
        return receipt_of(answer, lines)

    async def _insist(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask until there is an answer that asking again would not change."""
        tries = Tries(self._patience)
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = await self._http.request(method, path, **request)
            except httpx.TransportError as fault:
                outcome = fault
            judged = tries.judge(outcome)
            if isinstance(judged, httpx.Response):
                return judged
            await self._pause(judged)
