"""`graftwatch doctor` as it is typed: one line for each check, an exit code, JSON for programs."""

import json
from pathlib import Path
from secrets import token_hex

import pytest

from service.pipeline.doctor import CHECKS
from tests.conftest import migrate
from tests.journeys.own_postgres import OwnPostgres
from tests.journeys.test_cli import graftwatch


def test_before_there_is_anything_each_step_tells_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/graftwatch.db"
    nothing = graftwatch("doctor", database_url=url)
    assert nothing.returncode == 1
    assert "There is no database yet. Run `graftwatch migrate`" in nothing.stdout
    assert not (tmp_path / "graftwatch.db").exists(), "looking makes none"

    assert graftwatch("migrate", database_url=url).returncode == 0
    no_key = graftwatch("doctor", database_url=url)
    assert no_key.returncode == 1
    assert "graftwatch keys create" in no_key.stdout

    made = graftwatch("keys", "create", "me", "--scope", "manage", database_url=url)
    assert made.returncode == 0
    assert graftwatch("doctor", database_url=url).returncode == 0


def test_a_line_for_each_check_and_the_same_as_json(migrated_url: str) -> None:
    settings = {"database_url": migrated_url, "auth": "off"}
    told = graftwatch("doctor", **settings)
    assert told.returncode == 0, "a warning is no failure"
    lines = [line.split(maxsplit=2) for line in told.stdout.splitlines()]
    assert [name for _, name, _ in lines] == list(CHECKS)
    assert lines[0][0] == "warn"
    document = json.loads(graftwatch("doctor", "--format", "json", **settings).stdout)
    assert document["status"] == "warn"
    assert document["not_run"] == []
    found = [(one["status"], one["check"]) for one in document["checks"]]
    assert found == [(status, name) for status, name, _ in lines]
    assert document["checks"][0]["advice"] in told.stdout


def test_settings_that_cannot_be_used_are_told_without_their_values() -> None:
    told = graftwatch("doctor", database_url="mysql://root:hunter2@x/y", port="-1")
    assert told.returncode == 1
    assert told.stdout.startswith("fail  settings")
    assert "GRAFTWATCH_DATABASE_URL" in told.stdout
    assert "GRAFTWATCH_PORT" in told.stdout
    assert "hunter2" not in told.stdout + told.stderr


@pytest.mark.parametrize("content", [b"no database at all", None])
def test_a_database_that_is_none_or_is_not_there(content: bytes | None, tmp_path: Path) -> None:
    url = "postgresql://127.0.0.1:1/nothing"
    if content is not None:
        (tmp_path / "x.db").write_bytes(content)
        url = f"sqlite:///{tmp_path}/x.db"
    told = graftwatch("doctor", database_url=url)
    assert (told.returncode, "fail  database" in told.stdout) == (1, True)
    assert "Not looked at" in told.stdout


def disk_of(url: str) -> str:
    document = json.loads(graftwatch("doctor", "--format", "json", database_url=url).stdout)
    return next(one["status"] for one in document["checks"] if one["check"] == "disk")


def test_a_small_disk_under_sqlite(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/graftwatch.db"
    migrate(url)
    assert disk_of(url) == "fail"


def test_a_small_disk_under_postgresql(small_disk: Path, own_postgres: OwnPostgres) -> None:
    name = f"graftwatch_{token_hex(8)}"
    own_postgres.give(small_disk)
    own_postgres.execute(f"CREATE TABLESPACE {name} LOCATION '{small_disk}'")
    own_postgres.execute(f"CREATE DATABASE {name} TABLESPACE {name}")
    try:
        migrate(own_postgres.url(name))
        assert disk_of(own_postgres.url(name)) == "fail"
    finally:
        own_postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
        own_postgres.execute(f"DROP TABLESPACE {name}")
