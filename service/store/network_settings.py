"""Settings of the whole network that are made while it runs.

In:     a name, and the setting as JSON.
Out:    the setting as it stands, with who made it and when.
Source: docs/operations.md, "Error budget".
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlmodel import col

from service.store.ledger import UPSERT
from service.store.tables import NetworkSettingRow


class Setting(NamedTuple):
    """A setting as JSON."""

    body: str
    actor: str
    recorded_at: datetime


def find_setting(connection: Connection, name: str) -> Setting | None:
    """The setting of that name, if it was ever made."""
    columns = [col(getattr(NetworkSettingRow, field)) for field in Setting._fields]
    query = select(*columns).where(col(NetworkSettingRow.name) == name)
    row = connection.execute(query).one_or_none()
    return None if row is None else Setting(*row)


def put_setting(connection: Connection, name: str, setting: Setting) -> None:
    """Keep the setting in place of what it was."""
    values = setting._asdict()
    statement = UPSERT[connection.dialect.name](NetworkSettingRow).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
