"""Keys over their life: rotated without a gap, expired, and the day they were last used."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from service.store.engine import Database
from service.store.key_uses import KeyUses
from service.store.keys import (
    StoredKey,
    create_key,
    find_key,
    list_keys,
    note_use,
    revoke_key,
    rotate_key,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    with closing(Database(migrated_url)) as database:
        yield database


def made(database: Database, expires_at: datetime | None = None) -> tuple[str, str]:
    with database.write() as connection:
        return create_key(connection, "lab", ["rates:read"], ["ucd-01"], expires_at, NOW)


def rotated(database: Database, key_id: str, overlap: timedelta = WEEK, now=NOW) -> str | None:
    with database.write() as connection:
        return rotate_key(connection, key_id, now + overlap, now)


def opens(database: Database, token: str, now: datetime) -> bool:
    with database.read() as connection:
        return find_key(connection, token, now) is not None


def only(database: Database) -> StoredKey:
    with database.read() as connection:
        [key] = list_keys(connection)
    return key


def test_after_a_rotation_both_secrets_open_until_the_overlap_ends(database: Database) -> None:
    key_id, old = made(database)
    before = only(database)
    new = rotated(database, key_id)
    assert new is not None
    for token, last_moment in ((old, True), (new, True)):
        assert opens(database, token, NOW + WEEK - MOMENT) is last_moment
    assert not opens(database, old, NOW + WEEK)
    assert opens(database, new, NOW + WEEK)
    after = only(database)
    assert (after.id, after.scopes, after.facilities) == (key_id, ("rates:read",), ("ucd-01",))
    assert before.sha256 != after.sha256


def test_without_an_overlap_the_old_secret_ends_at_once(database: Database) -> None:
    key_id, old = made(database)
    new = rotated(database, key_id, timedelta())
    assert new is not None
    assert [opens(database, token, NOW) for token in (old, new)] == [False, True]
    assert only(database).previous_sha256 is None


def test_at_most_two_secrets_open_at_a_time(database: Database) -> None:
    key_id, first = made(database)
    second = rotated(database, key_id) or ""
    third = rotated(database, key_id) or ""
    assert [opens(database, token, NOW) for token in (first, second, third)] == [False, True, True]


def test_a_key_that_holds_no_longer_is_not_rotated_back_to_life(database: Database) -> None:
    key_id, _ = made(database, expires_at=NOW + WEEK)
    assert rotated(database, key_id, now=NOW + WEEK) is None
    with database.write() as connection:
        assert revoke_key(connection, key_id, NOW)
    assert rotated(database, key_id) is None
    assert rotated(database, "0" * 16) is None


def test_a_revocation_ends_both_secrets(database: Database) -> None:
    key_id, _ = made(database)
    rotated(database, key_id)
    with database.write() as connection:
        revoke_key(connection, key_id, NOW)
    assert not only(database).is_valid(NOW)


def test_the_day_of_the_last_use_only_moves_forward(database: Database) -> None:
    key_id, _ = made(database)
    assert only(database).last_used_on is None
    for day in (date(2026, 3, 2), date(2026, 3, 1)):
        with database.note() as connection:
            note_use(connection, key_id, day)
    assert only(database).last_used_on == date(2026, 3, 2)


def test_a_key_is_noted_once_a_day_and_beside_a_writer(database: Database) -> None:
    made(database)
    key = only(database)
    written = []

    class Noting(KeyUses):
        def _write(self, key_id: str, day: date) -> None:
            written.append(day)
            super()._write(key_id, day)

    with closing(Noting(database)) as uses:
        with database.write():  # an import that takes long holds up no use of a key
            for day in (date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2)):
                uses.note(key, day)
        uses.note(key._replace(last_used_on=date(2026, 3, 2)), date(2026, 3, 2))
    assert written == [date(2026, 3, 1), date(2026, 3, 2)]
    assert only(database).last_used_on == date(2026, 3, 2)
