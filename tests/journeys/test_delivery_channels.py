"""E-mail by a real SMTP server, alerts to a real Alertmanager, and services that are killed."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from service.commands.migrating import add_what_is_shipped
from service.settings import read_settings
from tests.journeys.conftest import Service, running
from tests.journeys.receivers import Receiver, receiving, wait_until
from tests.journeys.test_crash import Served
from tests.journeys.test_delivery import FAST, add, deliveries, one_case, wait_for_state
from tests.journeys.test_workers import free_port, supervised
from tests.journeys.watched import injected, send

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


class Mailbox:
    """Keeps what a mail server took."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.answer = "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        if self.answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append((envelope.rcpt_tos, mail))
        return self.answer

    async def handle_RCPT(  # noqa: N802
        self, _s: Any, _e: Any, envelope: Any, address: str, _o: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def check_password(_server: Any, _session: Any, _envelope: Any, _method: str, data: Any) -> Any:
    return AuthResult(success=(data.login, data.password) == (b"graftwatch", b"a secret of theirs"))


def certificate(folder: Path) -> Path:
    """A certificate for this machine with its key, both in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    file = folder / "mail.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = [
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        file,
        "-out",
        folder / "c.pem",
    ]
    subprocess.run(["openssl", "req", "-x509", *subject, *made], check=True, capture_output=True)
    file.write_text(file.read_text() + (folder / "c.pem").read_text())
    return file


@contextmanager
def mail_server(certificate_file: Path) -> Iterator[tuple[Mailbox, int]]:
    """A mail server that asks for a password, in private."""
    mailbox = Mailbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file)
    server = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=check_password,
        auth_required=True,
        tls_context=context,
        require_starttls=True,
    )
    server.start()
    try:
        yield mailbox, server.port
    finally:
        server.stop()


@contextmanager
def watching_anew(databases: Any, folder: Path, **settings: Any) -> Iterator[httpx.Client]:
    """One who may do everything at a service of its own."""
    with databases(migrated=True) as url:
        add_what_is_shipped(read_settings(database_url=url))
        with (
            running(url, folder / "log", **FAST, **settings) as service,
            service.client(service.key()) as client,
        ):
            yield client


def test_mail_reaches_the_ward_and_says_nothing_of_a_patient(databases, tmp_path, monkeypatch):
    trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    password = tmp_path / "password"
    password.write_text("a secret of theirs\n")
    with mail_server(trusted) as (mailbox, port):
        settings = {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_username": "graftwatch",
            "smtp_password_file": password,
            "smtp_from": "alerts@graftwatch.example.org",
        }
        with watching_anew(databases, tmp_path, **settings) as client:
            body = {"name": "ward", "channel": "email", "target": "ward@ucd.example, nobody@ucd"}
            recipient = client.post("/v1/recipients", json=body)
            assert recipient.status_code == 201, recipient.text
            assert recipient.json()["secret"] is None
            mailbox.answer = "451 come again"
            alert = one_case(client)
            wait_until(lambda: any(one["attempts"] for one in deliveries(client)))
            mailbox.answer = "250 OK"
            wait_for_state(client, "delivered")
            client.post(f"/v1/alerts/{alert}/acknowledge")
            wait_for_state(client, "delivered", 2)
            attempts = deliveries(client)[-1]["attempts"]
            assert (attempts[0]["outcome"], attempts[0]["status"]) == ("failed", 451)
            assert attempts[-1]["reason"] == "some_addresses_refused"
    (addresses, mail), (_, second) = mailbox.mails
    assert addresses == ["ward@ucd.example"]
    assert mail["subject"] == "[Graftwatch] critical: opened at ucd-01"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["references"] == second["references"] == f"<{alert}@graftwatch.example.org>"
    assert mail["message-id"] != second["message-id"]
    text = mail.get_content()
    assert f"Page: https://graftwatch.example.org/alerts/{alert}" in text
    assert "secret-patient" not in mail.as_string()


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """The real one."""
    if ALERTMANAGER is None:
        pytest.skip("no Alertmanager here: apt-get install prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    address = f"127.0.0.1:{free_port()}"
    command = [
        ALERTMANAGER,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://{address}"
            wait_until(lambda: is_ready(url))
            yield url
        finally:
            process.terminate()
            process.wait(20)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_alertmanager_holds_what_is_open_and_lets_go_of_what_was_closed(databases, tmp_path):
    with (
        alertmanager(tmp_path) as url,
        watching_anew(databases, tmp_path, alertmanager_url=url) as client,
    ):
        before = one_case(client, "ucd-01")
        body = {"name": "on call", "channel": "alertmanager"}
        assert client.post("/v1/recipients", json=body).status_code == 201
        alerts = f"{url}/api/v2/alerts"

        def held() -> dict[str, Any]:
            return {one["labels"].get("alert"): one for one in httpx.get(alerts).json()}

        wait_until(lambda: before in held())
        after = one_case(client, "ucd-02")
        wait_until(lambda: held().keys() == {before, after})
        assert held()[after]["labels"] == {
            "alertname": "GraftwatchAlert",
            "alert": after,
            "kind": "sentinel",
            "monitor": held()[after]["labels"]["monitor"],
            "severity": "critical",
            "facility": "ucd-02",
        }
        assert held()[after]["generatorURL"].endswith(f"/alerts/{after}")
        assert "secret-patient" not in httpx.get(alerts).text
        client.post(f"/v1/alerts/{before}/acknowledge")
        wait_until(lambda: held()[before]["annotations"]["status"] == "acknowledged")
        client.post(f"/v1/alerts/{before}/close", json={"outcome": "expected"})
        wait_until(lambda: before not in held())
        assert after in held()


def test_a_channel_that_is_not_set_up_is_refused_with_what_to_set(databases, tmp_path):
    with watching_anew(databases, tmp_path) as client:
        for channel, setting in (("email", "SMTP_HOST"), ("alertmanager", "ALERTMANAGER_URL")):
            body = {"name": "x", "channel": channel, "target": "ward@ucd.example"}
            answer = client.post("/v1/recipients", json=body)
            assert answer.status_code == 422
            assert f"GRAFTWATCH_{setting}" in answer.json()["detail"]


def test_what_was_committed_before_a_kill_is_delivered_after_it(databases, tmp_path):
    with (
        receiving() as receiver,
        databases(migrated=True) as url,
        ExitStack() as stack,
    ):
        add_what_is_shipped(read_settings(database_url=url))
        slow = {**FAST, "delivery_poll_seconds": 60}
        first = stack.enter_context(closing(Served(url, tmp_path / "log", **slow)))
        first.start()
        with httpx.Client(base_url=first.base_url, timeout=60) as client:
            add(client, receiver)
            alert = one_case(client)
            assert [one["state"] for one in deliveries(client)] == ["waiting"]
        first.kill()
        assert receiver.taken == []
        second = stack.enter_context(closing(Served(url, tmp_path / "log", **FAST)))
        second.start()
        with httpx.Client(base_url=second.base_url, timeout=60) as client:
            wait_for_state(client, "delivered")
            assert [one["alert"] for one in deliveries(client)] == [alert]
    assert len(receiver.taken) == 1


def test_two_workers_never_tell_anybody_twice(postgresql_databases, tmp_path):
    with ExitStack() as stack:
        receivers: list[Receiver] = [stack.enter_context(receiving()) for _ in range(4)]
        url = stack.enter_context(postgresql_databases(migrated=True))
        add_what_is_shipped(read_settings(database_url=url))
        workers = stack.enter_context(supervised(url, tmp_path, auth="off", **FAST))
        service: Service = workers.service
        client = stack.enter_context(service.client(None))
        secrets = [add(client, receiver)["secret"] for receiver in receivers]
        for number in range(25):
            patient, facility = f"p{number}", f"ucd-{number:02}"
            send(client, injected(facility, patient, "2024-01-01", performed_at=patient))
        wait_for_state(client, "delivered", 100)
        for receiver, secret in zip(receivers, secrets, strict=True):
            told = [message["data"]["sequence"] for message in receiver.verified(secret)]
            assert told == sorted(told)
            assert (len(told), len(set(receiver.ids()))) == (25, 25)
        counted = client.get("/metrics").text
    assert 'attempts_total{channel="webhook",outcome="delivered"} 100.0' in counted
