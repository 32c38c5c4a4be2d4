"""What Citus asks of the schema and of every statement, held without a cluster.

In:     the declared tables; a PostgreSQL that is told it has Citus, with functions of its names
        that write down what they are asked; the statements that the service sends.
Out:    nothing.
Source: Citus, "Creating and Modifying Distributed Objects" and "SQL Support and Workarounds";
        docs/scaling.md. That Citus takes what is asked is not shown here: no package of it was at
        hand.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date

import msgspec
import pytest
from sqlalchemy import BigInteger, Integer, event, inspect, text
from sqlmodel import SQLModel

from service.domain.audit_chain import Actor
from service.domain.figures import RateDefinition
from service.examples.network import simulate
from service.ingest.ndjson import read_ndjson
from service.monitors.shipped import shipped_monitors
from service.pipeline.erase import erase
from service.pipeline.rates import rate_table
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance, utc_now
from service.reference.baselines import shipped_baselines
from service.store import census, citus, holdings, migrate
from service.store.catalogue import add_shipped
from service.store.citus import DISTRIBUTED, LOCAL, REFERENCE
from service.store.engine import Database
from service.store.events import patient_keys

PRETENDED = """
CREATE TABLE pg_dist_partition (logicalrelid regclass, partkey text, beside text);
CREATE FUNCTION create_distributed_table(t regclass, key text, colocate_with text) RETURNS void
    LANGUAGE sql AS 'INSERT INTO pg_dist_partition VALUES (t, key, colocate_with)';
CREATE FUNCTION create_reference_table(t regclass) RETURNS void
    LANGUAGE sql AS 'INSERT INTO pg_dist_partition VALUES (t, NULL, NULL)';
INSERT INTO pg_extension
    SELECT 1, 'citus', extowner, extnamespace, false, '0', NULL, NULL FROM pg_extension LIMIT 1
"""
ASKED_OF_ALL_NODES = {
    "DELETE FROM alert_cases WHERE alert_cases.alert_id = %(alert_id_1)s::VARCHAR"
}
"""Statements of the write path that Citus sends to every shard: they name no facility."""


@contextmanager
def pretended_citus(url: str) -> Iterator[Database]:
    """A database that believes to have Citus, before any migration."""
    with closing(Database(url)) as database:
        with database.migrate() as connection:
            for statement in PRETENDED.split(";\n"):
                connection.execute(text(statement))
        yield database


@pytest.fixture
def on_citus(postgresql_databases) -> Iterator[Database]:
    with postgresql_databases() as url, pretended_citus(url) as database:
        yield database


def placed(database: Database) -> dict[str, tuple[str | None, str | None]]:
    with database.read() as connection:
        rows = connection.execute(
            text("SELECT logicalrelid::text, partkey, beside FROM pg_dist_partition")
        )
        return {name: (key, beside) for name, key, beside in rows}


AS_IT_SHOULD_BE = {
    **dict.fromkeys(DISTRIBUTED, ("facility", "events")),
    "events": ("facility", "none"),
    **dict.fromkeys(REFERENCE, (None, None)),
}


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def test_every_table_has_one_place() -> None:
    named = [*DISTRIBUTED, *REFERENCE, *LOCAL]
    assert sorted(named) == sorted(SQLModel.metadata.tables)


def test_the_migration_spreads_the_tables(on_citus: Database) -> None:
    migrate.upgrade(url_of(on_citus))
    assert placed(on_citus) == AS_IT_SHOULD_BE
    migrate.upgrade(url_of(on_citus))  # a second time finds nothing to do
    assert placed(on_citus) == AS_IT_SHOULD_BE


def test_a_table_that_was_moved_by_hand_is_left_alone(on_citus: Database) -> None:
    migrate.upgrade(url_of(on_citus), "0001")
    assert placed(on_citus) == {}
    with on_citus.migrate() as connection:
        connection.execute(text("SELECT create_distributed_table('events', 'facility', 'none')"))
    migrate.upgrade(url_of(on_citus))
    assert placed(on_citus) == AS_IT_SHOULD_BE
    assert citus.placements(AS_IT_SHOULD_BE) == []


def test_the_extension_may_come_after_the_migration(postgresql_databases) -> None:
    with postgresql_databases(migrated=True) as url, pretended_citus(url) as database:
        migrate.upgrade(url)
        assert placed(database) == AS_IT_SHOULD_BE


def test_without_the_extension_nothing_is_asked(migrated_url: str) -> None:
    with closing(Database(migrated_url)) as database, database.migrate() as connection:
        assert citus.place(connection) == []


@pytest.mark.parametrize("name", DISTRIBUTED)
def test_a_distributed_table_keeps_the_rules(name: str) -> None:
    """Every key has `facility` and none refers elsewhere; nothing is numbered by the node."""
    table = SQLModel.metadata.tables[name]
    assert "facility" in table.primary_key.columns
    assert table.c.facility.type.length == 64, "alike everywhere, or the tables do not lie together"
    assert not table.c.facility.nullable
    assert not table.foreign_keys
    assert all("facility" in index.columns for index in table.indexes if index.unique)
    whole = [c for c in table.primary_key if isinstance(c.type, Integer | BigInteger)]
    assert not any(c.identity or c.server_default for c in table.c)
    assert len(table.primary_key) > 1 or not whole, "a lone whole number would be a sequence"


@pytest.mark.parametrize("name", [*REFERENCE, *LOCAL])
def test_no_table_refers_to_a_distributed_one(name: str) -> None:
    table = SQLModel.metadata.tables[name]
    assert not table.foreign_keys
    if name in REFERENCE:
        assert table.primary_key.columns, "a copy needs a key to be changed by"


def test_the_migrated_database_has_no_trigger_rule_or_sequence_of_a_distributed_table(
    on_citus: Database,
) -> None:
    migrate.upgrade(url_of(on_citus))
    with on_citus.read() as connection:
        tables = connection.execute(text("SELECT tgrelid::regclass::text FROM pg_trigger"))
        assert set(tables.scalars()) == {"audit", "audit_mentions"}, "local ones"
        own = "SELECT rulename FROM pg_rules WHERE schemaname = 'public'"
        assert connection.execute(text(own)).all() == []
        assert set(inspect(connection).get_sequence_names()) == {
            "alert_history_sequence_seq",
            "delivery_attempts_id_seq",
            "ledger_head_only_row_seq",
            "outbox_id_seq",
        }


def statements_sent(database: Database) -> list[str]:
    """What is asked while events come in, figures go out and a patient is erased."""
    sent: list[str] = []
    event.listen(
        database._engine,
        "before_cursor_execute",
        lambda _c, _r, statement, *_: sent.append(" ".join(statement.split())),
    )
    surveillance = Surveillance(database)
    baselines = shipped_baselines()
    with database.write() as connection:
        add_shipped(connection, baselines, shipped_monitors(baselines), utc_now())
    network = simulate(1, patients=40, facilities=3, start=date(2021, 1, 1), end=date(2024, 1, 1))
    lines = [msgspec.json.Encoder().encode_lines(list(network.events()))]
    drafts = list(read_ndjson(lines, today_latest=date(2026, 1, 1), max_line_bytes=10**6))
    for half in (drafts[::2], drafts[1::2], drafts[:5]):
        record(surveillance, half)
    asked = RateDefinition(
        start_day=date(2022, 1, 1).toordinal(),
        end_day=date(2022, 12, 31).toordinal(),
        filters={"infection_type": ("ntm",)},
        by=("transplant_type", "facility", "site"),
    )
    with database.read() as connection:
        rate_table(connection, asked)
        census.take_census(connection)
        assert holdings.sums_that_differ(connection, "net-01") == 0
        key = patient_keys(connection, None, 1)[0]
    erase(surveillance, key, Actor("test"))
    assert rebuild(surveillance, apply=True).is_clean
    return sent


def tables_in(statement: str) -> set[str]:
    named = re.findall(r"(?:FROM|JOIN|INTO|UPDATE|USING|,) ([a-z_]+)", statement)
    return {name for name in named if name in SQLModel.metadata.tables}


def test_every_statement_keeps_to_what_citus_can_do(on_citus: Database) -> None:
    migrate.upgrade(url_of(on_citus))
    sent = statements_sent(on_citus)
    seen = {table for statement in sent for table in tables_in(statement)}
    assert {*DISTRIBUTED, *REFERENCE, "alerts", "ledger_head"} - {
        "network_settings",
        "import_mappings",
    } <= seen
    assert any("pg_advisory_xact_lock" in statement for statement in sent)
    for statement in set(sent):
        distributed = tables_in(statement) & {*DISTRIBUTED}
        if not distributed:
            continue
        assert distributed == tables_in(statement), f"with a table of one node: {statement}"
        require_one_node_each(statement)
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            require_facility_in_writing(statement)


def require_one_node_each(statement: str) -> None:
    """Joins by facility, and nothing that Citus cannot hand down."""
    for join in re.findall(r"JOIN \w+(?: AS \w+)? ON (.*?)(?:WHERE|GROUP|$)", statement):
        assert re.search(r"\w+\.facility = \w+\.facility", join), statement
    assert "LATERAL" not in statement
    assert "FOR UPDATE" not in statement
    assert not re.search(r"(?<!SELECT \* )FROM unnest", statement), "Citus mistypes its columns"


def require_facility_in_writing(statement: str) -> None:
    """A row goes to its facility's node, is found by it, and never moves."""
    if statement in ASKED_OF_ALL_NODES:
        return
    first, _, rest = statement.partition(" WHERE ")
    if statement.startswith("INSERT"):
        assert re.match(r"INSERT INTO \w+ \(.*?\bfacility\b", statement), statement
        conflict = re.search(r"ON CONFLICT \((.*?)\)", statement)
        assert conflict is None or "facility" in conflict[1], statement
        return
    assert "facility" in rest, statement
    assert not re.search(r"SET .*\bfacility =", first), statement
