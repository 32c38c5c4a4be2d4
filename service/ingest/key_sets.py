"""Read a client's public keys, as it publishes them.

In:     a JSON Web Key Set: a file, or what was fetched from the registered address.
Out:    the keys that may sign assertions, by their id; `BadKeySet` with what to put right.
Source: RFC 7517; SMART App Launch 2.2, "Asymmetric authentication": RS384 and ES384, a `kid` for
        each key; docs/access.md. joserfc reads the keys themselves.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

from service.errors import BadRequest

ALGORITHMS = ("RS384", "ES384")
MOST_BYTES = 65_536
MOST_KEYS = 20
FEWEST_RSA_BITS = 2048
MOST_RSA_BITS = 8192
"""A larger one costs more to check than anybody needs."""
CURVE = "P-384"
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

PublicKey: TypeAlias = RSAKey | ECKey


class BadKeySet(BadRequest):
    """A key set that nobody may be registered with."""

    code = "bad_key_set"


def read_key_set(document: str | bytes) -> dict[str, PublicKey]:
    """The public keys by `kid`; keys for other uses and other algorithms are left out.

    Raises `BadKeySet` where nothing is left, where a key is private or weak, has no `kid`, or
    shares it with another.
    """
    if len(document) > MOST_BYTES:
        raise BadKeySet(f"The key set is larger than {MOST_BYTES} bytes.")
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as fault:
        raise BadKeySet("The key set is no JSON.") from fault
    members = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(members, list) or len(members) > MOST_KEYS:
        raise BadKeySet(f'A key set is {{"keys": […]}} with at most {MOST_KEYS} keys.')
    keys: dict[str, PublicKey] = {}
    for place, member in enumerate(members):
        if not isinstance(member, dict):
            raise BadKeySet(f"keys/{place} is no JSON object.")
        if PRIVATE & member.keys():
            raise BadKeySet(
                f"keys/{place} is private or symmetric. Send only the public half, and make a new "
                "pair: what has left its owner is private no longer."
            )
        if not signs(member):
            continue
        kid = member.get("kid")
        if not isinstance(kid, str) or not kid or kid in keys:
            raise BadKeySet(f"keys/{place} needs a `kid` of its own.")
        keys[kid] = _read_key(place, member)
    if not keys:
        raise BadKeySet("No key is for RS384 (RSA) or ES384 (EC, P-384).")
    return keys


def algorithm_of(key: PublicKey) -> str:
    """The one algorithm that a key may sign with."""
    return "RS384" if isinstance(key, RSAKey) else "ES384"


def signs(member: Mapping[str, Any]) -> bool:
    """May this key sign assertions? It says so itself: `kty`, and `use` and `alg` if it has them.

    >>> signs({"kty": "EC", "crv": "P-384"}), signs({"kty": "EC", "crv": "P-256"})
    (True, False)
    """
    own = {"RSA": "RS384", "EC": "ES384"}.get(str(member.get("kty")))
    return (
        own is not None
        and member.get("use", "sig") == "sig"
        and member.get("alg", own) == own
        and (own == "RS384" or member.get("crv") == CURVE)
    )


def _read_key(place: int, member: dict[str, Any]) -> PublicKey:
    kinds: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
    try:
        if member["kty"] == "RSA":
            _require_strength(place, base64_to_int(member["n"]).bit_length())
        return kinds[member["kty"]].import_key(member)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BadKeySet(f"keys/{place} cannot be read as a public key.") from fault


def _require_strength(place: int, bits: int) -> None:
    if not FEWEST_RSA_BITS <= bits <= MOST_RSA_BITS:
        raise BadKeySet(f"keys/{place} has {bits} bits: {FEWEST_RSA_BITS} to {MOST_RSA_BITS}.")
