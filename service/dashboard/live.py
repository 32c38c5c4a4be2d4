"""Tell an open page that its alerts changed, by Server-Sent Events.

In:     the history of alerts, looked at every `sse_poll_seconds`.
Out:    `/live`: one event, without any content, for each look that found something new. Who was cut
        off names the last one heard, as browsers do, and is told of what came since.
Source: the HTML standard, Server-sent events. `/v1/alerts/stream` asks for a key in a header, which
        a browser's EventSource cannot send; a page's session travels in a cookie.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from service.dashboard.routes import PageRoute
from service.dashboard.viewers import (
    NotSignedIn,
    Viewer,
    settings_of,
    surveillance_of,
    viewer_of,
)
from service.errors import Forbidden
from service.monitors.visibility import is_visible
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store.unavailable import UNAVAILABLE

HEARTBEAT_SECONDS = 15.0
"""Proxies cut a silent stream; and each time it is asked again who is looking."""
LONGEST_PAUSE_SECONDS = 0.5
"""How long a listener may keep the service from ending."""
ENDING: tuple[type[Exception], ...] = (NotSignedIn, Forbidden, *UNAVAILABLE)
RETRY = "retry: 5000\n\n"
HEARTBEAT = ": still here\n\n"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/live")
async def stream(
    request: Request, viewer: Annotated[Viewer, Depends(viewer_of)]
) -> StreamingResponse:
    """Stream the changes of the alerts that the viewer may see."""
    last = await run_in_threadpool(_last, surveillance_of(request))  # refused before it begins
    return StreamingResponse(
        _changes(request, viewer, min(last, _heard(request, last))),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _changes(request: Request, viewer: Viewer, sequence: int) -> AsyncIterator[str]:
    surveillance, clock = surveillance_of(request), asyncio.get_running_loop().time
    pause = settings_of(request).sse_poll_seconds
    yield RETRY
    yield _event("here", sequence)
    asked = clock()
    while not is_ending():
        try:
            latest, concerns = await run_in_threadpool(_news, surveillance, viewer, sequence)
            if concerns:
                yield _event("alerts", latest)
            sequence = latest
            if clock() - asked >= HEARTBEAT_SECONDS:
                viewer = await run_in_threadpool(viewer_of, request)
                asked = clock()
                yield HEARTBEAT
        except ENDING:
            return  # the browser comes again, and is told why
        until = clock() + pause
        while clock() < until and not is_ending():
            await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, until - clock()))


def _event(name: str, sequence: int) -> str:
    """An event of the stream; a browser passes over one without data."""
    return f"id: {sequence}\nevent: {name}\ndata: {name}\n\n"


def _heard(request: Request, otherwise: int) -> int:
    """The last entry that the page has heard of."""
    told = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else otherwise


def is_ending() -> bool:
    """Has the web server been asked to end? It would wait for this stream, as for every answer.

    Also in `service.api.alert_stream`, which this floor cannot reach.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def _last(surveillance: Surveillance) -> int:
    with surveillance.database.read() as connection:
        return alert_store.last_sequence(connection)


def _news(surveillance: Surveillance, viewer: Viewer, after: int) -> tuple[int, bool]:
    """The last entry of the history, and whether any since concerns the viewer."""
    with surveillance.database.read() as connection:
        entries = alert_store.history_after(connection, after)
        if not entries:
            return after, False
        changed = [
            alert_store.find_alert(connection, alert_id)
            for alert_id in sorted({entry.alert_id for entry in entries})
        ]
    concerns = any(
        alert is not None and is_visible(alert.state, viewer.facilities) for alert in changed
    )
    return entries[-1].sequence, concerns
