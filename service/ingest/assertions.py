"""Read the assertion with which a client says who it is.

In:     a signed JWT, the keys of the client it names, the address it must be meant for, the time.
Out:    whose it is, its id and when it ends; `BadAssertion` where anything is not as it must be.
Source: RFC 7523, 3; RFC 8725; SMART App Launch 2.2, "Asymmetric authentication"; docs/access.md.

What is said of an assertion whose signature does not hold is always the same, so that nobody learns
which clients there are.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from service.errors import Unauthorised
from service.ingest.key_sets import PublicKey, algorithm_of

CLIENT_ID = re.compile(r"[0-9a-f]{16}")
LONGEST_BYTES = 8192
LONGEST_LIFE = timedelta(minutes=5)
LONGEST_JTI = 256
CLOCKS_APART = timedelta(seconds=30)
"""By so much a client's clock may be ahead where it says since when its assertion holds."""
NOT_PROVEN = "The assertion is not signed with a key of a registered client that still holds."


class BadAssertion(Unauthorised):
    """The assertion proves nothing."""

    code = "invalid_client"


class Claim(NamedTuple):
    """What an assertion says of itself before anything is proven."""

    client_id: str
    kid: str
    key_set_url: str | None


class Assertion(NamedTuple):
    """A proven assertion."""

    client_id: str
    jti: str
    expires_at: datetime


def claim_of(assertion: str) -> Claim:
    """Who an assertion says it is from; raises `BadAssertion` where it says nothing."""
    if len(assertion) > LONGEST_BYTES:
        raise BadAssertion(f"An assertion has at most {LONGEST_BYTES} bytes.")
    try:
        header, payload, _ = assertion.encode("ascii").split(b".")
        said, claims = json.loads(urlsafe_b64decode(header)), json.loads(urlsafe_b64decode(payload))
        client_id, kid, key_set_url = claims["iss"], said["kid"], said.get("jku")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
        raise BadAssertion(
            "An assertion is a signed JWT (compact) with `kid` in its header and `iss` in its "
            "claims."
        ) from fault
    if not isinstance(client_id, str) or not isinstance(kid, str):
        raise BadAssertion("`kid` and `iss` are strings.")
    if not CLIENT_ID.fullmatch(client_id):
        raise BadAssertion(NOT_PROVEN)
    if not isinstance(key_set_url, str | None):
        raise BadAssertion("`jku` is a string.")
    return Claim(client_id, kid, key_set_url)


def prove(assertion: str, key: PublicKey, audience: str, now: datetime) -> Assertion:
    """The assertion, proven by a key of the client that it names.

    Raises `BadAssertion` for a signature that does not hold, for another algorithm than the key's,
    and for claims that are not as SMART has them.
    """
    try:
        token = jwt.decode(assertion, key, algorithms=[algorithm_of(key)])
    except (JoseError, ValueError, TypeError, RecursionError) as fault:
        raise BadAssertion(NOT_PROVEN) from fault
    if str(token.header.get("typ", "JWT")).upper() != "JWT":
        raise BadAssertion("The assertion's `typ` is not JWT.")
    return _judge(token.claims, audience, now)


def _judge(claims: Mapping[str, Any], audience: str, now: datetime) -> Assertion:
    client_id, jti = claims.get("iss"), claims.get("jti")
    if not isinstance(client_id, str) or claims.get("sub") != client_id:
        raise BadAssertion("`iss` and `sub` must both be the client's id.")
    told = claims.get("aud")
    if audience not in (told if isinstance(told, list) else [told]):
        raise BadAssertion(f"`aud` must be {audience}.")
    if not isinstance(jti, str) or not jti.isprintable() or not 0 < len(jti) <= LONGEST_JTI:
        raise BadAssertion(f"`jti` must be 1 to {LONGEST_JTI} printable characters.")
    expires_at = _instant(claims, "exp", now)
    if expires_at is None or not now < expires_at <= now + LONGEST_LIFE:
        raise BadAssertion("`exp` must lie ahead, and by no more than five minutes.")
    since = _instant(claims, "nbf", now)
    if since is not None and since > now + CLOCKS_APART:
        raise BadAssertion("The assertion does not hold yet (`nbf`).")
    return Assertion(client_id, jti, expires_at)


def _instant(claims: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """A claim in seconds since 1970; None where it is left out."""
    told = claims.get(name)
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise BadAssertion(f"`{name}` must be a number of seconds since 1970.")
    try:
        return datetime.fromtimestamp(told, now.tzinfo)
    except (ValueError, OverflowError, OSError) as fault:
        raise BadAssertion(f"`{name}` is no time.") from fault
