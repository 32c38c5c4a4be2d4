"""A program that signs for itself: it finds out where, proves who it is, and works for minutes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from sqlalchemy import update

from service.store.clients import Keys, register_client
from service.store.engine import Database
from service.store.tables import AccessTokenRow

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RSA, EC = RSAKey.generate_key(2048, {"kid": "r1"}), ECKey.generate_key("P-384", {"kid": "e1"})
ALGORITHMS = {"RS384": RSA, "ES384": EC}
STRANGER = ECKey.generate_key("P-384", {"kid": "e1"})


def key_set(*keys: Any) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def graftwatch(service: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("graftwatch")), *words],
        env={**os.environ, "GRAFTWATCH_DATABASE_URL": service.database_url},
        capture_output=True,
        text=True,
        timeout=60,
    )


def registered(service: Any, *, name: str = "registry", **more: Any) -> str:
    with closing(Database(service.database_url)) as database, database.write() as connection:
        return register_client(
            connection,
            name,
            more.get("keys", Keys(key_set=key_set(RSA, EC))),
            more.get("scopes", ("rates:read",)),
            more.get("facilities"),
            None,
            datetime.now(UTC),
        )


@dataclass
class Backend:
    """A client as SMART describes it; it learns the address of tokens from the FHIR base."""

    service: Any
    client_id: str
    algorithm: str = "ES384"
    key: Any = None
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)

    def token_endpoint(self) -> str:
        base = f"{self.service.base_url}/fhir"
        told = httpx.get(f"{base}/.well-known/smart-configuration").raise_for_status().json()
        assert self.algorithm in told["token_endpoint_auth_signing_alg_values_supported"]
        endpoint: str = told["token_endpoint"]
        return endpoint

    def assertion(self, **claims: Any) -> str:
        key = self.key or ALGORITHMS[self.algorithm]
        said = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.token_endpoint(),
            "exp": int(time.time()) + 240,
            "jti": str(uuid4()),
            **self.claims,
            **claims,
        }
        header = {"alg": self.algorithm, "kid": key.kid, **self.header}
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(header, kept, key, algorithms=[self.algorithm])

    def ask(self, scope: str = "system/*.rs", **form: Any) -> httpx.Response:
        sent = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": JWT_BEARER,
            **({} if "client_assertion" in form else {"client_assertion": self.assertion()}),
            **form,
        }
        return httpx.post(self.token_endpoint(), data=sent)

    def token(self, scope: str = "system/*.rs") -> str:
        answer = self.ask(scope)
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["access_token"]
        return found


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


@pytest.fixture(scope="module")
def client_id(service: Any) -> str:
    return registered(service)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_client_signs_gets_a_token_and_reads_what_it_may(service, client_id, algorithm):
    answer = Backend(service, client_id, algorithm).ask()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["scope"]) == ("bearer", "system/*.rs")
    assert 0 < told["expires_in"] <= 300
    with service.client(told["access_token"]) as holder:
        assert holder.get("/fhir/DetectedIssue").status_code == 200
        assert holder.get("/v1/rates").status_code == 200
        assert holder.get("/v1/facilities/ucd-01/patients/p1").json()["code"] == "scope_missing"
        assert holder.post("/v1/events", json=[]).json()["code"] == "scope_missing"


def test_the_configuration_says_what_there_is_at_both_addresses(service):
    at = "/.well-known/smart-configuration"
    own, of_fhir = (httpx.get(f"{service.base_url}{base}{at}").json() for base in ("", "/fhir"))
    assert own == of_fhir
    assert own["token_endpoint"] == f"{service.base_url}/oauth/token"
    assert own["grant_types_supported"] == ["client_credentials"]
    assert own["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert set(own["token_endpoint_auth_signing_alg_values_supported"]) == set(ALGORITHMS)
    assert {"system/*.rs", "system/MeasureReport.rs"} <= set(own["scopes_supported"])


def test_without_a_public_address_no_token_is_given(start_service):
    with start_service() as service:
        for base in ("", "/fhir"):
            at = f"{service.base_url}{base}/.well-known/smart-configuration"
            assert httpx.get(at).status_code == 404
        answer = httpx.post(f"{service.base_url}/oauth/token", data={"grant_type": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_public_url")


def soon(seconds: float) -> float:
    return int(time.time()) + seconds


BAD_CLAIMS: dict[str, Callable[[], dict[str, Any]]] = {
    "expired": lambda: {"exp": soon(-1)},
    "too long": lambda: {"exp": soon(360)},
    "endless": lambda: {"exp": None},
    "end is text": lambda: {"exp": "soon"},
    "end is a truth": lambda: {"exp": True},
    "end is beyond time": lambda: {"exp": 1e300},
    "not yet": lambda: {"nbf": soon(200)},
    "for another": lambda: {"aud": "https://elsewhere.example/oauth/token"},
    "for nobody": lambda: {"aud": None},
    "no jti": lambda: {"jti": None},
    "jti is no text": lambda: {"jti": 7},
    "jti is not to be written": lambda: {"jti": "\x00"},
    "for somebody else": lambda: {"sub": "0" * 16},
    "unknown client": lambda: {"iss": "0" * 16, "sub": "0" * 16},
    "strange client": lambda: {"iss": "\x00", "sub": "\x00"},
    "client is no text": lambda: {"iss": ["x"], "sub": ["x"]},
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
def test_an_assertion_that_claims_what_it_must_not_gets_nothing(service, client_id, case):
    answer = Backend(service, client_id, claims=BAD_CLAIMS[case]()).ask()
    assert refused(answer) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Bearer")


BAD_SIGNERS: dict[str, dict[str, Any]] = {
    "wrong key": {"key": STRANGER},
    "unknown key": {"header": {"kid": "e9"}},
    "another's address": {"header": {"jku": "http://127.0.0.1:9/keys"}},
    "key brought along": {"key": STRANGER, "header": {"jwk": STRANGER.as_dict(private=False)}},
    "other algorithm": {"algorithm": "RS256", "key": RSA},
    "no JWT": {"header": {"typ": "at+jwt"}},
}


@pytest.mark.parametrize("case", BAD_SIGNERS)
def test_an_assertion_that_is_not_signed_as_it_must_be_gets_nothing(service, client_id, case):
    backend = Backend(service, client_id)
    signer = Backend(service, client_id, **BAD_SIGNERS[case])
    signer.token_endpoint = backend.token_endpoint  # type: ignore[method-assign]
    assert refused(backend.ask(client_assertion=signer.assertion())) == (401, "invalid_client")


def test_a_public_key_is_no_shared_secret(service, client_id):
    """The old trick: sign with HMAC, and the public key as the secret."""
    backend = Backend(service, client_id)
    secret = OctKey.import_key(key_set(EC), {"kid": "e1"})
    forged = Backend(service, client_id, "HS384", secret)
    forged.token_endpoint = backend.token_endpoint  # type: ignore[method-assign]
    assert refused(backend.ask(client_assertion=forged.assertion())) == (401, "invalid_client")
    unsigned = "eyJhbGciOiJub25lIiwia2lkIjoiZTEifQ." + backend.assertion().split(".")[1] + "."
    assert refused(backend.ask(client_assertion=unsigned)) == (401, "invalid_client")


def test_an_assertion_is_taken_once_even_where_its_scope_was_refused(service, client_id):
    backend = Backend(service, client_id)
    once, other = backend.assertion(), backend.assertion()
    assert backend.ask(client_assertion=once).status_code == 200
    again = backend.ask(client_assertion=once)
    assert refused(again) == (401, "invalid_client")
    assert "jti" in again.json()["error_description"]
    assert refused(backend.ask("manage", client_assertion=other)) == (400, "invalid_scope")
    assert refused(backend.ask(client_assertion=other)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "scope",
    ["", "manage", "patients:read", "system/*.cud", "system/*.cruds", "system/Patient.rs",
     "user/*.rs", "system/*.rs manage", "rates:read  rates:read"],
)  # fmt: skip
def test_a_scope_that_was_not_granted_is_refused_whole(service, client_id, scope):
    assert refused(Backend(service, client_id).ask(scope)) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"client_assertion_type": "x"}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"scope": ["system/*.rs", "manage"]}, "invalid_request"),
    ],
)
def test_a_form_that_is_not_as_oauth_has_it_is_told_so(service, client_id, form, error):
    sent = {name: value for name, value in form.items() if value is not None}
    answer = Backend(service, client_id).ask(**sent)
    if form.get("grant_type", "") is None:
        answer = httpx.post(f"{service.base_url}/oauth/token", data={"scope": "x"})
    assert refused(answer) == (400, error)


@pytest.mark.parametrize("text", ["x", "a.b.c", "..", "e30.e30.", "W10.W10.x", "\u00e9.e30.x"])
def test_what_is_no_assertion_at_all_is_refused(service, client_id, text):
    answer = Backend(service, client_id).ask(client_assertion=text)
    assert refused(answer) == (401, "invalid_client")


def test_a_form_in_json_or_a_huge_one_is_refused(service):
    at = f"{service.base_url}/oauth/token"
    assert refused(httpx.post(at, json={"grant_type": "client_credentials"}))[0] == 400
    assert httpx.post(at, data={"scope": "x" * 100_000}).status_code == 413


def test_a_client_bound_to_a_facility_works_there_and_is_named_in_the_audit(
    service, client, facility
):
    scopes = ("events:write", "rates:read")
    bound = registered(service, facilities=(facility,), name=f"EHR of {facility}", scopes=scopes)
    event = {
        "type": "transplant",
        "event_id": "t1",
        "facility": facility,
        "patient": "p1",
        "occurred_on": "2024-01-01",
        "transplant_type": "kidney",
    }
    token = Backend(service, bound).token("system/*.cruds")
    with service.client(token) as holder:
        assert holder.post("/v1/events", json=[event]).status_code == 201
        elsewhere = holder.post("/v1/events", json=[{**event, "facility": f"{facility}-x"}])
        assert elsewhere.status_code == 422
        assert "facility_not_allowed" in elsewhere.text
        refusal = holder.get("/v1/rates", params={"facility": f"{facility}-x"})
        assert refusal.json()["code"] == "facility_not_allowed"
    trail = client.get("/v1/audit", params={"actor": f"EHR of {facility}"}).json()["items"]
    assert {(entry["key_id"], entry["action"]) for entry in trail} == {(bound, "events_recorded")}
    narrow = Backend(service, bound).token("system/MeasureReport.rs")
    with service.client(narrow) as holder:
        assert holder.post("/v1/events", json=[event]).json()["code"] == "scope_missing"


def test_a_client_is_registered_listed_and_revoked_and_its_tokens_with_it(service):
    asked = ("clients", "register", "lab", "--scope", "rates:read", "--jwks", key_set(EC))
    client_id = graftwatch(service, *asked).stdout.strip()
    backend = Backend(service, client_id)
    with service.client(backend.token()) as holder:
        assert holder.get("/v1/rates").status_code == 200
        assert graftwatch(service, "clients", "revoke", client_id).returncode == 0
        answer = holder.get("/v1/rates")
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert refused(backend.ask()) == (401, "invalid_client")
    assert graftwatch(service, "clients", "revoke", client_id).returncode == 2
    listed = graftwatch(service, "clients", "list").stdout
    assert client_id in listed
    assert "revoked" in listed


def test_a_token_ends_and_nobody_guesses_one(service, client_id):
    token = Backend(service, client_id).token()
    for text in (
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        "gwt_",
        "gwt_\u0660_x",
        "gwt_x_y",
    ):
        headers = {b"authorization": f"Bearer {text}".encode()}
        assert httpx.get(f"{service.base_url}/v1/rates", headers=headers).status_code == 401
    with closing(Database(service.database_url)) as database, database.write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(
            update(AccessTokenRow)
            .where(AccessTokenRow.id == token.split("_")[1])  # type: ignore[arg-type]
            .values(expires_at=past)
        )
    with service.client(token) as late:
        assert late.get("/v1/rates").json()["code"] == "invalid_token"


def test_new_keys_take_the_place_of_the_old_and_end_their_tokens(service):
    client_id = registered(service)
    old, new = Backend(service, client_id), Backend(service, client_id, key=STRANGER)
    with service.client(old.token()) as holder:
        done = graftwatch(
            service, "clients", "replace-keys", client_id, "--jwks", key_set(STRANGER)
        )
        assert done.returncode == 0, done.stderr
        assert holder.get("/v1/rates").status_code == 401
    assert refused(old.ask()) == (401, "invalid_client")
    assert new.ask().status_code == 200


@contextmanager
def publishing(document: str) -> Iterator[tuple[str, list[str]]]:
    """A host that publishes keys, and the paths it was asked for."""
    asked: list[str] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            moved = self.path == "/moved"
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("location", "/keys")
            self.end_headers()
            self.wfile.write(document.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as host:
        thread = Thread(target=host.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{host.server_port}", asked
        finally:
            host.shutdown()
            thread.join()


def test_keys_are_fetched_from_the_registered_address_and_from_no_other(service):
    with publishing(key_set(EC)) as (host, asked):
        client_id = registered(service, keys=Keys(key_set_url=f"{host}/keys"))
        backend = Backend(service, client_id)
        assert backend.ask().status_code == 200
        assert Backend(service, client_id, header={"jku": f"{host}/keys"}).ask().status_code == 200
        assert asked == ["/keys"], "kept for a while"
        lured = Backend(service, client_id, key=STRANGER, header={"jku": f"{host}/evil"})
        assert refused(lured.ask()) == (401, "invalid_client")
        for _ in range(3):
            unknown = Backend(service, client_id, header={"kid": "e9"})
            assert refused(unknown.ask()) == (401, "invalid_client")
        assert asked == ["/keys"], "nobody makes the service fetch by naming things"
        moved = registered(service, keys=Keys(key_set_url=f"{host}/moved"))
        assert refused(Backend(service, moved).ask()) == (401, "invalid_client")
        assert asked == ["/keys", "/moved"], "no redirect is followed"
