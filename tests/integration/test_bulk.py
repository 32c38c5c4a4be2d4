"""Many rows in one statement: whatever the values, they come back as they went in."""

from contextlib import closing
from datetime import UTC, date, datetime

from service.store.bulk import change_rows, insert_rows, select_rows
from service.store.engine import Database
from service.store.tables import EpisodeRow, RecordedEvent

EVENT = tuple(RecordedEvent.model_fields)
NOW = datetime(2026, 11, 23, 2, 0, 0, 123456, tzinfo=UTC)
ODD = ['"', "\\", '\\"', "{a,b}", "NULL", "null", "", " ", "ä€𝄞", "it's", "%s ?", "a\nb\tc"]


def event(name: str, words: str, position: int) -> tuple[object, ...]:
    return ("ucd-01", name, "p1", position, NOW, "void", date(2024, 2, 29), words, words)


def test_odd_words_days_and_instants_come_back(migrated_url):
    rows = [event(words, words, place) for place, words in enumerate(ODD)]
    with closing(Database(migrated_url)) as database:
        with database.write() as connection:
            insert_rows(connection, RecordedEvent, EVENT, rows)
            insert_rows(connection, RecordedEvent, EVENT, [])
        with database.read() as connection:
            keys = [("ucd-01", words) for words in [*ODD, "unknown"]]
            found = select_rows(connection, RecordedEvent, EVENT[:2], keys, EVENT)
            assert sorted(found, key=lambda row: row[3]) == rows
            assert select_rows(connection, RecordedEvent, EVENT[:2], [], EVENT) == []


def test_rows_that_are_named_are_changed_and_no_others(migrated_url):
    columns = ("facility", "event_id")
    change = "UPDATE events SET received = {given} {of} AND position > 0"
    with closing(Database(migrated_url)) as database, database.write() as connection:
        rows = [event(f"e{place}", "as sent", place) for place in range(4)]
        insert_rows(connection, RecordedEvent, EVENT, rows)
        named = [("ucd-01", "e0"), ("ucd-01", "e2"), ("elsewhere", "e3")]
        change_rows(connection, RecordedEvent, columns, named, change, '"new" %s')
        change_rows(
            connection, RecordedEvent, columns, [("ucd-01", "e1")], "DELETE FROM events {of}"
        )
        keys = [("ucd-01", f"e{place}") for place in range(4)]
        found = select_rows(connection, RecordedEvent, columns, keys, ("event_id", "received"))
    assert sorted(found) == [("e0", "as sent"), ("e2", '"new" %s'), ("e3", "as sent")]


def test_truth_and_nothing_come_back(migrated_url):
    columns = tuple(EpisodeRow.model_fields)
    own = dict.fromkeys(columns, "x") | {
        "posted_at": 2**40,
        "withdrawn_at": None,
        "stratum_id": 2**62,
        "counted": True,
        "first_of_type": False,
        "first_of_any": True,
        "onset_day": 738_000,
        "organism": None,
        "course_index_day": None,
        "performed_in": "MX",
    }
    row = tuple(own[name] for name in columns)
    with closing(Database(migrated_url)) as database, database.write() as connection:
        insert_rows(connection, EpisodeRow, columns, [row])
        key = ("facility", "patient", "episode_id")
        assert select_rows(connection, EpisodeRow, key, [("x", "x", "x")], columns) == [row]
