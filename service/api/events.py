"""Events in: one, an array, or a stream of lines without end.

In:     `application/json` or `application/x-ndjson`, plain or gzip.
Out:    what became of each event; acknowledged means on disk, rates and alerts included.
Source: docs/api.md.
"""

from asyncio import wrap_future
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.api.access import Principal
from service.api.dependencies import EventWriter
from service.api.event_answers import EventsAnswer, answer, told
from service.api.event_documents import request_body
from service.api.event_intake import Intake, Taken, intake, taken
from service.api.event_stream import StreamAccount, batches
from service.api.metrics import Metrics
from service.api.parameters import only_parameters
from service.api.problems import name_of, problem, unavailable
from service.api.request_bodies import (
    EVENTS_PATH,
    NDJSON,
    media_type_of,
    plain_pieces,
    whole_body,
)
from service.api.state import running
from service.errors import BadQuery, Detail, GraftwatchError, Unreadable
from service.ingest.faults import DocumentFault
from service.ingest.json_body import read_json
from service.ingest.ndjson import Line, LineSplitter, read_line
from service.pipeline.gathering import Gathering
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store.unavailable import UNAVAILABLE

JSON = "application/json"
SMALL_BODY_BYTES = 4096

router = APIRouter(tags=["events"])


@router.post(
    EVENTS_PATH,
    status_code=201,
    response_model=EventsAnswer,
    responses={
        201: {"description": "All were accepted, or known before."},
        207: {"model": EventsAnswer, "description": "Some were rejected; the others are stored."},
        422: {"description": "All were rejected: a problem that has the members of 201 too."},
    },
    dependencies=[only_parameters("atomic")],
    openapi_extra={"requestBody": request_body((JSON, NDJSON))},
)
async def post_events(
    request: Request,
    principal: EventWriter,
    atomic: Annotated[bool, Query(description="All or nothing; not for NDJSON.")] = False,
) -> Response:
    """Send events. All valid events are kept, all faults are told at once, and no message repeats
    a value that was sent. Sending the same event again is harmless: it is a `duplicate`. An answer
    means that the events are on disk and that every later answer knows of them. An event of a
    facility that the key is not bound to is rejected with the code `facility_not_allowed`. Needs
    the scope `events:write`."""
    media_type = media_type_of(request.scope)
    if media_type not in (JSON, NDJSON):
        raise unknown_type()
    if media_type == NDJSON and atomic:
        raise not_atomic()
    service = running(request)
    sender = Sender(
        service.surveillance, service.gathering, service.settings, principal, service.metrics
    )
    account = StreamAccount()
    if media_type == JSON:
        body = await whole_body(request, service.settings.max_body_bytes)
        document = await sender.take_document(body, atomic=atomic)
        service.metrics.count_events(document.counts)
        return answer(document.counts, document.position, document.results, atomic=atomic)
    splitter = LineSplitter(service.settings.max_line_bytes)
    pieces = plain_pieces(request)
    try:
        async for lines in batches(pieces, splitter, service.settings.ingest_batch_size):
            batch = await sender.take_lines(lines)
            service.metrics.count_events(batch.counts)
            account.add(batch)
    except GraftwatchError as fault:
        return broken_off(fault, account)
    except UNAVAILABLE as fault:
        return broken_off(unavailable(fault), account)
    if not account.counts:
        account.add(await sender.take_lines(()))
    return answer(account.counts, account.position, account.listed)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whoever sends events, and what judges and keeps them."""

    surveillance: Surveillance
    gathering: Gathering
    settings: Settings
    principal: Principal
    metrics: Metrics

    async def take_document(self, body: bytes, *, atomic: bool) -> Taken:
        """Take one event or an array of them; a small body is read without a thread's detour."""
        if len(body) <= SMALL_BODY_BYTES:
            sent = self.read_document(body, atomic=atomic)
        else:
            sent = await run_in_threadpool(self.read_document, body, atomic=atomic)
        with self.metrics.ingest_seconds.time():
            receipt = await wrap_future(self.gathering.record(sent.batch))
        return taken(sent, receipt)

    async def take_lines(self, lines: Sequence[Line]) -> Taken:
        """Take one batch of a stream; the next is sent only once this one is recorded."""
        sent = await run_in_threadpool(self.read_lines, lines)
        with self.metrics.ingest_seconds.time():
            receipt = await wrap_future(self.gathering.record(sent.batch, waits_its_turn=True))
        return taken(sent, receipt)

    def read_document(self, body: bytes, *, atomic: bool) -> Intake:
        """What there is to record of a body."""
        read = read_json(
            body,
            today_latest=self.surveillance.latest_date_on_earth(),
            max_items=self.settings.max_array_events,
        )
        if isinstance(read, DocumentFault):
            raise unreadable(read)
        is_array, items = read
        return intake(self.principal, items, is_array=is_array, atomic=atomic)

    def read_lines(self, lines: Sequence[Line]) -> Intake:
        """What there is to record of some lines."""
        today_latest = self.surveillance.latest_date_on_earth()
        longest = self.settings.max_line_bytes
        items = [
            read_line(line.number, line.content, today_latest=today_latest, max_line_bytes=longest)
            for line in lines
        ]
        return intake(self.principal, items)


def broken_off(fault: GraftwatchError, account: StreamAccount) -> Response:
    """The problem of a stream that broke, with the account of what came before."""
    detail = fault.message
    if account.counts:
        detail += f" What came before is stored up to position {account.position}, as the counts "
        detail += "tell; to send all of it again is harmless."
    return problem(
        name_of(fault),
        detail,
        code=fault.code,
        details=fault.details,
        **told(account.counts, account.position, account.listed),
    )


def unreadable(fault: DocumentFault) -> Unreadable:
    """The error for a document that holds no events to judge one by one."""
    where = f" ({fault.position})" if fault.position else ""
    detail = Detail("", fault.code, f"{fault.message}{where}")
    return Unreadable(f"{fault.message}{where}", code=fault.code, details=(detail,))


def unknown_type() -> Unreadable:
    """The error for a body that is neither JSON nor NDJSON."""
    message = f"Send {JSON} or {NDJSON}."
    detail = Detail("header Content-Type", "unsupported_type", message)
    return Unreadable(
        "The body is of a type that is not read here.",
        code="unsupported_media_type",
        details=(detail,),
    )


def not_atomic() -> BadQuery:
    """The error for a stream that is to be stored whole or not at all."""
    message = "A stream is stored batch by batch. Send an array as application/json, or leave out."
    return BadQuery(
        "A stream cannot be atomic.", details=(Detail("?atomic", "not_for_streams", message),)
    )
