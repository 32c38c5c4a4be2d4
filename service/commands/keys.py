"""`graftwatch keys`: make API keys, list them, rotate them, revoke them.

In:     a name, scopes, perhaps facilities and a last day.
Out:    the key, once and alone on standard output; afterwards only its id and what it may do.
Source: docs/access.md; docs/operations.md, "Keys".
"""

import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.console import say, show, tell
from service.commands.granting import (
    SCOPES,
    calendar_date,
    facility_name,
    known_scope,
    last_instant,
    short_name,
)
from service.commands.opening import opened
from service.errors import NotFound
from service.settings import read_settings

if TYPE_CHECKING:
    from service.store.engine import Connection
    from service.store.keys import StoredKey

app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke API keys.")

LONGEST_OVERLAP_DAYS = 90


@app.command()
def create(
    name: Annotated[
        str, typer.Argument(help="Who will use it, for you to recognise.", callback=short_name)
    ],
    scope: Annotated[
        list[str],
        typer.Option(
            help=f"What it may do; repeat for several: {', '.join(SCOPES)}.",
            parser=known_scope,
            metavar="SCOPE",
        ),
    ],
    facility: Annotated[
        list[str] | None,
        typer.Option(
            help="Facility it is bound to; repeat for several. Without any it reaches all.",
            parser=facility_name,
            metavar="FACILITY",
        ),
    ] = None,
    expires: Annotated[
        date | None,
        typer.Option(
            help="Last day on which it works.", parser=calendar_date, metavar="YYYY-MM-DD"
        ),
    ] = None,
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    from service.store.keys import create_key

    settings = read_settings()
    with opened(settings, under_any_rules=True) as surveillance:
        now = surveillance.clock()
        until = last_instant(expires, surveillance.zone, now)
        with surveillance.database.write() as connection:
            key_id, token = create_key(connection, name, scope, facility or None, until, now)
            made = {"name": name, "scopes": sorted(scope), "facilities": facility or None}
            _enter(connection, now, "key_created", key_id, **made)
    tell(f"Key {key_id} is made. It is shown this once: put it where its user finds it.")
    sys.stdout.write(f"{token}\n")


@app.command("list")
def list_all() -> None:
    """List all keys, revoked ones too; never the keys themselves."""
    from service.store.keys import list_keys

    with opened(read_settings(), under_any_rules=True) as surveillance:
        with surveillance.database.read() as connection:
            found = list_keys(connection)
        now = surveillance.clock()
    if not found:
        say("There are no keys yet: `graftwatch keys create NAME --scope SCOPE` makes one.")
        return
    show(
        "API keys",
        ("id", "name", "scopes", "facilities", "created", "last used", "expires", "state"),
        [
            (
                key.id,
                key.name,
                ", ".join(key.scopes),
                "all" if key.facilities is None else ", ".join(key.facilities),
                f"{key.created_at:%Y-%m-%d}",
                str(key.last_used_on or "never"),
                f"{key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "never",
                state_of(key, now),
            )
            for key in found
        ],
    )


@app.command()
def rotate(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")],
    overlap: Annotated[
        int,
        typer.Option(
            min=0,
            max=LONGEST_OVERLAP_DAYS,
            metavar="DAYS",
            help="Days for which the present secret still works; 0 ends it now.",
        ),
    ] = 7,
) -> None:
    """Give a key a new secret and show it, once; the present one holds for some days more."""
    from service.store.keys import rotate_key

    with opened(read_settings(), under_any_rules=True) as surveillance:
        now = surveillance.clock()
        ends = now + timedelta(days=overlap)
        with surveillance.database.write() as connection:
            token = rotate_key(connection, key_id, ends, now)
            if token is not None:
                _enter(connection, now, "key_rotated", key_id, overlap_days=overlap)
    if token is None:
        raise NotFound("No such key, or it holds no longer: see `graftwatch keys list`.")
    until = f"works until {ends:%Y-%m-%d %H:%M} UTC" if overlap else "works no longer"
    tell(f"Key {key_id} has a new secret, shown this once. The one before it {until}.")
    sys.stdout.write(f"{token}\n")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")],
) -> None:
    """Make a key useless from now on."""
    from service.store.keys import revoke_key

    with opened(read_settings(), under_any_rules=True) as surveillance:
        now = surveillance.clock()
        with surveillance.database.write() as connection:
            revoked = revoke_key(connection, key_id, now)
            if revoked:
                _enter(connection, now, "key_revoked", key_id)
    if not revoked:
        raise NotFound("No such key, or it was revoked before: see `graftwatch keys list`.")
    say(f"Key {key_id} is revoked.")


def _enter(connection: "Connection", now: datetime, what: str, key_id: str, **facts: Any) -> None:
    """Say in the audit trail what was done to a key, in the transaction that does it."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.store.audit import AuditEntry, append

    append(connection, [AuditEntry(now, COMMAND_LINE, what, {"key": key_id, **facts})])


def state_of(key: "StoredKey", now: datetime) -> str:
    """Whether a key holds, in a word or two."""
    if key.revoked_at:
        return "revoked"
    if not key.is_valid(now):
        return "expired"
    if key.previous_until is not None and now < key.previous_until:
        return f"valid; old secret until {key.previous_until:%Y-%m-%d}"
    return "valid"
