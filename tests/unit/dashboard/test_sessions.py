"""A session can be made only by who showed a key, and holds no longer than it should."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from service.dashboard.sessions import LONGEST, cookie_name, holds, issue, read
from service.store.keys import StoredKey

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def a_key(key_id="aa11", secret="s1", expires_at=None):
    hashed = sha256(secret.encode()).hexdigest()
    return StoredKey(key_id, "ward", hashed, ("rates:read",), None, NOW, expires_at, None)


def test_a_session_holds_for_a_shift_and_no_longer():
    token, ends_at = issue(a_key(), NOW)
    claim = read(token)
    assert claim.key_id == "aa11"
    assert ends_at == NOW + LONGEST
    assert holds(claim, a_key(), NOW)
    assert holds(claim, a_key(), ends_at - timedelta(seconds=1))
    assert not holds(claim, a_key(), ends_at)


def test_a_session_ends_with_its_key():
    key = a_key(expires_at=NOW + timedelta(minutes=5))
    assert issue(key, NOW)[1] == key.expires_at


def test_the_token_does_not_hold_the_key_nor_its_hash():
    token, _ = issue(a_key(secret="top-secret"), NOW)
    assert "top-secret" not in token
    assert a_key(secret="top-secret").sha256 not in token


@pytest.mark.parametrize(
    "other", [a_key(secret="s2"), a_key(key_id="bb22")], ids=["another secret", "another key"]
)
def test_a_session_of_one_key_is_none_of_another(other):
    assert not holds(read(issue(a_key(), NOW)[0]), other, NOW)


def test_whoever_moves_the_end_has_no_session():
    version, key_id, seconds, mac = issue(a_key(), NOW)[0].split(".")
    longer = f"{version}.{key_id}.{int(seconds) + 3600}.{mac}"
    assert not holds(read(longer), a_key(), NOW)


@pytest.mark.parametrize(
    "nonsense",
    ["", "gws1", "gws1...", "gws2.a.1.b", "gws1.a.٣.b", "gws1.a.1e9.b", "gws1.a.1.b.c", "x" * 300],
)
def test_nonsense_is_no_token(nonsense):
    assert read(nonsense) is None


def test_a_token_without_its_proof_does_not_hold():
    version, key_id, seconds, _ = issue(a_key(), NOW)[0].split(".")
    assert not holds(read(f"{version}.{key_id}.{seconds}."), a_key(), NOW)


def test_a_secure_cookie_is_bound_to_the_host():
    assert cookie_name(secure=True).startswith("__Host-")
    assert not cookie_name(secure=False).startswith("__")
