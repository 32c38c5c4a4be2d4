"""Whose keys may be trusted: public, strong, named, and for signing."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from service.ingest.key_sets import BadKeySet, algorithm_of, read_key_set

RSA, EC = RSAKey.generate_key(2048, {"kid": "r1"}), ECKey.generate_key("P-384", {"kid": "e1"})
WEAK = {"kty": "RSA", "kid": "w", "e": "AQAB", "n": "_" + "A" * 170}


def public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def key_set(*members: Any) -> str:
    return json.dumps({"keys": members})


def test_keys_are_read_by_their_ids_each_with_its_one_algorithm():
    keys = read_key_set(key_set(public(RSA), public(EC, use="sig", alg="ES384")))
    assert {kid: algorithm_of(key) for kid, key in keys.items()} == {"r1": "RS384", "e1": "ES384"}


def test_keys_for_something_else_are_left_out():
    p256 = ECKey.generate_key("P-256", {"kid": "p"})
    other = [public(EC, kid="enc", use="enc"), public(p256), public(RSA, kid="x", alg="RS256")]
    assert list(read_key_set(key_set(public(EC), *other))) == ["e1"]
    with pytest.raises(BadKeySet, match="No key"):
        read_key_set(key_set(*other))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{}", "A key set is"),
        ("[" * 100_000, "larger"),
        ("[" * 60_000, "no JSON"),
        ("{", "no JSON"),
        ('{"keys": [7]}', "keys/0 is no JSON object"),
        (key_set(EC.as_dict(private=True)), "private"),
        (key_set({"kty": "oct", "k": "AAAA", "kid": "s"}), "symmetric"),
        (key_set(WEAK), "1024 bits"),
        (key_set(public(EC), public(EC)), "of its own"),
        (key_set(public(EC, kid=None)), "of its own"),
        (key_set(public(EC, x="AAAA")), "cannot be read"),
        (key_set(public(RSA, n=7)), "cannot be read"),
        (key_set(*[public(EC, kid=str(place)) for place in range(21)]), "at most"),
    ],
)
def test_keys_that_cannot_be_trusted_are_refused_with_a_reason(document, told):
    with pytest.raises(BadKeySet, match=told):
        read_key_set(document)
