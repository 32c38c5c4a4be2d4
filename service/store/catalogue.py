"""Baselines and monitors as kept: the shipped ones, and what users made of them.

In:     `Baseline` and `MonitorDefinition` values.
Out:    the same; a baseline is never edited, it gets a new version.
Source: docs/methods.md 7.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import msgspec
from sqlalchemy import Connection, insert, select
from sqlmodel import col

from service.monitors.definitions import MonitorDefinition
from service.reference.baselines import Baseline
from service.store.ledger import UPSERT
from service.store.tables import BaselineRow, MonitorRow

MOST_DECODED = 1_000
"""The same text is decoded once; every batch reads the catalogue."""


def add_baseline(connection: Connection, baseline: Baseline, now: datetime) -> None:
    """Keep a new version of a baseline."""
    row = {
        "id": baseline.id,
        "version": baseline.version,
        "recorded_at": now,
        "body": msgspec.json.encode(baseline).decode(),
    }
    connection.execute(insert(BaselineRow), row)


def baseline_versions(connection: Connection, baseline_id: str) -> list[Baseline]:
    """All versions of a baseline, the latest first; none where it is unknown."""
    query = (
        select(col(BaselineRow.body))
        .where(col(BaselineRow.id) == baseline_id)
        .order_by(col(BaselineRow.version).desc())
    )
    return [_baseline(body) for body in connection.execute(query).scalars()]


def current_baselines(connection: Connection) -> dict[str, Baseline]:
    """The latest version of every baseline, by id."""
    query = select(col(BaselineRow.body)).order_by(col(BaselineRow.id), col(BaselineRow.version))
    found = (_baseline(body) for body in connection.execute(query).scalars())
    return {baseline.id: baseline for baseline in found}


def versions_of_baselines(connection: Connection) -> dict[str, list[int]]:
    """The versions there are of every baseline, by id, the latest first."""
    found: dict[str, list[int]] = defaultdict(list)
    query = select(col(BaselineRow.id), col(BaselineRow.version)).order_by(
        col(BaselineRow.id), col(BaselineRow.version).desc()
    )
    for baseline_id, version in connection.execute(query):
        found[baseline_id].append(version)
    return found


def versions_in_force(connection: Connection) -> dict[str, int]:
    """The latest version of every baseline, by id."""
    return {name: held[0] for name, held in versions_of_baselines(connection).items()}


def put_monitor(connection: Connection, monitor: MonitorDefinition, now: datetime) -> None:
    """Keep a monitor as it stands from now on."""
    body = msgspec.json.encode(monitor).decode()
    statement = UPSERT[connection.dialect.name](MonitorRow).values(
        id=monitor.id, recorded_at=now, body=body
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"recorded_at": now, "body": body}
        )
    )


def current_monitors(connection: Connection) -> list[MonitorDefinition]:
    """Every monitor, in order of id."""
    query = select(col(MonitorRow.body)).order_by(col(MonitorRow.id))
    return [_monitor(body) for body in connection.execute(query).scalars()]


def find_monitor(connection: Connection, monitor_id: str) -> MonitorDefinition | None:
    """One monitor by its id."""
    query = select(col(MonitorRow.body)).where(col(MonitorRow.id) == monitor_id)
    body = connection.execute(query).scalar_one_or_none()
    return None if body is None else _monitor(body)


def add_shipped(
    connection: Connection,
    baselines: Iterable[Baseline],
    monitors: Iterable[MonitorDefinition],
    now: datetime,
) -> None:
    """Add what this release ships and the database does not hold yet; change nothing of it."""
    held = current_baselines(connection)
    for baseline in baselines:
        if baseline.id not in held or held[baseline.id].version < baseline.version:
            add_baseline(connection, baseline, now)
    known = {monitor.id for monitor in current_monitors(connection)}
    for monitor in monitors:
        if monitor.id not in known:
            put_monitor(connection, monitor, now)


@lru_cache(maxsize=MOST_DECODED)
def _baseline(body: str) -> Baseline:
    return msgspec.json.decode(body, type=Baseline)


@lru_cache(maxsize=MOST_DECODED)
def _monitor(body: str) -> MonitorDefinition:
    return msgspec.json.decode(body, type=MonitorDefinition)
