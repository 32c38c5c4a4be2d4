"""Many rows in one statement, whichever the store.

In:     rows as tuples, in the order of the named columns.
Out:    inserted, changed or found: on PostgreSQL by one statement over arrays, on SQLite by one
        prepared statement run for each row.
Source: PostgreSQL, 7.2.1.4 "Table Functions" (`unnest` of several arrays); docs/performance.md.

The statements are plain text, and always the same for the same columns, so that the driver
prepares them once. Building and binding them row by row took longer than running them.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from service.store.citus import is_citus

Table: TypeAlias = type[SQLModel]
Columns: TypeAlias = tuple[str, ...]
Row: TypeAlias = tuple[Any, ...]
POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
AS_IT_IS: Callable[[Any], Any] = lambda value: value  # noqa: E731 - a value, not a step


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Columns,
    rows: Sequence[Row],
    *,
    on_conflict: str = "",
) -> None:
    """Insert the rows; `on_conflict` says what to do with those that are there already."""
    clause = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    into = f"INSERT INTO {table.__tablename__} ({', '.join(columns)})"
    _run(
        connection,
        table,
        columns,
        rows,
        over_arrays=f"{into} SELECT * FROM {{named}}{clause}",  # noqa: S608 - names of ours
        for_each=f"{into} VALUES ({', '.join('?' * len(columns))}){clause}",
    )


def change_rows(
    connection: Connection,
    table: Table,
    columns: Columns,
    rows: Sequence[Row],
    change: str,
    *given: Any,
) -> None:
    """Run `UPDATE … SET …` or `DELETE FROM …` on the rows that the columns name.

    `change` is the statement with `{of}` where the rows are named, among its other conditions, and
    `{given}` for each value given, before `{of}`.
    """
    name = table.__tablename__
    verb = "USING" if change.startswith("DELETE") else "FROM"
    same = " AND ".join(f"{name}.{column} = named.{column}" for column in columns)
    _run(
        connection,
        table,
        columns,
        rows,
        given,
        over_arrays=change.format(of=f"{verb} {{named}} WHERE {same}", given="%s"),
        for_each=change.format(of=f"WHERE {' AND '.join(f'{c} = ?' for c in columns)}", given="?"),
    )


def select_rows(
    connection: Connection, table: Table, columns: Columns, keys: Sequence[Row], wanted: Columns
) -> list[Row]:
    """The wanted columns of the rows that the keys name, each looked up by its index."""
    if not keys:
        return []
    name, dialect = table.__tablename__, connection.dialect
    parameters: Row
    if dialect.name == "sqlite":
        same = " AND ".join(
            f"{name}.{column} = json_extract(named.value, '$[{place}]')"
            for place, column in enumerate(columns)
        )
        rows_of = f"json_each(?) AS named CROSS JOIN {name} AS found ON "
        rows_of += same.replace(f"{name}.", "found.")
        parameters = (json.dumps(keys),)
    elif is_citus(connection):
        same = " AND ".join(f"found.{column} = named.{column}" for column in columns)
        rows_of = f"{_named(table, columns)} JOIN {name} AS found ON {same}"
        parameters = _arrays(keys)
    else:
        same = " AND ".join(f"{name}.{column} = named.{column}" for column in columns)
        # OFFSET 0 keeps the planner at the index, whatever it thinks of the table's size.
        rows_of = f"{_named(table, columns)} CROSS JOIN LATERAL "
        rows_of += f"(SELECT * FROM {name} WHERE {same} OFFSET 0) AS found"  # noqa: S608
        parameters = _arrays(keys)
    query = f"SELECT {', '.join(f'found.{column}' for column in wanted)} FROM {rows_of}"  # noqa: S608
    readers = _readers(table, wanted, dialect)
    return [
        tuple(read(value) for read, value in zip(readers, row, strict=True))
        for row in connection.exec_driver_sql(query, parameters)
    ]


def _run(
    connection: Connection,
    table: Table,
    columns: Columns,
    rows: Sequence[Row],
    given: Row = (),
    *,
    over_arrays: str,
    for_each: str,
) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        bound = _bound(table, columns, connection.dialect, rows)
        connection.exec_driver_sql(for_each, [(*given, *row) for row in bound])
        return
    statement = over_arrays.format(named=_named(table, columns))
    connection.exec_driver_sql(statement, (*given, *_arrays(rows)))


def _arrays(rows: Sequence[Row]) -> Row:
    """A literal for each column; the driver takes three times as long to write a list."""
    return tuple(f"{{{','.join(map(_element, values))}}}" for values in zip(*rows, strict=True))


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _bound(table: Table, columns: Columns, dialect: Dialect, rows: Iterable[Row]) -> Iterable[Row]:
    """The rows as SQLite keeps them: it has no type of its own for days and instants."""
    binders = _binders(table, columns, dialect)
    if all(binder is AS_IT_IS for binder in binders):
        return rows
    return (tuple(b(v) for b, v in zip(binders, row, strict=True)) for row in rows)


@lru_cache
def _named(table: Table, columns: Columns) -> str:
    """The rows as a table of PostgreSQL's, `named`, from an array for each column.

    In a query of its own, which Citus runs once and hands to the nodes; PostgreSQL folds it in.
    """
    types = table.metadata.tables[str(table.__tablename__)].c
    arrays = ", ".join(f"%s::{_array_type(types[column].type)}[]" for column in columns)
    rows = f"SELECT * FROM unnest({arrays}) AS given ({', '.join(columns)})"  # noqa: S608
    return f"({rows}) AS named"


def _array_type(column_type: TypeEngine[Any]) -> str:
    """The type without its length: a cast would cut off in silence what is too long."""
    return column_type.compile(dialect=POSTGRESQL).partition("(")[0]


@lru_cache
def _binders(table: Table, columns: Columns, dialect: Dialect) -> tuple[Callable[[Any], Any], ...]:
    types = table.metadata.tables[str(table.__tablename__)].c
    return tuple(
        types[column].type.dialect_impl(dialect).bind_processor(dialect) or AS_IT_IS
        for column in columns
    )


@lru_cache
def _readers(table: Table, columns: Columns, dialect: Dialect) -> tuple[Callable[[Any], Any], ...]:
    types = table.metadata.tables[str(table.__tablename__)].c
    return tuple(
        types[column].type.dialect_impl(dialect).result_processor(dialect, None) or AS_IT_IS
        for column in columns
    )
