"""Files in: a register's, REDCap's, or one of our own events.

In:     `text/csv` or `application/x-ndjson`, plain or gzip, and the name of a mapping.
Out:    202 and a resource that tells what becomes of it.
Source: docs/imports.md.

A file is read as it arrives: identifiers are hashed and columns that no mapping names are dropped
before anything is put down. Then its rows wait to be recorded.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.access import Principal
from service.api.dependencies import EventWriter, SurveillanceDep
from service.api.import_answers import (
    FaultPage,
    Import,
    ImportPage,
    tell_fault,
    tell_import,
)
from service.api.import_mappings import owns
from service.api.import_reading import read_file, reader_of
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.api.request_bodies import (
    CSV,
    IMPORTS_PATH,
    NDJSON,
    STREAMS,
    media_type_of,
)
from service.api.state import running
from service.errors import Detail, NotFound, Unreadable
from service.pipeline.import_rows import Arriving
from service.store import imports
from service.store.imports import WAITING, KeptImport

FIRST_FAULTS = 100


router = APIRouter(prefix=IMPORTS_PATH, tags=["imports"])


@router.post(
    "",
    status_code=202,
    response_model=Import,
    summary="Send a file",
    responses={
        202: {
            "description": "The file is read; its rows wait to be recorded.",
            "headers": {
                "Location": {
                    "description": "Where it is told what becomes of it.",
                    "schema": {"type": "string"},
                }
            },
        },
        404: {"description": "No mapping of that name is kept"},
    },
    dependencies=[only_parameters("mapping", "dry_run")],
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "May be compressed: `Content-Encoding: gzip`.",
            "content": {
                NDJSON: {"schema": {"type": "string"}},
                CSV: {
                    "schema": {"type": "string"},
                    "example": "type,event_id,facility,patient,occurred_on,transplant_type\n"
                    "transplant,t1,ucd-01,p0001,2022-03-01,allo-HSCT\n",
                },
            },
        }
    },
)
async def post_import(
    request: Request,
    response: Response,
    principal: EventWriter,
    mapping: Annotated[
        str | None,
        Query(max_length=64, description="A kept mapping; without it, our own columns."),
    ] = None,
    dry_run: Annotated[bool, Query(description="Say what would become of it; store none.")] = False,
) -> Import:
    """Send a file: CSV in our own columns, NDJSON, or any CSV with a mapping.

    A first line that does not fit is answered at once; every other fault is told in the import,
    with line and column. To send a file again is harmless. Rows of facilities that the key is not
    bound to are rejected. Needs `events:write`."""
    service = running(request)
    kind = media_type_of(request.scope)
    if kind not in STREAMS[IMPORTS_PATH]:
        detail = Detail("header Content-Type", "unsupported_type", f"Send {CSV} or {NDJSON}.")
        raise Unreadable(
            "The body is of a type that is not read here.",
            code="unsupported_media_type",
            details=(detail,),
        )
    await run_in_threadpool(service.imports.require_room)
    reader = await run_in_threadpool(reader_of, service, principal, kind, mapping)
    surveillance = service.surveillance
    arriving = Arriving(surveillance.database, surveillance.clock())
    try:
        await read_file(request, reader, arriving, service.settings.max_import_bytes)
        begun = _begun(arriving, principal, mapping, dry_run, surveillance.clock())
        await run_in_threadpool(service.imports.submit, begun, arriving)
    except BaseException:
        arriving.forget()
        raise
    response.headers["location"] = f"{IMPORTS_PATH}/{begun.id}"
    return tell_import(begun)


@router.get(
    "", summary="Imports, the newest first", dependencies=[only_parameters("limit", "cursor")]
)
def get_imports(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    principal: EventWriter,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> ImportPage:
    """The last thousand imports, of which a bound key sees those that keys within its facilities
    have sent. Needs `events:write`."""
    with surveillance.database.read() as connection:
        found = imports.newest_imports(connection, key_in(cursor, str))
    seen = [kept for kept in found if owns(principal, kept.facilities)]
    page = seen[:limit]
    following = next_page(request, page[-1].id if len(seen) > limit else None)
    response.headers.update(link_to(following))
    return ImportPage(items=[tell_import(kept) for kept in page], next=following)


@router.get("/{import_id}", summary="What becomes of a file", dependencies=[only_parameters()])
def get_import(import_id: str, surveillance: SurveillanceDep, principal: EventWriter) -> Import:
    """State, counts, position and the first hundred faults. Needs `events:write`."""
    with surveillance.database.read() as connection:
        kept = _kept(imports.find_import(connection, import_id), principal)
        faults = imports.faults_of(connection, import_id, after=0, limit=FIRST_FAULTS)
    return tell_import(kept, faults)


@router.get(
    "/{import_id}/faults",
    summary="Every fault of a file",
    dependencies=[only_parameters("limit", "cursor")],
)
def get_import_faults(
    request: Request,
    response: Response,
    import_id: str,
    surveillance: SurveillanceDep,
    principal: EventWriter,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> FaultPage:
    """Faults in the order in which the rows were worked on, the first 100,000 of them. Needs
    `events:write`."""
    with surveillance.database.read() as connection:
        _kept(imports.find_import(connection, import_id), principal)
        found = imports.faults_of(
            connection, import_id, after=key_in(cursor, int) or 0, limit=limit + 1
        )
    page = found[:limit]
    following = next_page(request, page[-1].number if len(found) > limit else None)
    response.headers.update(link_to(following))
    return FaultPage(items=[tell_fault(fault) for fault in page], next=following)


def _kept(kept: KeptImport | None, principal: Principal) -> KeptImport:
    if kept is None or not owns(principal, kept.facilities):
        raise NotFound("No such import is known.")
    return kept


def _begun(
    arrived: Arriving, principal: Principal, mapping: str | None, dry_run: bool, now: datetime
) -> KeptImport:
    """The import at its beginning."""
    return KeptImport(
        id=arrived.import_id,
        created_at=now,
        actor=principal.name,
        key_id=principal.key_id or None,
        facilities=None if principal.facilities is None else list(principal.facilities),
        mapping=mapping,
        dry_run=dry_run,
        state=WAITING,
        holder=None,
        seen_at=now,
        finished_at=None,
        rows_sent=arrived.rows,
        taken=0,
        counts={},
        warnings={},
        faults=0,
        position=None,
        note=None,
    )
