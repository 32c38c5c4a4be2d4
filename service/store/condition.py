"""What a database says of its own condition, for whoever looks after it.

In:     a reading transaction.
Out:    its clock, its room, its server; whether documents of hospitals came in; some patients.
Source: PostgreSQL, 9.28 "System Administration Functions", 53.25 "pg_settings".
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, text, union
from sqlmodel import col

from service.store.events import PatientKey
from service.store.tables import PatientMergeRow, RecordedEvent, SourceEventRow

DATA_FOLDER = """
SELECT coalesce(
    nullif(pg_tablespace_location(dattablespace), ''),
    (SELECT setting FROM pg_settings WHERE name = 'data_directory')
) FROM pg_database WHERE datname = current_database()
"""
"""Null to a role that may not know where the server keeps its files."""


class Room(NamedTuple):
    """Bytes the database takes, and bytes left on its disk; None where that is out of sight."""

    taken: int
    left: int | None


class Server(NamedTuple):
    """What answers: its version, and how many connections it takes; None where it is a file."""

    version: str
    connections: int | None


def clock(connection: Connection) -> datetime:
    """What time it is where the database is."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)  # a file has no clock but this machine's
    told: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return told.astimezone(UTC)


def room(connection: Connection) -> Room:
    """How large the database is, and how much more its disk would take."""
    if connection.dialect.name == "sqlite":
        file = Path(str(connection.engine.url.database)).absolute()
        parts = (file, file.with_name(f"{file.name}-wal"))
        taken = sum(part.stat().st_size for part in parts if part.exists())
        return Room(taken, shutil.disk_usage(file.parent).free)
    taken = connection.execute(
        text("SELECT pg_database_size(current_database())::bigint")
    ).scalar_one()
    return Room(taken, _left_at(connection.execute(text(DATA_FOLDER)).scalar_one()))


def _left_at(folder: str | None) -> int | None:
    """What is left where the server keeps its files, if that is on this machine."""
    try:
        return shutil.disk_usage(folder).free if folder else None
    except OSError:
        return None


def server(connection: Connection) -> Server:
    """Which release answers."""
    if connection.dialect.name == "sqlite":
        version = connection.execute(text("SELECT sqlite_version()")).scalar_one()
        return Server(f"SQLite {version}", None)
    version, most = connection.execute(
        text("SELECT current_setting('server_version'), current_setting('max_connections')::int")
    ).one()
    return Server(f"PostgreSQL {version.partition(' ')[0]}", most)


def documents_came_in(connection: Connection) -> bool:
    """Did any event come of a hospital's document, whose identifiers are hashed?"""
    return connection.execute(select(col(SourceEventRow.facility)).limit(1)).first() is not None


def some_patients(connection: Connection, most: int) -> list[PatientKey]:
    """So many patients, others each time."""

    def keys(facility: Any, patient: Any) -> Any:
        return select(facility.label("facility"), patient.label("patient"))

    known = union(
        keys(col(RecordedEvent.facility), col(RecordedEvent.patient)),
        keys(col(PatientMergeRow.facility), col(PatientMergeRow.merged_into)),
    ).subquery()
    query = select(known.c.facility, known.c.patient).order_by(func.random()).limit(most)
    return [PatientKey(*row) for row in connection.execute(query)]
