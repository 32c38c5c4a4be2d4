"""Clients of SMART Backend Services: who they are and by which keys one knows them.

In:     a name, what the client may do and where, and its public keys or where it publishes them.
Out:    its id; later its row.
Source: docs/access.md. No secret of a client is kept, only public keys.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from secrets import token_hex
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import col

from service.store.tables import AccessTokenRow, ClientRow


class StoredClient(NamedTuple):
    """A client as it is kept; `facilities` is None where it is bound to none.

    It has either a `key_set`, a JSON Web Key Set as text, or a `key_set_url`.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    facilities: tuple[str, ...] | None
    key_set: str | None
    key_set_url: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_on: date | None = None

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys(NamedTuple):
    """By what one knows a client: one of the two."""

    key_set: str | None = None
    key_set_url: str | None = None


def register_client(
    connection: Connection,
    name: str,
    keys: Keys,
    scopes: Collection[str],
    facilities: Collection[str] | None,
    expires_at: datetime | None,
    now: datetime,
) -> str:
    """Keep a new client; returns its id."""
    client_id = token_hex(8)
    connection.execute(
        insert(ClientRow),
        {
            "id": client_id,
            "name": name,
            **keys._asdict(),
            "scopes": sorted(set(scopes)),
            "facilities": None if facilities is None else sorted(set(facilities)),
            "created_at": now,
            "expires_at": expires_at,
            "revoked_at": None,
        },
    )
    return client_id


def replace_keys(connection: Connection, client_id: str, keys: Keys, now: datetime) -> bool:
    """Know a client by other keys from now on; False where it is none, or holds no longer.

    Tokens that were given for the keys before end at once.
    """
    found = find_client(connection, client_id)
    if found is None or not found.is_valid(now):
        return False
    statement = update(ClientRow).where(col(ClientRow.id) == client_id)
    connection.execute(statement.values(**keys._asdict()))
    connection.execute(delete(AccessTokenRow).where(col(AccessTokenRow.client_id) == client_id))
    return True


def revoke_client(connection: Connection, client_id: str, now: datetime) -> bool:
    """Let a client in no more, nor its tokens; False where it is none, or it was revoked before."""
    statement = (
        update(ClientRow)
        .where(col(ClientRow.id) == client_id, col(ClientRow.revoked_at).is_(None))
        .values(revoked_at=now)
    )
    return connection.execute(statement).rowcount == 1


def list_clients(connection: Connection) -> list[StoredClient]:
    """All clients, revoked ones too, in order of registration."""
    table = ClientRow.metadata.tables["clients"]
    query = select(table).order_by(col(ClientRow.created_at), col(ClientRow.id))
    return [stored_client(row) for row in connection.execute(query)]


def find_client(connection: Connection, client_id: str) -> StoredClient | None:
    """The client of that id, valid or not."""
    table = ClientRow.metadata.tables["clients"]
    row = connection.execute(select(table).where(col(ClientRow.id) == client_id)).one_or_none()
    return None if row is None else stored_client(row)


def stored_client(row: Sequence[object]) -> StoredClient:
    """A client from the columns of its row."""
    found = StoredClient(*row)  # type: ignore[arg-type]
    bound = found.facilities
    return found._replace(
        scopes=tuple(found.scopes), facilities=None if bound is None else tuple(bound)
    )
