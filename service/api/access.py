"""Who is asking, and what they may see and do.

In:     `Authorization: Bearer` with a key, `gw_<id>_<secret>`, or a client's access token, `gwt_…`.
Out:    a `Principal`, or the errors `Unauthorised` and `Forbidden`.
Source: docs/api.md; docs/access.md.

Scopes stand each for itself: `manage` does not include the others, so that whoever keeps the
service running need not be able to read patients. A key that is bound to facilities sees and
writes nothing of any other, not even in totals.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.api.state import running
from service.domain.audit_chain import Actor
from service.errors import Forbidden, Unauthorised
from service.pipeline.surveillance import Surveillance
from service.store import access_tokens, keys
from service.store.key_uses import KeyUses
from service.store.reach import bind
from service.store.unavailable import UNAVAILABLE

bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="gw_<id>_<secret>",
    scheme_name="key",
    description="A key made with `graftwatch keys create`, with its scopes and perhaps bound to "
    "facilities; or an access token of `POST /oauth/token`. Not needed where the service runs "
    "with GRAFTWATCH_AUTH=off.",
)


class Scope(StrEnum):
    """What a key may do."""

    EVENTS_WRITE = "events:write"
    RATES_READ = "rates:read"
    ALERTS_MANAGE = "alerts:manage"
    PATIENTS_READ = "patients:read"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever holds a key; `facilities` is None where the key reaches all of them.

    Counts from 1 to `hidden_below - 1` are not shown to it; 0 where all are.
    """

    name: str
    scopes: frozenset[str]
    facilities: tuple[str, ...] | None = None
    key_id: str = ""
    hidden_below: int = 0

    @property
    def actor(self) -> Actor:
        """Whom the audit trail names."""
        return Actor(self.name, self.key_id or None)

    def may(self, scope: str) -> bool:
        """Does the key have the scope?"""
        return scope in self.scopes

    def reaches(self, facility: str) -> bool:
        """Does the key reach the facility?"""
        return self.facilities is None or facility in self.facilities

    def require_facility(self, facility: str) -> None:
        """Raise `Forbidden` where the key does not reach the facility."""
        if not self.reaches(facility):
            raise Forbidden("This key is bound to other facilities.", code="facility_not_allowed")

    def visible(self, asked: Collection[str] | None = None) -> tuple[str, ...] | None:
        """The facilities to look at: those asked for, within the key's own; None is all.

        Asking by name for a facility that the key does not reach is `Forbidden`, so that a
        figure never silently speaks for fewer facilities than it names.
        """
        if not asked:
            return self.facilities
        for facility in asked:
            self.require_facility(facility)
        return tuple(sorted(set(asked)))


LOCAL = Principal("local", frozenset(Scope))
"""Everybody, where the service listens on a loopback address with authentication off."""


async def authenticate(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal:
    """The holder of the key that came with the request; raises `Unauthorised` without one.

    Each request counts against its key's limit; raises `TooManyRequests` beyond it.
    """
    service = running(request)
    if service.settings.auth == "off":
        return LOCAL
    if credentials is None:
        raise Unauthorised("No key was sent. Send `Authorization: Bearer KEY`.", code="no_key")
    holder: Principal = await service.holders.answer(credentials.credentials)
    bind(holder.facilities)
    service.rate_limits.charge(request.scope, holder.key_id)
    return holder


async def recognise(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal | None:
    """Whoever may see rates, or None: for a route that is there for nobody in particular too.

    Refuses nobody and counts against no limit: who watches the service must always be answered.
    """
    service = running(request)
    if service.settings.auth == "off":
        return LOCAL
    if credentials is None or not credentials.credentials:
        return None
    try:
        holder: Principal = await service.holders.answer(credentials.credentials)
    except Unauthorised:
        return None
    except UNAVAILABLE:
        return None
    if not holder.may(Scope.RATES_READ):
        return None
    bind(holder.facilities)
    return holder


def holder_of(
    surveillance: Surveillance, uses: KeyUses, small_cells_below: int, token: str
) -> Principal:
    """The holder of a key or a token; raises `Unauthorised` for one that holds no longer."""
    holder = (
        _client_with(surveillance, token)
        if access_tokens.is_token(token)
        else _key_holder(surveillance, uses, token)
    )
    return (
        holder
        if holder.may(Scope.PATIENTS_READ)
        else replace(holder, hidden_below=small_cells_below)
    )


def _key_holder(surveillance: Surveillance, uses: KeyUses, key: str) -> Principal:
    now = surveillance.clock()
    with surveillance.database.read() as connection:
        found = keys.find_key(connection, key, now)
    if found is None or not found.is_valid(now):
        raise Unauthorised("The key is unknown, expired or revoked.", code="invalid_key")
    uses.note(found, surveillance.today())
    return Principal(found.name, frozenset(found.scopes), found.facilities, found.id)


def _client_with(surveillance: Surveillance, token: str) -> Principal:
    """The client that holds an access token, named in the audit trail by its own name and id."""
    with surveillance.database.read() as connection:
        found = access_tokens.find_token(connection, token)
    if found is None or not found.is_valid(surveillance.clock()):
        raise Unauthorised(
            "The access token is unknown, expired or revoked: POST /oauth/token gives another.",
            code="invalid_token",
        )
    client = found.client
    return Principal(client.name, frozenset(found.scopes), client.facilities, client.id)


def require(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets nobody pass whose key lacks the scope."""

    async def holder(principal: Annotated[Principal, Depends(authenticate)]) -> Principal:
        if not principal.may(scope):
            raise Forbidden(f"This key lacks the scope `{scope}`.", code="scope_missing")
        return principal

    return holder
