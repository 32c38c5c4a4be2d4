"""`graftwatch backup` beside a service that takes events in, and `restore --verify` from it."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.journeys.conftest import PSEUDONYM_KEY, Service, Start
from tests.journeys.own_postgres import OwnPostgres
from tests.journeys.test_cli import graftwatch
from tests.journeys.watched import injected, send

Databases = Callable[..., AbstractContextManager[str]]


def cases(service: Service, **asked: Any) -> Any:
    with service.client(service.key()) as client:
        return client.get("/v1/rates", params={"end": "2025-06-30", **asked}).json()["total"]


def test_backed_up_under_load_and_served_again(
    start_service: Start, databases: Databases, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    with start_service() as service:
        ends, sent = Event(), []

        def post() -> None:
            with service.client(service.key()) as client:
                while not ends.is_set():
                    send(client, injected("ucd-01", f"p{len(sent)}", "2024-03-01"))
                    sent.append(1)

        sender = Thread(target=post)
        sender.start()
        try:
            done = graftwatch("backup", str(file), database_url=service.database_url)
        finally:
            ends.set()
            sender.join(60)
        assert done.returncode == 0, done.stderr
        assert "GRAFTWATCH_PSEUDONYM_KEY" in done.stderr
        assert PSEUDONYM_KEY not in done.stdout + done.stderr
        assert len(sent) > 0
        told = re.search(r"([\d,]+) events; the state at position \1, ", done.stdout)
        assert told, done.stdout
        known = cases(service)

    again = graftwatch("backup", str(file), database_url=service.database_url)
    assert (again.returncode, "there already" in again.stderr) == (2, True)

    with databases() as url:
        restored = graftwatch("restore", str(file), "--verify", database_url=url)
        assert restored.returncode == 0, restored.stdout + restored.stderr
        proofs = [line.split()[:2] for line in restored.stdout.splitlines()[1:]]
        assert proofs == [["ok", one] for one in ("tables", "audit", "ledger", "figures")]
        assert graftwatch("doctor", database_url=url, auth="off").returncode == 0
        assert "backup_restored" in graftwatch("audit", "show", database_url=url).stdout
        with start_service(url) as copy:
            assert cases(copy)["cases"] == int(told[1].replace(",", "")) // 2 <= known["cases"]
        twice = graftwatch("restore", str(file), database_url=url)
        assert (twice.returncode, "holds data already" in twice.stderr) == (2, True)


def test_an_ordinary_role_suffices(own_postgres: OwnPostgres, tmp_path: Path) -> None:
    """One that owns its database, and may see nothing of the server's files."""
    filled, empty, file = own_postgres.create(), own_postgres.create(), str(tmp_path / "b.tar")
    made = graftwatch("keys", "create", "me", "--scope", "manage", database_url=filled)
    assert made.returncode == 0, made.stderr
    looked = graftwatch("doctor", database_url=filled)
    assert (looked.returncode, "cannot be seen from here" in looked.stdout) == (0, True)
    assert graftwatch("backup", file, database_url=filled).returncode == 0
    restored = graftwatch("restore", file, "--verify", database_url=empty)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert graftwatch("doctor", database_url=empty).returncode == 0


@pytest.mark.parametrize("content", [b"", b"PGDMP something else" * 99])
def test_what_is_no_backup_is_told_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    url = f"sqlite:///{tmp_path}/g.db"
    told = graftwatch("restore", str(tmp_path / "x"), database_url=url)
    assert (told.returncode, "no backup" in told.stderr) == (2, True), told.stderr
    missing = graftwatch("restore", str(tmp_path / "missing"), database_url=url)
    assert (missing.returncode, "No such file" in missing.stderr) == (2, True)
    assert not (tmp_path / "g.db").exists()
