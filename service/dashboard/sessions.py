"""Sessions: a token in a cookie that names a key and an end, and cannot be made up.

In:     a stored key and the present instant.
Out:    a token; its `Claim`, and whether that claim holds.
Source: docs/decisions/0008-dashboard-sessions.md; RFC 6265bis for the `__Host-` prefix.

    gws1.<key id>.<end, Unix seconds>.<HMAC-SHA256, base64url>

The HMAC's key is derived from the stored hash of the API key, which every process reads from the
same table: no secret of its own, nothing to share, and a token dies with its key.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from service.store.keys import StoredKey

VERSION = "gws1"
LONGEST = timedelta(hours=12)
"""A shift."""
LONGEST_TOKEN = 200
PURPOSE = b"graftwatch dashboard session, version 1"


class Claim(NamedTuple):
    """What a token says; nothing of it is true before `holds` says so."""

    key_id: str
    ends_at: datetime
    mac: bytes


def cookie_name(*, secure: bool) -> str:
    """The cookie's name; a browser takes `__Host-` only with Secure, Path=/ and no Domain."""
    return "__Host-graftwatch" if secure else "graftwatch"


def issue(key: StoredKey, now: datetime) -> tuple[str, datetime]:
    """A token for whoever showed the key, and when it ends: with the key, at the latest."""
    ends_at = min(now + LONGEST, key.expires_at or now + LONGEST).replace(microsecond=0)
    mac = urlsafe_b64encode(_mac(key, ends_at)).decode().rstrip("=")
    return f"{VERSION}.{key.id}.{int(ends_at.timestamp())}.{mac}", ends_at


def read(token: str) -> Claim | None:
    """What a token claims; None where it is no token at all."""
    parts = token.split(".")
    if len(token) > LONGEST_TOKEN or len(parts) != 4 or parts[0] != VERSION:
        return None
    _, key_id, seconds, mac = parts
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return None
    try:
        ends_at = datetime.fromtimestamp(int(seconds), UTC)
        return Claim(key_id, ends_at, urlsafe_b64decode(mac + "=" * (-len(mac) % 4)))
    except (ValueError, OverflowError, OSError, binascii.Error):
        return None


def holds(claim: Claim, key: StoredKey, now: datetime) -> bool:
    """Was the token given out for this key, and is it not over yet?"""
    genuine = hmac.compare_digest(claim.mac, _mac(key, claim.ends_at))
    return genuine and claim.key_id == key.id and now < claim.ends_at


def _mac(key: StoredKey, ends_at: datetime) -> bytes:
    own = hmac.digest(bytes.fromhex(key.sha256), PURPOSE, sha256)
    return hmac.digest(own, f"{key.id}.{int(ends_at.timestamp())}".encode(), sha256)
