"""PostgreSQL itself shows a bound key no row of another facility, whatever a query asks for."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from service.domain.events import AnyEvent, Finding, Infection, Transplant, encode
from service.ingest.faults import Draft
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.store import wall
from service.store.engine import Database
from service.store.migrate import downgrade, upgrade
from service.store.reach import bind, own_reach
from service.store.tables import AlertRow, PatientMoveRow, TermDecisionRow

NTM = Finding(infection_type="ntm", organism_group="m. abscessus complex", site="central_nervous")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
WITH_FACILITY = sorted(
    table.name for table in SQLModel.metadata.sorted_tables if "facility" in table.columns
)


def chart(facility: str) -> Iterator[AnyEvent]:
    who = {"facility": facility, "patient": f"p-{facility}"}
    yield Transplant(
        event_id="t", occurred_on=date(2024, 1, 1), transplant_type="cell_injection", **who
    )
    yield Infection(event_id="i", occurred_on=date(2024, 2, 1), finding=NTM, **who)


@pytest.fixture
def database(postgresql_databases: Any) -> Iterator[Database]:
    """Two facilities, each with a patient and a case."""
    with postgresql_databases(migrated=True) as url, closing(Database(url)) as database:
        surveillance = Surveillance(database)
        surveillance.require_ledger_under_these_rules()
        events = [event for facility in ("here", "there") for event in chart(facility)]
        record(
            surveillance, [Draft(at, one, encode(one).decode()) for at, one in enumerate(events)]
        )
        yield database


def facilities_in(database: Database, table: str) -> set[str]:
    """Every facility of a table's rows, asked for without any filter."""
    column = SQLModel.metadata.tables[table].c.facility
    with database.read() as connection:
        return {name for (name,) in connection.execute(select(column).distinct()) if name}


@pytest.mark.parametrize("table", ["events", "strata", "segments", "risk_steps", "episodes"])
def test_a_query_without_a_filter_finds_the_keys_own_rows(database: Database, table: str) -> None:
    assert facilities_in(database, table) == {"here", "there"}
    with own_reach():
        bind(("here",))
        assert facilities_in(database, table) == {"here"}
        bind(("here", "there"))
        assert facilities_in(database, table) == {"here", "there"}
        bind(())
        assert facilities_in(database, table) == set()
        bind(None)
        assert facilities_in(database, table) == {"here", "there"}


def test_an_alert_is_shown_where_all_of_it_is_of_the_keys_facilities(database: Database) -> None:
    with database.write() as connection:
        for name, facilities in (("a", ["here"]), ("b", ["there"]), ("c", ["here", "there"])):
            put(connection, AlertRow, id=name, facilities=facilities)
    for reached, shown in ((("here",), {"a"}), (("here", "there"), {"a", "b", "c"}), ((), set())):
        assert ids_shown(database, AlertRow.id, reached) == shown


def test_a_move_is_shown_to_both_sides_and_a_networks_decision_to_all(database: Database) -> None:
    with database.write() as connection:
        put(connection, PatientMoveRow, id="m", from_facility="here", to_facility="there")
        put(connection, TermDecisionRow, sequence=1, facility=None)
        put(connection, TermDecisionRow, sequence=2, facility="there")
    for facility, moves, decisions in (
        ("here", {"m"}, {1}),
        ("there", {"m"}, {1, 2}),
        ("elsewhere", set(), {1}),
    ):
        assert ids_shown(database, PatientMoveRow.id, (facility,)) == moves
        assert ids_shown(database, TermDecisionRow.sequence, (facility,)) == decisions


def ids_shown(database: Database, column: Any, reached: tuple[str, ...]) -> set[Any]:
    with own_reach():
        bind(reached)
        with database.read() as connection:
            return {value for (value,) in connection.execute(select(column))}


def put(connection: Connection, row: type[SQLModel], **values: Any) -> None:
    """A row of which only these values matter."""
    table = SQLModel.metadata.tables[str(row.__tablename__)]
    anything = {
        "VARCHAR": "x", "TEXT": "x", "BIGINT": 1, "INTEGER": 1, "BOOLEAN": False, "JSON": [],
        "DATE": NOW.date(), "FLOAT": 0.0, "DATETIME": NOW,
    }  # fmt: skip
    needed = {
        column.name: anything[re.split(r"\W", str(column.type))[0]]
        for column in table.columns
        if not column.nullable
    }
    connection.execute(insert(table), needed | values)


@pytest.mark.parametrize("table", sorted(wall.UNREAD))
def test_what_tells_of_keys_cannot_be_read_on_behalf_of_one(database: Database, table: str) -> None:
    with own_reach():
        bind(("here",))
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.read() as connection,
        ):
            connection.execute(text(f"SELECT * FROM {table}"))


def test_a_bound_read_changes_nothing_and_its_connection_is_whole_again(database: Database) -> None:
    with own_reach():
        bind(("here",))
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.read() as connection,
        ):
            connection.execute(text("DELETE FROM events"))
    with database.write() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() != wall.ROLE


def test_every_table_with_a_facility_is_behind_the_wall(database: Database) -> None:
    assert set(WITH_FACILITY) <= set(wall.policies())
    with database.read() as connection:
        guarded = connection.execute(
            text("SELECT tablename FROM pg_policies WHERE policyname = :name"),
            {"name": wall.POLICY},
        )
        assert {name for (name,) in guarded} == set(wall.policies())


def test_it_goes_with_the_tables_and_comes_back(postgresql_databases: Any) -> None:
    with postgresql_databases(migrated=True) as url:
        downgrade(url, "base")
        upgrade(url)
        upgrade(url)
        with closing(Database(url)) as database, database.read() as connection:
            assert wall.stands(connection)
