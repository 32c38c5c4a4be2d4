"""Alerts as they happen: Server-Sent Events that follow the alerts' history.

In:     where a listener left off, and the facilities its key reaches.
Out:    `alert.opened`, `alert.updated`, `alert.closed`, each with the history's number as `id`.
Source: docs/api-alerts.md; WHATWG HTML, 9.2, server-sent events.

Each look at the store is a transaction of its own in a thread: a waiting listener holds nothing.
"""

import signal
from collections.abc import AsyncIterator, Collection, Iterator

import anyio
import structlog
from fastapi.sse import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from service.api.alert_answers import tell_streamed
from service.errors import NotFound
from service.pipeline.alerting import find_alert
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store.unavailable import UNAVAILABLE

RETRY_MILLISECONDS = 3000
LONGEST_PAUSE_SECONDS = 0.5
"""How long a listener may keep the service from ending."""

EVENT_NAMES = {"opened": "alert.opened", "closed": "alert.closed"}
"""Everything else that happens to an alert is an update, `reason` says which."""

log = structlog.stdlib.get_logger(__name__)


def stand(surveillance: Surveillance, last_seen: int | None) -> int:
    """The entry after which a listener wants to hear: the last one seen, else the latest."""
    with surveillance.database.read() as connection:
        latest = alert_store.last_sequence(connection)
    return latest if last_seen is None else min(last_seen, latest)


async def alert_events(
    surveillance: Surveillance,
    reach: Collection[str] | None,
    after: int,
    poll_seconds: float,
) -> AsyncIterator[ServerSentEvent]:
    """The events from an entry on, until the listener leaves or the service ends."""
    yield ServerSentEvent(retry=RETRY_MILLISECONDS, comment="listening")
    while not is_ending():
        try:
            after, events = await run_in_threadpool(_look, surveillance, reach, after)
        except UNAVAILABLE:
            log.warning("the alert stream cannot look just now")
            events = []
        for event in events:
            yield event
        waited = 0.0
        while waited < poll_seconds and not is_ending():
            pause = min(LONGEST_PAUSE_SECONDS, poll_seconds - waited)
            await anyio.sleep(pause)
            waited += pause


def is_ending() -> bool:
    """Has the web server been asked to end?

    It waits for open answers and tells them nothing, so a stream would hold it for ever. While it
    runs, its own handler of the signal is installed, and that belongs to the server.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def _look(
    surveillance: Surveillance, reach: Collection[str] | None, after: int
) -> tuple[int, list[ServerSentEvent]]:
    with surveillance.database.read() as connection:
        entries = alert_store.history_after(connection, after)

        def seen() -> Iterator[ServerSentEvent]:
            for entry in entries:
                try:
                    alert = find_alert(connection, entry.alert_id, reach)
                except NotFound:
                    continue  # an alert of facilities that the key does not reach
                yield ServerSentEvent(
                    id=str(entry.sequence),
                    event=EVENT_NAMES.get(entry.name, "alert.updated"),
                    data=tell_streamed(alert, entry),
                )

        return (entries[-1].sequence if entries else after), list(seen())
