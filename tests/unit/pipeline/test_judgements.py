"""What a doctor says of what it saw: each fault has a sentence and says what to do."""

from datetime import UTC, datetime, timedelta

import pytest

from service.pipeline import judgements
from service.pipeline.judgements import HeldKey
from service.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GIBIBYTE = 2**30


def key(*scopes: str, expires_in: float | None = None, is_revoked: bool = False) -> HeldKey:
    until = None if expires_in is None else NOW + timedelta(days=expires_in)
    return HeldKey("1f", "lab", scopes or ("manage",), until, is_revoked)


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ([], "fail"),
        ([key(is_revoked=True)], "fail"),
        ([key(expires_in=-1)], "fail"),
        ([key("rates:read")], "fail"),
        ([key(), key("events:write", expires_in=31)], "ok"),
        ([key(), key("events:write", expires_in=29)], "warn"),
        ([key(), key("events:write", expires_in=-6)], "warn"),
        ([key(), key("events:write", expires_in=-8)], "ok"),
        ([key(), key("events:write", expires_in=2, is_revoked=True)], "ok"),
    ],
)
def test_keys(keys: list[HeldKey], status: str) -> None:
    found = judgements.of_keys(keys, NOW, are_needed=True)
    assert found.status == status
    assert bool(found.advice) == (status != "ok")
    assert judgements.of_keys(keys, NOW, are_needed=False).status == "ok"


def test_a_key_that_ends_soon_is_named_with_its_day() -> None:
    found = judgements.of_keys([key(expires_in=2)], NOW, are_needed=True)
    assert "lab (1f) 2026-11-25" in found.seen


@pytest.mark.parametrize(
    ("apart", "ahead", "status"),
    [(1, -5, "ok"), (-6, 0, "warn"), (61, 0, "fail"), (0, 10, "fail"), (0, 4, "ok")],
)
def test_clocks(apart: float, ahead: float, status: str) -> None:
    found = judgements.of_clock(timedelta(seconds=apart), timedelta(seconds=ahead))
    assert found.status == status


@pytest.mark.parametrize(
    ("taken", "left", "status"),
    [
        (GIBIBYTE, None, "ok"),
        (GIBIBYTE, 2 * GIBIBYTE, "ok"),
        (3 * GIBIBYTE, 2 * GIBIBYTE, "warn"),
        (0, GIBIBYTE - 1, "warn"),
        (0, 2**20, "fail"),
    ],
)
def test_room(taken: int, left: int | None, status: str) -> None:
    assert judgements.of_room(taken, left).status == status


@pytest.mark.parametrize(
    ("found", "is_known", "status", "says"),
    [
        ("0010", True, "ok", ""),
        (None, False, "fail", "`graftwatch migrate`"),
        ("0008", True, "fail", "`graftwatch migrate`"),
        ("0099", False, "fail", "the release that made it"),
    ],
)
def test_migrations(found: str | None, is_known: bool, status: str, says: str) -> None:
    judgement = judgements.of_migrations(found, "0010", is_known=is_known)
    assert (judgement.status, says in judgement.advice) == (status, True)


@pytest.mark.parametrize(
    ("version", "connections", "status"),
    [
        ("SQLite 3.45", None, "ok"),
        ("PostgreSQL 18.1", 100, "ok"),
        ("PostgreSQL 18.1", 79, "warn"),
        ("PostgreSQL 14.9", 100, "fail"),
    ],
)
def test_servers(version: str, connections: int | None, status: str) -> None:
    settings = Settings(database_url="postgresql://x/y", workers=4)
    assert judgements.of_server(version, connections, settings).status == status


@pytest.mark.parametrize(
    ("minutes", "status"), [(0, "ok"), (59, "ok"), (61, "warn"), (4000, "warn")]
)
def test_messages_that_nobody_gets(minutes: float, status: str) -> None:
    assert judgements.of_outbox(3, timedelta(minutes=minutes)).status == status


def test_what_is_for_developing_is_told() -> None:
    assert judgements.of_settings(Settings()).status == "ok"
    assert judgements.of_settings(Settings(auth="off")).status == "warn"
    assert judgements.of_settings(Settings(log_format="console")).status == "warn"


@pytest.mark.parametrize(
    ("built_under", "position", "is_rebuilding", "status"),
    [
        ("ours", 7, False, "ok"),
        ("", 0, False, "ok"),
        ("ours", 7, True, "warn"),
        ("theirs", 7, False, "fail"),
        ("being rebuilt", 7, True, "fail"),
    ],
)
def test_rules(built_under: str, position: int, is_rebuilding: bool, status: str) -> None:
    found = judgements.of_rules(built_under, "ours", position=position, is_rebuilding=is_rebuilding)
    assert found.status == status
