"""The migrations arrive at the tables the code expects, on both stores, there and back."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlmodel import SQLModel

from service.store import migrate
from service.store.engine import Database
from service.store.network_settings import Setting, put_setting
from service.store.readings import Reading, all_readings, put_readings
from service.store.tables import LedgerHead

OF_PATIENTS = {"events", "segments", "episodes", "strata", "risk_steps", "alert_cases"}
"""What grows with patients: distributed by facility where one machine is outgrown."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def test_the_migrated_tables_are_the_ones_the_code_declares(database: Database) -> None:
    migrate.upgrade(str(database.url.render_as_string(hide_password=False)))
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        assert migrate.is_at_head(connection)


def test_two_processes_may_migrate_at_once(database: Database, database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [database_url] * 4))
    with database.read() as connection:
        assert connection.execute(select(LedgerHead.position)).scalars().all() == [0]


def test_the_way_back_and_forward_again_with_data(database: Database, database_url: str) -> None:
    migrate.upgrade(database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE ledger_head SET position = 7"))
    migrate.downgrade(database_url, "base")
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database_url)
    with database.read() as connection:
        assert connection.execute(select(LedgerHead.position)).scalars().all() == [0]


def test_readings_and_settings_come_and_go_and_leave_the_ledger(
    database: Database, database_url: str
) -> None:
    """From a database of the first release with data, forward, back, and forward again."""
    migrate.upgrade(database_url, "0001")
    with database.write() as connection:
        connection.execute(text("UPDATE ledger_head SET position = 7"))
    migrate.upgrade(database_url)
    with database.write() as connection:
        put_readings(connection, [Reading("m", "network", 3.5, 739_000, 7)])
        put_setting(connection, "error_budget", Setting("{}", "operator", datetime.now(UTC)))
    migrate.downgrade(database_url, "0001")
    with database.read() as connection:
        names = set(inspect(connection).get_table_names())
        assert "alerts" in names
        assert not names & {"monitor_readings", "network_settings"}
    migrate.upgrade(database_url)
    with database.read() as connection:
        assert all_readings(connection) == []
        assert connection.execute(select(LedgerHead.position)).scalars().all() == [7]


def test_what_grows_with_patients_can_be_distributed_by_facility() -> None:
    """Citus takes no unique key without the distribution column, and no foreign key across it."""
    for name in OF_PATIENTS:
        table = SQLModel.metadata.tables[name]
        assert "facility" in table.primary_key.columns, name
        assert not table.foreign_keys, name
        unique = [index for index in table.indexes if index.unique]
        assert all("facility" in index.columns for index in unique), name


def test_the_upgrade_can_be_read_as_sql() -> None:
    written = migrate.upgrade_sql("postgresql+psycopg://")
    assert "CREATE TABLE segments" in written
    created = re.findall(r"CREATE TRIGGER .* ON (\w+)", written)
    assert created == ["audit", "audit_mentions"], "and none on what grows with patients"
