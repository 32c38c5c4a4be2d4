"""Who is looking at a page, and what they may see.

In:     a request with the cookie of a session, or none where authentication is off.
Out:    a `Viewer`, or `NotSignedIn`.
Source: docs/decisions/0008-dashboard-sessions.md. The key behind a session is read again for every
        page, so that a key revoked, expired or bound anew counts from the next page on.
"""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from service.api.access import Principal, Scope
from service.dashboard import sessions
from service.domain.audit_chain import Actor
from service.errors import Forbidden, Unauthorised
from service.pipeline.surveillance import Surveillance
from service.settings import Settings, is_loopback
from service.store import keys
from service.store.key_uses import KeyUses
from service.store.keys import StoredKey
from service.store.reach import bind, own_reach
from service.store.sightings import Sightings


class NotSignedIn(Unauthorised):
    """There is no session, or none that still holds."""

    code = "not_signed_in"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks; `facilities` is None where all may be seen.

    Counts from 1 to `hidden_below - 1` are not shown; 0 where all are.
    """

    name: str
    scopes: frozenset[str]
    facilities: tuple[str, ...] | None = None
    signed_in: bool = True
    key_id: str | None = None
    hidden_below: int = 0

    @property
    def actor(self) -> Actor:
        """Whom the audit trail names."""
        return Actor(self.name, self.key_id)

    @property
    def principal(self) -> Principal:
        """The same person as the API knows them."""
        return Principal(
            self.name,
            self.scopes,
            self.facilities,
            self.key_id or "",
            hidden_below=self.hidden_below,
        )

    @property
    def may_see_patients(self) -> bool:
        """May pseudonyms be shown?"""
        return Scope.PATIENTS_READ in self.scopes

    @property
    def may_manage(self) -> bool:
        """May the service be managed, what terms mean included?"""
        return Scope.MANAGE in self.scopes

    @property
    def may_manage_alerts(self) -> bool:
        """May alerts be acknowledged and closed?"""
        return Scope.ALERTS_MANAGE in self.scopes


LOCAL = Viewer("local", frozenset(Scope), signed_in=False)
"""Everybody, where the service listens on a loopback address with authentication off."""


def surveillance_of(request: Request) -> Surveillance:
    """The running surveillance, which `service.main` keeps with the application."""
    found: Surveillance = request.app.state.running.surveillance
    return found


def sightings_of(request: Request) -> Sightings:
    """Where it is entered who sees which patients."""
    found: Sightings = request.app.state.running.sightings
    return found


def settings_of(request: Request) -> Settings:
    """The settings the service was started with."""
    found: Settings = request.app.state.running.settings
    return found


def needs_secure_cookie(settings: Settings) -> bool:
    """Must the cookie travel over TLS only? On a loopback address there is no way to tap."""
    return not is_loopback(settings.host)


def viewer_of(request: Request) -> Viewer:
    """The viewer of a request; raises `NotSignedIn`, or `Forbidden` for a key without the scope."""
    settings, surveillance = settings_of(request), surveillance_of(request)
    if settings.auth == "off":
        return LOCAL
    sent = request.cookies.get(sessions.cookie_name(secure=needs_secure_cookie(settings)), "")
    claim = sessions.read(sent)
    if claim is None:
        raise NotSignedIn("Nobody is signed in.")
    with own_reach(), surveillance.database.read() as connection:
        key = keys.key_of(connection, claim.key_id)
    now = surveillance.clock()
    if key is None or not key.is_valid(now) or not sessions.holds(claim, key, now):
        raise NotSignedIn("The session is over.")
    key_uses: KeyUses = request.app.state.running.key_uses
    key_uses.note(key, surveillance.today())
    bind(key.facilities)
    return viewer_with(key, settings)


def viewer_with(key: StoredKey, settings: Settings) -> Viewer:
    """Whoever holds the key; raises `Forbidden` where it cannot read rates."""
    if Scope.RATES_READ not in key.scopes:
        raise Forbidden(f"The dashboard needs a key with the scope `{Scope.RATES_READ}`.")
    hidden_below = 0 if Scope.PATIENTS_READ in key.scopes else settings.small_cells_below
    return Viewer(
        key.name,
        frozenset(key.scopes),
        key.facilities,
        key_id=key.id,
        hidden_below=hidden_below,
    )


def find_key(surveillance: Surveillance, token: str) -> tuple[StoredKey, datetime]:
    """The key that was typed in, and the present instant; raises `NotSignedIn` for no valid one."""
    now = surveillance.clock()
    with surveillance.database.read() as connection:
        key = keys.find_key(connection, token, now)
    if key is None or not key.is_valid(now):
        raise NotSignedIn("The key is unknown, expired or revoked.")
    return key, now
