"""One signed POST: to the address that was checked, in the name that was asked for."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from service.channels.guard import Rules
from service.channels.signing import new_secret
from service.channels.webhook import Webhooks
from service.domain.delivery_outcomes import Outcome

HOME = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
WITHIN = Rules(allows_http=True, networks=HOME)


def sent(url: str, rules: Rules) -> Outcome:
    webhooks = Webhooks(rules)
    now = datetime.now(UTC)
    return asyncio.run(webhooks.send(url, [new_secret()], "msg_1", {"type": "test"}, now))


class Asked(list[str]):
    """The hosts in whose names it was asked."""


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[tuple[Asked, int]]:
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(self.headers["host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            """A client that does not trust us goes away."""

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield asked, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_nothing_within_is_asked_anything(host):
    with listening() as (asked, port):
        outcome = sent(f"http://{host}:{port}/", Rules(allows_http=True))
    assert (outcome.result, outcome.reason, asked) == ("blocked", "address", [])


def test_a_name_is_asked_for_by_its_name_at_the_address_that_was_checked(monkeypatch):
    async def found(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    with listening() as (asked, port):
        loop = asyncio.base_events.BaseEventLoop
        monkeypatch.setattr(loop, "getaddrinfo", found)
        assert sent(f"http://hooks.ward.example:{port}/", WITHIN) == Outcome("delivered", 204)
    assert asked == [f"hooks.ward.example:{port}"]


def test_a_proxy_of_the_surroundings_is_not_asked(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    with listening() as (asked, port):
        assert sent(f"http://127.0.0.1:{port}/", WITHIN).result == "delivered"
    assert asked


def certificate(folder: Path, name: str) -> Path:
    file, shown = folder / "key.pem", folder / "shown.pem"
    wanted = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", file, "-out", shown]
    try:
        command = ["openssl", "req", "-x509", *wanted, *made]
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here to make a certificate with")
    file.write_text(file.read_text() + shown.read_text())
    return file


@pytest.mark.parametrize(
    ("named", "result"), [("localhost", "delivered"), ("other.example", "failed")]
)
def test_whoever_answers_must_prove_the_name_and_not_the_address(
    named, result, tmp_path, monkeypatch
):
    file = certificate(tmp_path, named)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def found(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", found)
    with listening(context) as (asked, port):
        outcome = sent(f"https://localhost:{port}/", Rules(networks=HOME))
    assert (outcome.result, bool(asked)) == (result, result == "delivered")


def test_where_nobody_is_at_home_it_is_said_without_their_words():
    outcome = sent("http://127.0.0.1:9/", WITHIN)
    assert (outcome.result, outcome.status, outcome.reason) == ("failed", None, "ConnectError")
    unknown = sent("https://no.such.name.invalid/", WITHIN)
    assert unknown.result == "failed"
