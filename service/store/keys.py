"""API keys: shown once, kept as a hash, rotated without a gap.

In:     what a key may do and where.
Out:    the key itself, only when it is made or rotated; later its row, found by the id it names.
Source: docs/access.md. 32 random bytes need no slow hash: nobody can try 2^256 of them.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update
from sqlmodel import col

from service.store.tables import ApiKeyRow

PREFIX = "gw"
SECRET_BYTES = 32


class StoredKey(NamedTuple):
    """A key as it is kept; `facilities` is None where it is bound to none."""

    id: str
    name: str
    sha256: str
    scopes: tuple[str, ...]
    facilities: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    previous_sha256: str | None = None
    previous_until: datetime | None = None
    last_used_on: date | None = None

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def is_opened_by(self, token: str, now: datetime) -> bool:
        """Is the token this key's secret, or the one before it while that still holds?"""
        shown = digest(token)
        is_present = compare_digest(self.sha256, shown)
        if self.previous_sha256 is None or self.previous_until is None:
            return is_present
        is_previous = compare_digest(self.previous_sha256, shown)
        return is_present or (is_previous and now < self.previous_until)


def create_key(
    connection: Connection,
    name: str,
    scopes: Collection[str],
    facilities: Collection[str] | None,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[str, str]:
    """Make a key; returns its id and the key itself, which cannot be shown again."""
    key_id = token_hex(8)
    token = _token(key_id)
    connection.execute(
        insert(ApiKeyRow),
        {
            "id": key_id,
            "name": name,
            "sha256": digest(token),
            "scopes": sorted(set(scopes)),
            "facilities": None if facilities is None else sorted(set(facilities)),
            "created_at": now,
            "expires_at": expires_at,
            "revoked_at": None,
        },
    )
    return key_id, token


def rotate_key(
    connection: Connection, key_id: str, overlap_ends: datetime, now: datetime
) -> str | None:
    """A new secret for a key; the present one holds until the overlap ends.

    Scopes, facilities and the last day stay. At most two secrets hold at a time: the one before
    the present one ends at once. None where there is no such key, or it holds no longer.
    """
    found = key_of(connection, key_id)
    if found is None or not found.is_valid(now):
        return None
    token = _token(key_id)
    still_holds = overlap_ends > now
    connection.execute(
        update(ApiKeyRow)
        .where(col(ApiKeyRow.id) == key_id)
        .values(
            sha256=digest(token),
            previous_sha256=found.sha256 if still_holds else None,
            previous_until=overlap_ends if still_holds else None,
        )
    )
    return token


def note_use(connection: Connection, key_id: str, day: date) -> None:
    """Keep the day on which a key was last used, unless a later one is kept already."""
    last = col(ApiKeyRow.last_used_on)
    connection.execute(
        update(ApiKeyRow)
        .where(col(ApiKeyRow.id) == key_id, or_(last.is_(None), last < day))
        .values(last_used_on=day)
    )


def list_keys(connection: Connection) -> list[StoredKey]:
    """All keys, revoked ones too, in order of creation."""
    table = ApiKeyRow.metadata.tables["api_keys"]
    query = select(table).order_by(col(ApiKeyRow.created_at), col(ApiKeyRow.id))
    return [_stored(row) for row in connection.execute(query)]


def revoke_key(connection: Connection, key_id: str, now: datetime) -> bool:
    """Make a key useless from now on; False where there is no such key, or it was already."""
    statement = (
        update(ApiKeyRow)
        .where(col(ApiKeyRow.id) == key_id, col(ApiKeyRow.revoked_at).is_(None))
        .values(revoked_at=now)
    )
    return connection.execute(statement).rowcount == 1


def find_key(connection: Connection, token: str, now: datetime) -> StoredKey | None:
    """The key that a token opens, valid or not; None where it opens none of ours."""
    prefix, _, rest = token.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not key_id or not secret or not token.isascii():
        return None
    found = key_of(connection, key_id)
    return found if found is not None and found.is_opened_by(token, now) else None


def key_of(connection: Connection, key_id: str) -> StoredKey | None:
    """The key of that id, valid or not."""
    table = ApiKeyRow.metadata.tables["api_keys"]
    row = connection.execute(select(table).where(col(ApiKeyRow.id) == key_id)).one_or_none()
    return None if row is None else _stored(row)


def digest(token: str) -> str:
    """What is kept of a key."""
    return sha256(token.encode()).hexdigest()


def _token(key_id: str) -> str:
    return f"{PREFIX}_{key_id}_{token_urlsafe(SECRET_BYTES)}"


def _stored(row: Sequence[object]) -> StoredKey:
    found = StoredKey(*row)  # type: ignore[arg-type]
    bound = found.facilities
    return found._replace(
        scopes=tuple(found.scopes), facilities=None if bound is None else tuple(bound)
    )
