"""Who may do what: scopes, facilities, keys that no longer hold, and services without keys."""

from datetime import UTC, datetime, timedelta

import pytest

from service.store.engine import Database
from service.store.keys import revoke_key


def test_without_a_key_nothing_is_told(service):
    with service.client(None) as nobody:
        answer = nobody.get("/v1/rates")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "no_key"


@pytest.mark.parametrize("key", ["nonsense", "gw_0000000000000000_guess", "gw__", "gw_\u0660_x"])
def test_a_key_that_was_never_given_out_opens_nothing(service, key):
    with service.client(None) as stranger:
        headers = {b"authorization": f"Bearer {key}".encode()}
        assert stranger.get("/v1/rates", headers=headers).status_code == 401


def test_the_secret_of_a_key_counts_and_not_only_its_name(service):
    key = service.key("rates:read")
    with service.client(key[:-1] + ("a" if key[-1] != "a" else "b")) as stranger:
        assert stranger.get("/v1/rates").json()["code"] == "invalid_key"


def test_a_revoked_key_opens_nothing_any_more(service):
    key = service.key("rates:read")
    with service.client(key) as holder:
        assert holder.get("/v1/rates").status_code == 200
        database = Database(service.database_url)
        with database.write() as connection:
            assert revoke_key(connection, key.split("_")[1], datetime.now(UTC))
        database.close()
        assert holder.get("/v1/rates").status_code == 401


def test_an_expired_key_opens_nothing_any_more(service):
    key = service.key("rates:read", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with service.client(key) as holder:
        assert holder.get("/v1/rates").status_code == 401


def test_health_and_documentation_need_no_key(service):
    with service.client(None) as nobody:
        paths = ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json")
        assert {path: nobody.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
