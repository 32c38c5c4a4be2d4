"""Alerts and what happened to them.

In:     `AlertState` values and entries of their history.
Out:    the same; nothing of an alert is ever removed but the cases of an erased patient.
Source: docs/api-alerts.md; docs/methods.md 8.7.

An alert keeps the evidence as known when it fired (`evidence`) beside that of the last evaluation
(`latest_evidence`). The stream of alerts follows `alert_history.sequence`; write transactions come
one after the other, so its numbers appear in order and a reader never skips one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, tuple_, update

from service.monitors.alerts import AlertState
from service.monitors.cases import Case, CaseKey
from service.store.tables import AlertCaseRow, AlertEventRow, AlertRow

SYSTEM = "graftwatch"
"""The actor of what happens without a person."""

_alerts = AlertRow.metadata.tables["alerts"].c
_history = AlertEventRow.metadata.tables["alert_history"].c
_cases = AlertCaseRow.metadata.tables["alert_cases"].c


class AlertEvent(NamedTuple):
    """One thing that happened to an alert; `note` is a person's words."""

    sequence: int
    alert_id: str
    recorded_at: datetime
    name: str
    actor: str
    note: str | None
    detail: dict[str, Any]


class KeptAlert(NamedTuple):
    """An alert with the evidence as known when it fired and when that was."""

    state: AlertState
    evidence: dict[str, Any]
    opened_at: datetime


class OpenAlert(NamedTuple):
    """What is counted of an alert that is not closed."""

    kind: str
    scope_key: str
    severity: str
    facilities: tuple[str, ...]


class KeptCase(NamedTuple):
    """A case that stands in an alert."""

    key: CaseKey
    site: str


def alerts_of(
    connection: Connection,
    monitor_ids: Collection[str] | None = None,
    scope_keys: Collection[str] | None = None,
) -> list[KeptAlert]:
    """The alerts of the named monitors and places (None: of all), closed ones included.

    The newest come first.
    """
    query = select(*_alerts).order_by(_alerts.opened_position.desc(), _alerts.id.desc())
    if monitor_ids is not None:
        query = query.where(_alerts.monitor_id.in_(list(monitor_ids)))
    if scope_keys is not None:
        query = query.where(_alerts.scope_key.in_(list(scope_keys)))
    rows = connection.execute(query).mappings().all()
    cases = cases_of(connection, [row["id"] for row in rows])
    return [_kept(row, [case.key for case in cases[row["id"]]]) for row in rows]


class Place(NamedTuple):
    """Where a list of alerts goes on: after this one, in order from the newest."""

    opened_position: int
    alert_id: str


def alerts_after(
    connection: Connection,
    filters: Mapping[str, Collection[str]],
    place: Place | None,
    limit: int,
) -> list[KeptAlert]:
    """The next alerts, the newest first, whose columns have one of the values named for them."""
    order = (_alerts.opened_position.desc(), _alerts.id.desc())
    query = select(*_alerts).order_by(*order).limit(limit)
    for name, values in filters.items():
        if values:
            query = query.where(_alerts[name].in_(list(values)))
    if place is not None:
        query = query.where(tuple_(_alerts.opened_position, _alerts.id) < tuple_(*place))
    rows = connection.execute(query).mappings().all()
    cases = cases_of(connection, [row["id"] for row in rows])
    return [_kept(row, [case.key for case in cases[row["id"]]]) for row in rows]


def find_alert(connection: Connection, alert_id: str) -> KeptAlert | None:
    """One alert by its id."""
    query = select(*_alerts).where(_alerts.id == alert_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return _kept(row, [case.key for case in cases_of(connection, [alert_id])[alert_id]])


def places_with_open_alert(connection: Connection) -> list[tuple[str, str]]:
    """The monitor and scope key of every alert that waits to be closed, each once."""
    query = (
        select(_alerts.monitor_id, _alerts.scope_key).where(_alerts.status != "closed").distinct()
    )
    return [(monitor_id, scope_key) for monitor_id, scope_key in connection.execute(query)]


def open_alerts(connection: Connection) -> list[OpenAlert]:
    """Every alert that waits to be closed, without what stands in it."""
    query = select(*(_alerts[name] for name in OpenAlert._fields)).where(_alerts.status != "closed")
    return [
        OpenAlert(kind, scope_key, severity, tuple(facilities))
        for kind, scope_key, severity, facilities in connection.execute(query)
    ]


def merged_alerts(connection: Connection) -> frozenset[str]:
    """The alerts whose cases an older one took over."""
    query = select(_history.alert_id).where(_history.name == "merged").distinct()
    return frozenset(connection.execute(query).scalars())


def alerts_with(connection: Connection, facility: str, patient: str) -> list[str]:
    """The ids of the alerts in which a case of the patient stands."""
    query = select(_cases.alert_id).where(_cases.facility == facility, _cases.patient == patient)
    return sorted(set(connection.execute(query).scalars()))


def cases_of(connection: Connection, alert_ids: Collection[str]) -> dict[str, list[KeptCase]]:
    """The cases of the alerts, in order of onset; an alert without any has an empty list."""
    found: dict[str, list[KeptCase]] = defaultdict(list)
    if not alert_ids:
        return found
    query = (
        select(*_cases)
        .where(_cases.alert_id.in_(list(alert_ids)))
        .order_by(_cases.onset_day, _cases.facility, _cases.patient, _cases.episode_id)
    )
    for row in connection.execute(query).mappings():
        key = CaseKey(*(row[name] for name in CaseKey._fields))
        found[row["alert_id"]].append(KeptCase(key, row["site"]))
    return found


def opened_at_position(connection: Connection, position: int) -> int:
    """How many alerts were opened at a position."""
    query = select(func.count()).where(_alerts.opened_position == position)
    return connection.execute(query).scalar_one()


def add_alert(
    connection: Connection,
    state: AlertState,
    cases: Collection[Case],
    evidence: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep a new alert with the evidence as known now."""
    row = {
        **_row(state),
        "id": state.id,
        "monitor_id": state.monitor_id,
        "kind": state.kind,
        "scope_key": state.scope_key,
        "opened_at": now,
        "opened_position": state.opened_position,
        "evidence": dict(evidence),
        "continues": state.continues,
    }
    connection.execute(insert(AlertRow), row)
    set_cases(connection, state.id, cases)


def save_alert(connection: Connection, state: AlertState) -> None:
    """Keep what has changed of an alert; the evidence as it fired stays."""
    connection.execute(update(AlertRow).where(_alerts.id == state.id).values(_row(state)))


def set_cases(connection: Connection, alert_id: str, cases: Collection[Case]) -> None:
    """Keep these cases, and no others, as standing in the alert."""
    connection.execute(delete(AlertCaseRow).where(_cases.alert_id == alert_id))
    if cases:
        connection.execute(
            insert(AlertCaseRow),
            [{**case.key._asdict(), "alert_id": alert_id, "site": case.site} for case in cases],
        )


def add_history(
    connection: Connection,
    alert_id: str,
    name: str,
    now: datetime,
    *,
    actor: str = SYSTEM,
    note: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Note that something happened to an alert; the number of the entry."""
    statement = insert(AlertEventRow).values(
        alert_id=alert_id,
        recorded_at=now,
        name=name,
        actor=actor,
        note=note,
        detail=dict(detail or {}),
    )
    sequence: int = connection.execute(statement.returning(_history.sequence)).scalar_one()
    return sequence


def history_of(connection: Connection, alert_id: str) -> list[AlertEvent]:
    """All that happened to an alert, in order."""
    return histories_of(connection, [alert_id])[alert_id]


def histories_of(connection: Connection, alert_ids: Collection[str]) -> dict[str, list[AlertEvent]]:
    """All that happened to each of the alerts, in order."""
    found: dict[str, list[AlertEvent]] = {alert_id: [] for alert_id in alert_ids}
    query = (
        select(*_history).where(_history.alert_id.in_(list(alert_ids))).order_by(_history.sequence)
    )
    for row in connection.execute(query).mappings():
        found[row["alert_id"]].append(AlertEvent(**row))
    return found


def history_after(connection: Connection, sequence: int, limit: int = 500) -> list[AlertEvent]:
    """What happened to any alert after an entry of the history, in order."""
    query = (
        select(*_history)
        .where(_history.sequence > sequence)
        .order_by(_history.sequence)
        .limit(limit)
    )
    return [AlertEvent(**row) for row in connection.execute(query).mappings()]


def last_sequence(connection: Connection) -> int:
    """The number of the last entry of the history; 0 before the first."""
    return connection.execute(select(func.max(_history.sequence))).scalar_one() or 0


def _row(state: AlertState) -> dict[str, Any]:
    return {
        "status": state.status,
        "severity": state.severity,
        "title": state.title,
        "facilities": list(state.facilities),
        "first_onset_day": state.first_onset_day,
        "last_onset_day": state.last_onset_day,
        "latest_evidence": state.latest_evidence,
        "supported": state.supported,
        "support_note": state.support_note,
        "closed_on": None if state.closed_day is None else date.fromordinal(state.closed_day),
        "outcome": state.outcome,
    }


def _kept(row: RowMapping, cases: Collection[CaseKey]) -> KeptAlert:
    closed_on: date | None = row["closed_on"]
    state = AlertState(
        id=row["id"],
        monitor_id=row["monitor_id"],
        kind=row["kind"],
        scope_key=row["scope_key"],
        status=row["status"],
        severity=row["severity"],
        title=row["title"],
        facilities=tuple(row["facilities"]),
        cases=frozenset(cases),
        latest_evidence=row["latest_evidence"],
        opened_position=row["opened_position"],
        first_onset_day=row["first_onset_day"],
        last_onset_day=row["last_onset_day"],
        supported=row["supported"],
        support_note=row["support_note"],
        continues=row["continues"],
        closed_day=closed_on.toordinal() if closed_on else None,
        outcome=row["outcome"],
    )
    return KeptAlert(state, row["evidence"], row["opened_at"])
