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
        paths = (
            "/health/live",
            "/health/ready",
            "/metrics",
            "/docs",
            "/openapi.json",
            "/fhir/metadata",
        )
        assert {path: nobody.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


OPEN = {"/fhir/metadata", "/health/live", "/health/ready", "/metrics", "/problems/{name}"}
METHODS = {"get", "put", "post", "patch", "delete"}


def test_every_door_is_locked_and_each_key_opens_only_its_own(service, client):
    """The whole matrix: each route without a key, and with a key of no scope at all."""
    paths = client.get("/openapi.json").json()["paths"]
    doors = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, operations in paths.items()
        for method in operations
        if path not in OPEN and method in METHODS
    ]
    assert len(doors) >= 5
    unscoped = service.key("no:such:scope")
    with service.client(None) as nobody, service.client(unscoped) as stranger:
        for method, path in doors:
            for visitor, status in ((nobody, 401), (stranger, 403)):
                answer = visitor.request(method, path)
                assert answer.status_code == status, (method, path, answer.text)
                is_fhir = path.startswith("/fhir")
                kind = "application/fhir+json" if is_fhir else "application/problem+json"
                assert answer.headers["content-type"] == kind


def test_a_bound_key_sees_no_other_facility_not_even_in_totals(service, client, facility):
    other = f"{facility}-other"
    sent = [
        {
            "type": "transplant",
            "event_id": "t1",
            "facility": where,
            "patient": "p",
            "occurred_on": "2020-01-01",
            "transplant_type": "kidney",
        }
        for where in (facility, other)
    ]
    assert client.post("/v1/events", json=sent).status_code == 201
    both = client.get("/v1/rates", params={"facility": [facility, other]}).json()["total"]
    with service.client(service.key("rates:read", facilities=(facility,))) as bound:
        own = bound.get("/v1/rates").json()["total"]
        assert 0 < own["person_days"] == both["person_days"] / 2
        refused = bound.get("/v1/rates", params={"facility": other})
        assert (refused.status_code, refused.json()["code"]) == (403, "facility_not_allowed")
        assert refused.headers["content-type"] == "application/problem+json"


def test_without_authentication_no_key_is_asked_for(start_service):
    with start_service(auth="off") as service, service.client(None) as anybody:
        assert anybody.get("/v1/rates").status_code == 200


def test_a_key_that_asks_too_often_waits_and_no_other_with_it(start_service):
    with start_service(requests_per_minute=2) as service:
        with service.client(service.key("rates:read")) as hasty:
            first, _, refused = (hasty.get("/v1/rates") for _ in range(3))
            assert first.headers["ratelimit-policy"] == '"key";q=2;w=60'
            assert first.headers["ratelimit"] == '"key";r=1;t=30'
            known = hasty.get("/v1/rates", headers={"if-none-match": first.headers["etag"]})
            assert (refused.status_code, known.status_code) == (429, 429)
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["code"] == "too_many_requests"
            assert 0 < int(refused.headers["retry-after"]) <= 30
            paths = ("/health/live", "/health/ready", "/metrics")
            assert [hasty.get(path).status_code for path in paths] == [200, 200, 200]
        with service.client(service.key("rates:read")) as other:
            assert other.get("/v1/rates").status_code == 200
