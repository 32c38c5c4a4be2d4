"""The doctor before real faults, on both stores: each is found, named, and nothing else is."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from service.domain.events import AnyEvent, Finding, Infection, Transplant, encode
from service.domain.rules import FollowUpRules
from service.ingest.faults import Draft
from service.pipeline.doctor import CheckUp, check_up
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.settings import Settings
from service.store import wall
from service.store.engine import Database
from service.store.keys import create_key
from service.store.migrate import downgrade
from service.store.sources import add_source_events

ALL = (
    "settings",
    "database",
    "migrations",
    "rules",
    "clock",
    "disk",
    "keys",
    "pseudonym_key",
    "second_wall",
    "outbox",
    "ledger",
    "sums",
)
NTM = Finding(infection_type="ntm", organism_group="m. abscessus complex", site="lung")
SETTINGS = Settings(pseudonym_key="a secret of no hospital, kept for good")


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    """Five patients and somebody who may manage."""
    with closing(Database(migrated_url)) as database:
        found = Surveillance(database)
        found.require_ledger_under_these_rules()
        events = [event for number in range(5) for event in chart(f"p{number}")]
        record(found, [Draft(at, one, encode(one).decode()) for at, one in enumerate(events)])
        with database.write() as connection:
            create_key(connection, "operator", ["manage"], None, None, found.clock())
        yield found


def chart(patient: str) -> list[AnyEvent]:
    who = {"facility": "h1", "patient": patient}
    day = date(2024, 1, 1)
    return [
        Transplant(event_id=f"{patient}-1", occurred_on=day, transplant_type="kidney", **who),
        Infection(
            event_id=f"{patient}-2", occurred_on=day + timedelta(days=50), finding=NTM, **who
        ),
    ]


def look(surveillance: Surveillance, settings: Settings = SETTINGS) -> CheckUp:
    return check_up(settings, surveillance)


def faults(found: CheckUp) -> dict[str, str]:
    return {name: one.status for name, one in found.found.items() if one.status != "ok"}


def change(surveillance: Surveillance, statement: str) -> None:
    with surveillance.database.write() as connection:
        connection.execute(text(statement))


def test_where_all_is_well_it_says_so_of_everything(surveillance: Surveillance) -> None:
    found = look(surveillance)
    assert (found.status, faults(found), found.not_run) == ("ok", {}, ())
    assert tuple(found.found) == ALL
    assert found.found["ledger"].seen.startswith("5 patients replayed")


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE segments SET end_day = end_day + 1 WHERE patient = 'p3'", "ledger"),
        ("UPDATE risk_steps SET change = change + 1", "sums"),
        ("UPDATE api_keys SET scopes = '[\"rates:read\"]'", "keys"),
        ("UPDATE ledger_commits SET recorded_at = '2099-01-01 00:00:00+00:00'", "clock"),
    ],
)
def test_a_fault_in_the_database(surveillance: Surveillance, statement: str, check: str) -> None:
    change(surveillance, statement)
    found = look(surveillance)
    # Segments that changed are no longer what their sums say, either.
    assert faults(found) == dict.fromkeys([check, *(["sums"] * (check == "ledger"))], "fail")
    assert found.found[check].advice
    assert found.status == "fail"


def test_what_it_advises_against_a_wrong_ledger_helps(surveillance: Surveillance) -> None:
    change(surveillance, "UPDATE segments SET end_day = end_day + 1 WHERE patient = 'p3'")
    assert "graftwatch rebuild --apply" in look(surveillance).found["ledger"].advice
    rebuild(surveillance, apply=True)
    assert look(surveillance).status == "ok"


def test_a_clock_that_goes_before_the_databases(surveillance: Surveillance) -> None:
    clock = surveillance.clock
    ahead = replace(surveillance, clock=lambda: clock() + timedelta(seconds=90))
    assert faults(look(ahead)) == {"clock": "fail"}
    slightly = replace(surveillance, clock=lambda: clock() + timedelta(seconds=20))
    assert faults(look(slightly)) == {"clock": "warn"}


def test_other_rules_than_the_ledger_was_counted_under(surveillance: Surveillance) -> None:
    other = replace(surveillance, rules=FollowUpRules(followup_grace_days=30))
    found = look(other)
    assert faults(found) == {"rules": "fail"}
    assert found.not_run == ("ledger",), "it would differ for everybody, and say nothing"


def test_documents_without_the_key_that_hashes_them(surveillance: Surveillance) -> None:
    without = SETTINGS.model_copy(update={"pseudonym_key": None})
    assert faults(look(surveillance, without)) == {}
    with surveillance.database.write() as connection:
        add_source_events(connection, [("h1", "fhir:1", "p1-1", "p1")])
    assert faults(look(surveillance, without)) == {"pseudonym_key": "fail"}
    assert faults(look(surveillance)) == {}


def test_a_database_of_an_earlier_release(surveillance: Surveillance, migrated_url: str) -> None:
    downgrade(migrated_url, "0009")
    found = look(surveillance)
    assert found.found["migrations"].status == "fail"
    assert "0009" in found.found["migrations"].seen
    assert {"rules", "keys", "ledger", "sums"} <= set(found.not_run)


def test_a_database_that_lets_nobody_build_the_second_wall(surveillance: Surveillance) -> None:
    if surveillance.database.is_sqlite:
        pytest.skip("SQLite has no roles")
    change(surveillance, f"DROP POLICY {wall.POLICY} ON events")
    assert faults(look(surveillance)) == {"second_wall": "warn"}
    with surveillance.database.migrate() as connection:
        assert wall.build(connection)
    with closing(Database(surveillance.database.url.render_as_string(False))) as fresh:
        assert look(replace(surveillance, database=fresh)).status == "ok"


def test_a_table_that_is_gone(surveillance: Surveillance) -> None:
    change(surveillance, "ALTER TABLE risk_steps RENAME TO away")
    assert faults(look(surveillance)) == {"sums": "fail"}
