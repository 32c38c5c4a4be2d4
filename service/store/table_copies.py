"""Whole tables out of a database and into an empty one, of either store.

In:     a transaction and the shape of a table.
Out:    its rows as lines, in an order of their own; or a table that holds them.
Source: PostgreSQL, "COPY"; `service.store.copy_text` for the lines.

Whatever is asked of one reading transaction is one state, while others go on writing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from service.store.copy_text import (
    Kind,
    fields_of,
    kind_of,
    line_of,
    real,
    text_of_sqlite,
    values_for_sqlite,
)

ROWS_AT_ONCE = 2_000
PLAIN_TEXT = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL extra_float_digits = 1",
)
MADE_BY_MIGRATIONS = ("ledger_head", "audit_head", "baselines", "monitors")
"""Hold rows from the start: what they hold then may be thrown away."""


class Shape(NamedTuple):
    """A table's name, what its columns hold, and the columns that order its rows."""

    name: str
    columns: Mapping[str, Kind]
    key: Sequence[str]


def shapes() -> list[Shape]:
    """All tables of this release, by name."""
    return [
        Shape(
            name,
            {column.name: kind_of(column.type) for column in table.columns},
            [column.name for column in table.primary_key.columns],
        )
        for name, table in sorted(SQLModel.metadata.tables.items())
    ]


def fits(connection: Connection, shape: Shape) -> bool:
    """Has the database such a table?"""
    seen = inspect(connection)
    if not seen.has_table(shape.name):
        return False
    return {column["name"] for column in seen.get_columns(shape.name)} == set(shape.columns)


def holds_data(connection: Connection, names: Iterable[str]) -> bool:
    """Is there anything in these tables that no migration put there?"""
    asked = [name for name in names if name not in MADE_BY_MIGRATIONS]
    return any(
        connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first()  # noqa: S608 - of ours
        for name in asked
    )


def copy_out(connection: Connection, shape: Shape) -> Iterator[bytes]:
    """The table's rows in order, some whole lines at a time."""
    if connection.dialect.name == "sqlite":
        return _out_of_sqlite(connection, shape)
    return _out_of_postgresql(connection, shape)


def copy_in(connection: Connection, shape: Shape, lines: Iterator[bytes]) -> None:
    """Fill the table with the rows; what a migration put there goes."""
    if shape.name in MADE_BY_MIGRATIONS:
        connection.execute(text(f"DELETE FROM {shape.name}"))  # noqa: S608
    if connection.dialect.name == "sqlite":
        _into_sqlite(connection, shape, lines)
    else:
        _into_postgresql(connection, shape, lines)


def settle(connection: Connection, loaded: Iterable[Shape]) -> None:
    """Let PostgreSQL number on from what was loaded, and know what the tables are like now."""
    if connection.dialect.name == "sqlite":
        return
    for name, _, key in loaded:
        numbered = {"name": name, "column": key[0]}
        query = text("SELECT pg_get_serial_sequence(:name, :column)")
        if sequence := connection.execute(query, numbered).scalar_one():
            last = f"SELECT setval('{sequence}', max({key[0]})) FROM {name}"  # noqa: S608
            connection.execute(text(f"{last} HAVING max({key[0]}) IS NOT NULL"))
        connection.execute(text(f"ANALYZE {name}"))


def _out_of_sqlite(connection: Connection, shape: Shape) -> Iterator[bytes]:
    order = ", ".join(shape.key)
    query = f"SELECT {', '.join(shape.columns)} FROM {shape.name} ORDER BY {order}"  # noqa: S608
    text_of = text_of_sqlite(list(shape.columns.values()))
    found = connection.exec_driver_sql(query)
    while rows := found.fetchmany(ROWS_AT_ONCE):
        yield "".join(line_of(text_of(row)) for row in rows).encode()


def _out_of_postgresql(connection: Connection, shape: Shape) -> Iterator[bytes]:
    """In the order of bytes, which is SQLite's, whatever the database's language."""
    for statement in PLAIN_TEXT:
        connection.execute(text(statement))
    order = ", ".join(
        f'{name} COLLATE "C"' if shape.columns[name] == "text" else name for name in shape.key
    )
    query = f"SELECT {', '.join(shape.columns)} FROM {shape.name} ORDER BY {order}"  # noqa: S608
    reals = [at for at, kind in enumerate(shape.columns.values()) if kind == "real"]
    with _copying(connection, f"COPY ({query}) TO STDOUT") as copy:
        if not reals:
            while lines := b"".join(islice(copy, ROWS_AT_ONCE)):
                yield lines
            return
        for row in copy.rows():
            yield line_of(_with_reals(list(row), reals)).encode()


def _with_reals(row: list[str | None], places: Sequence[int]) -> list[str | None]:
    for at in places:
        field = row[at]
        row[at] = None if field is None else real(field)
    return row


def _into_sqlite(connection: Connection, shape: Shape, lines: Iterator[bytes]) -> None:
    places = ", ".join("?" * len(shape.columns))
    into = f"INSERT INTO {shape.name} ({', '.join(shape.columns)}) VALUES ({places})"  # noqa: S608
    values_of = values_for_sqlite(list(shape.columns.values()))
    while some := list(islice(lines, ROWS_AT_ONCE)):
        connection.exec_driver_sql(into, [values_of(fields_of(line.decode())) for line in some])


def _into_postgresql(connection: Connection, shape: Shape, lines: Iterator[bytes]) -> None:
    into = f"COPY {shape.name} ({', '.join(shape.columns)}) FROM STDIN"
    with _copying(connection, into) as copy:
        while some := b"".join(islice(lines, ROWS_AT_ONCE)):
            copy.write(some)


@contextmanager
def _copying(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own copying; its faults are told as all others of the database are."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except psycopg.Error as fault:
        raise OperationalError(statement, None, fault) from fault
