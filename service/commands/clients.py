"""`graftwatch clients`: register programs that sign for themselves, list them, revoke them.

In:     a name, scopes, perhaps facilities and a last day, and public keys or where they are.
Out:    the client's id on standard output, which goes back to whoever runs the client.
Source: docs/access.md, "Clients that sign".
"""

import sys
from datetime import date, datetime
from pathlib import Path
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
    from service.store.clients import Keys, StoredClient
    from service.store.engine import Connection

app = typer.Typer(
    no_args_is_help=True, help="Register, list and revoke clients of SMART Backend Services."
)

KeyFile = Annotated[
    str | None,
    typer.Option("--jwks", help="Its public keys: a file, - for standard input, or the JSON."),
]
KeyAddress = Annotated[
    str | None,
    typer.Option("--jwks-url", metavar="URL", help="Where it publishes them, over https."),
]
ClientId = Annotated[str, typer.Argument(metavar="ID", help="The id that `clients list` shows.")]


@app.command()
def register(
    name: Annotated[
        str, typer.Argument(help="What it is, for you and the audit trail.", callback=short_name)
    ],
    scope: Annotated[
        list[str],
        typer.Option(
            help=f"What it may ask for; repeat for several: {', '.join(SCOPES)}.",
            parser=known_scope,
            metavar="SCOPE",
        ),
    ],
    jwks: KeyFile = None,
    jwks_url: KeyAddress = None,
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
    """Register a client by its public keys and show its id."""
    from service.store.clients import register_client

    keys = keys_of(jwks, jwks_url)
    with opened(read_settings(), under_any_rules=True) as surveillance:
        now = surveillance.clock()
        until = last_instant(expires, surveillance.zone, now)
        with surveillance.database.write() as connection:
            bound = facility or None
            client_id = register_client(connection, name, keys, scope, bound, until, now)
            made = {"name": name, "scopes": sorted(scope), "facilities": bound}
            _enter(connection, now, "client_registered", client_id, **made)
    tell(f"{name} is registered. Tell whoever runs it its client_id:")
    sys.stdout.write(f"{client_id}\n")


@app.command("list")
def list_all() -> None:
    """List all clients, revoked ones too."""
    from service.store.clients import list_clients

    with opened(read_settings(), under_any_rules=True) as surveillance:
        with surveillance.database.read() as connection:
            found = list_clients(connection)
        now = surveillance.clock()
    if not found:
        say("There are no clients yet: `graftwatch clients register NAME …` registers one.")
        return
    show(
        "Clients",
        ("id", "name", "scopes", "facilities", "keys", "last token", "expires", "state"),
        [
            (
                client.id,
                client.name,
                ", ".join(client.scopes),
                "all" if client.facilities is None else ", ".join(client.facilities),
                client.key_set_url or "kept here",
                str(client.last_used_on or "never"),
                f"{client.expires_at:%Y-%m-%d %H:%M} UTC" if client.expires_at else "never",
                state_of(client, now),
            )
            for client in found
        ],
    )


@app.command("replace-keys")
def replace_its_keys(
    client_id: ClientId, jwks: KeyFile = None, jwks_url: KeyAddress = None
) -> None:
    """Know a client by other keys from now on; the tokens it holds end at once."""
    from service.store.clients import replace_keys

    keys = keys_of(jwks, jwks_url)
    with opened(read_settings(), under_any_rules=True) as surveillance:
        now = surveillance.clock()
        with surveillance.database.write() as connection:
            replaced = replace_keys(connection, client_id, keys, now)
            if replaced:
                _enter(connection, now, "client_keys_replaced", client_id)
    if not replaced:
        raise NotFound("No such client, or it holds no longer: see `graftwatch clients list`.")
    say(f"Client {client_id} is known by its new keys.")


@app.command()
def revoke(client_id: ClientId) -> None:
    """Let a client in no more; the tokens it holds end at once."""
    from service.store.clients import revoke_client

    with opened(read_settings(), under_any_rules=True) as surveillance:
        now = surveillance.clock()
        with surveillance.database.write() as connection:
            revoked = revoke_client(connection, client_id, now)
            if revoked:
                _enter(connection, now, "client_revoked", client_id)
    if not revoked:
        raise NotFound("No such client, or it was revoked before: see `graftwatch clients list`.")
    say(f"Client {client_id} is revoked.")


def keys_of(jwks: str | None, jwks_url: str | None) -> "Keys":
    """By what to know a client; refuses keys that cannot be used before anything is kept."""
    from service.api.published_keys import is_safe
    from service.ingest.key_sets import read_key_set
    from service.store.clients import Keys

    if (jwks is None) == (jwks_url is None):
        raise typer.BadParameter("name either --jwks or --jwks-url")
    if jwks_url is not None:
        if not is_safe(jwks_url):
            raise typer.BadParameter("keys are fetched over https only", param_hint="'--jwks-url'")
        return Keys(key_set_url=jwks_url)
    text = text_of(jwks or "")
    read_key_set(text)
    return Keys(key_set=text)


def text_of(named: str) -> str:
    """The key set itself, from where it is said to be."""
    if named == "-":
        return sys.stdin.read()
    if named.lstrip().startswith("{"):
        return named
    return Path(named).read_text(encoding="utf-8", errors="replace")


def state_of(client: "StoredClient", now: datetime) -> str:
    """Whether a client is let in, in a word."""
    if client.revoked_at:
        return "revoked"
    return "valid" if client.is_valid(now) else "expired"


def _enter(
    connection: "Connection", now: datetime, what: str, client_id: str, **facts: Any
) -> None:
    """Say in the audit trail what was done to a client, in the transaction that does it."""
    from service.domain.audit_chain import COMMAND_LINE
    from service.store.audit import AuditEntry, append

    append(connection, [AuditEntry(now, COMMAND_LINE, what, {"client": client_id, **facts})])
