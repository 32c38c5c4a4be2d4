"""Access tokens of clients: given for minutes, kept as a hash, looked up with their client.

In:     a client whose assertion was proven.
Out:    the token, once; later what it opens. An assertion is taken once.
Source: docs/access.md. Tokens are random, not signed: a client that is revoked is refused at once,
        and no process needs a key to check them.
"""

from collections.abc import Collection
from datetime import date, datetime
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlmodel import col

from service.store.clients import StoredClient, stored_client
from service.store.keys import SECRET_BYTES, digest
from service.store.ledger import UPSERT
from service.store.tables import AccessTokenRow, ClientRow, SeenAssertionRow

PREFIX = "gwt"


class StoredToken(NamedTuple):
    """A token as it is kept, with the client that holds it."""

    scopes: tuple[str, ...]
    expires_at: datetime
    client: StoredClient

    def is_valid(self, now: datetime) -> bool:
        """Not expired, and its client neither."""
        return now < self.expires_at and self.client.is_valid(now)


def take_assertion(
    connection: Connection, client_id: str, jti: str, expires_at: datetime, now: datetime
) -> bool:
    """Remember an assertion until it ends by itself; False where it was taken before."""
    connection.execute(delete(SeenAssertionRow).where(col(SeenAssertionRow.expires_at) <= now))
    statement = UPSERT[connection.dialect.name](SeenAssertionRow).values(
        client_id=client_id, sha256=digest(jti), expires_at=expires_at
    )
    first = statement.on_conflict_do_nothing().returning(col(SeenAssertionRow.sha256))
    return connection.execute(first).one_or_none() is not None


def give_token(
    connection: Connection,
    client_id: str,
    scopes: Collection[str],
    expires_at: datetime,
    now: datetime,
    today: date,
) -> str:
    """A new token of a client, which cannot be shown again; notes that the client was here."""
    connection.execute(delete(AccessTokenRow).where(col(AccessTokenRow.expires_at) <= now))
    token_id = token_hex(8)
    token = f"{PREFIX}_{token_id}_{token_urlsafe(SECRET_BYTES)}"
    connection.execute(
        insert(AccessTokenRow),
        {
            "id": token_id,
            "client_id": client_id,
            "sha256": digest(token),
            "scopes": sorted(set(scopes)),
            "expires_at": expires_at,
        },
    )
    last = col(ClientRow.last_used_on)
    connection.execute(
        update(ClientRow)
        .where(col(ClientRow.id) == client_id, or_(last.is_(None), last < today))
        .values(last_used_on=today)
    )
    return token


def is_token(text: str) -> bool:
    """Does this look like a token of a client, and not like a key?"""
    return text.startswith(f"{PREFIX}_")


def find_token(connection: Connection, text: str) -> StoredToken | None:
    """The token, valid or not; None where it is none of ours."""
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not token_id or not secret or not text.isascii():
        return None
    clients = ClientRow.metadata.tables["clients"]
    query = (
        select(
            col(AccessTokenRow.sha256),
            col(AccessTokenRow.scopes),
            col(AccessTokenRow.expires_at),
            clients,
        )
        .join(clients, col(AccessTokenRow.client_id) == clients.c.id)
        .where(col(AccessTokenRow.id) == token_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None or not compare_digest(row[0], digest(text)):
        return None
    return StoredToken(tuple(row[1]), row[2], stored_client(row[3:]))
