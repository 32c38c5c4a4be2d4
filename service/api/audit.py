"""The audit trail: who did or saw what.

In:     `GET /v1/audit`.
Out:    entries, the newest first, and the head of their chain.
Source: docs/audit.md.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api.access import Principal
from service.api.dependencies import Operator, SightingsDep, SurveillanceDep
from service.api.paging import key_in, link_to, next_page
from service.api.parameters import only_parameters
from service.errors import Forbidden
from service.store import audit, audit_log

router = APIRouter(prefix="/v1/audit", tags=["service"])

EXAMPLE: dict[str, Any] = {
    "entry": 4211,
    "recorded_at": "2026-03-01T12:00:00.000005Z",
    "actor": "registry",
    "key_id": "3f9a52c0d17be846",
    "action": "alert_shown",
    "position": None,
    "facts": {"alert": "a-7f3c"},
    "patients": 3,
}


class EntryDocument(BaseModel):
    """One thing done or seen."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    entry: int = Field(description="Entries are numbered without gaps.")
    recorded_at: datetime
    actor: str = Field(description="The name of the key, or `command line`.")
    key_id: str | None
    action: str
    position: int | None = Field(description="The ledger's position after it, where it moved that.")
    facts: dict[str, Any] = Field(description="What was done or asked for; no patient's data.")
    patients: int = Field(description="How many patients it is about.")


class AuditPage(BaseModel):
    """Entries, the newest first."""

    items: list[EntryDocument]
    next: str | None
    head: str = Field(description="Where the chain ends, NUMBER:HASH. Keep it elsewhere.")


@router.get(
    "",
    summary="Who did or saw what",
    dependencies=[only_parameters("action", "actor", "limit", "cursor")],
)
def get_audit(
    request: Request,
    response: Response,
    surveillance: SurveillanceDep,
    sightings: SightingsDep,
    principal: Operator,
    action: Annotated[list[str], Query(max_length=100, description="Repeatable.")] = [],  # noqa: B006
    actor: Annotated[list[str], Query(max_length=100, description="Repeatable.")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="Where the last page ended.")] = None,
) -> AuditPage:
    """Whom an entry is about is counted and not named. `graftwatch audit verify` says whether the
    trail is whole. Needs the scope `manage`, and a key that is not bound to facilities."""
    _require_unbound(principal)
    sightings.flush()
    with surveillance.database.read() as connection:
        found = audit_log.entries(
            connection,
            limit=limit + 1,
            before=key_in(cursor, int),
            actions=action,
            actors=actor,
        )
        head = audit.head(connection)
    page = found[:limit]
    following = next_page(request, page[-1].sequence if len(found) > limit else None)
    response.headers.update(link_to(following))
    items = [
        EntryDocument(
            entry=entry.sequence,
            recorded_at=entry.recorded_at,
            actor=entry.actor,
            key_id=entry.key_id,
            action=entry.action,
            position=entry.position,
            facts=dict(entry.detail),
            patients=len(entry.subjects),
        )
        for entry in page
    ]
    return AuditPage(items=items, next=following, head=str(head) if head else "")


def _require_unbound(principal: Principal) -> None:
    if principal.facilities is not None:
        raise Forbidden(
            "This key is bound to facilities, and the audit trail is of the whole network.",
            code="network_not_allowed",
        )
