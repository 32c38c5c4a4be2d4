"""The mapping files that imports are read by.

In:     mappings under their names.
Out:    the same, as they were put last.
Source: docs/imports.md.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlmodel import col

from service.store.ledger import UPSERT
from service.store.tables import ImportMappingRow


class KeptMapping(NamedTuple):
    """A mapping file as it was put last."""

    name: str
    recorded_at: datetime
    actor: str
    facilities: list[str] | None
    body: str


_mappings = [col(getattr(ImportMappingRow, name)) for name in KeptMapping._fields]


def find_mapping(connection: Connection, name: str) -> KeptMapping | None:
    """The mapping of that name."""
    query = select(*_mappings).where(col(ImportMappingRow.name) == name)
    row = connection.execute(query).one_or_none()
    return None if row is None else KeptMapping(*row)


def put_mapping(connection: Connection, mapping: KeptMapping) -> None:
    """Keep a mapping in place of what it was."""
    values = mapping._asdict()
    statement = UPSERT[connection.dialect.name](ImportMappingRow).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
