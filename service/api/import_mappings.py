"""Mapping files: how the columns of a register become events.

In:     TOML under a name.
Out:    the mapping as it is kept, or every fault in it with its place.
Source: docs/imports.md.

A mapping belongs to the facilities of the key that put it; one put by a key that is not bound is
for all to read files by. Whoever uses it still writes its own facilities only.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool

from service.api.access import Principal
from service.api.dependencies import EventWriter, SurveillanceDep
from service.api.import_answers import MappingDocument, tell_mapping
from service.api.request_bodies import media_type_of, whole_body
from service.errors import Conflict, Detail, NotFound, Unreadable
from service.ingest.registers.mapping import Mapping, read_mapping
from service.ingest.toml_tables import MOST_BYTES, BadMapping
from service.pipeline.surveillance import Surveillance
from service.store import audit
from service.store.audit import AuditEntry
from service.store.import_mappings import KeptMapping, find_mapping, put_mapping

TOML = "application/toml"
NAME = r"^[A-Za-z0-9._-]{1,64}$"

router = APIRouter(prefix="/v1/import-mappings", tags=["imports"])
MappingName = Annotated[str, Path(pattern=NAME, examples=["transplant-register"])]


@router.put(
    "/{name}",
    summary="Keep a mapping file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                TOML: {
                    "schema": {"type": "string"},
                    "example": 'kind = "table"\nname = "cases"\nkey = ["case"]\n…',
                }
            },
        }
    },
)
async def put_import_mapping(
    name: MappingName, request: Request, surveillance: SurveillanceDep, principal: EventWriter
) -> MappingDocument:
    """Keep a mapping under its own `name`, in place of what it was. Needs `events:write`."""
    if media_type_of(request.scope) != TOML:
        detail = Detail("header Content-Type", "unsupported_type", f"Send {TOML}.")
        raise Unreadable(
            "The body is of a type that is not read here.",
            code="unsupported_media_type",
            details=(detail,),
        )
    body = await whole_body(request, MOST_BYTES)
    return await run_in_threadpool(_put, name, body, surveillance, principal)


@router.get("/{name}", summary="A mapping file as it is kept")
def get_import_mapping(
    name: MappingName, surveillance: SurveillanceDep, principal: EventWriter
) -> MappingDocument:
    """The mapping as it was put last. Needs `events:write`."""
    kept = mapping_for(surveillance, principal, name)
    return tell_mapping(kept, read_mapping(kept.body))


def mapping_for(surveillance: Surveillance, principal: Principal, name: str) -> KeptMapping:
    """A mapping that the key may use; raises `NotFound` for any other."""
    with surveillance.database.read() as connection:
        kept = find_mapping(connection, name)
    if kept is None or not (kept.facilities is None or owns(principal, kept.facilities)):
        raise NotFound("No such mapping is kept: PUT it to /v1/import-mappings first.")
    return kept


def owns(principal: Principal, facilities: list[str] | None) -> bool:
    """Does the key reach everything that a thing is bound to?"""
    if facilities is None:
        return principal.facilities is None
    return all(map(principal.reaches, facilities))


def _put(
    name: str, body: bytes, surveillance: Surveillance, principal: Principal
) -> MappingDocument:
    mapping = _read(name, body)
    facilities = None if principal.facilities is None else list(principal.facilities)
    now = surveillance.clock()
    kept = KeptMapping(name, now, principal.name, facilities, body.decode("utf-8-sig"))
    with surveillance.write() as connection:
        before = find_mapping(connection, name)
        if before is not None and not owns(principal, before.facilities):
            raise Conflict("A mapping of that name is kept by others: choose another name.")
        put_mapping(connection, kept)
        entry = AuditEntry(now, principal.actor, "import_mapping_put", {"mapping": name})
        audit.append(connection, [entry])
    return tell_mapping(kept, mapping)


def _read(name: str, body: bytes) -> Mapping:
    try:
        mapping = read_mapping(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("The mapping is not UTF-8.", code="not_utf8") from None
    if mapping.name != name:
        detail = Detail("name", "other_name", "Must be the name that it is put under.")
        raise BadMapping("The mapping has another name.", details=(detail,))
    return mapping
