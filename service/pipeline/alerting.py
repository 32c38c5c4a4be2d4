"""Alerts for people: who sees which, and what a person does to one.

In:     the facilities a key reaches (None: all), filters, an action.
Out:    alerts with their cases and history; the action kept with who did it.
Source: docs/api-alerts.md; docs/decisions/0007-who-sees-network-alerts.md.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.audit_chain import Actor
from service.errors import BadQuery, Conflict, Detail, NotFound
from service.monitors.actions import Action, Refused, apply_action
from service.monitors.definitions import Advice
from service.monitors.visibility import is_visible
from service.pipeline.outbox import note_happening
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store import audit, catalogue
from service.store.alerts import AlertEvent, KeptAlert, KeptCase, Place
from service.store.audit import AuditEntry
from service.store.engine import Connection
from service.store.events import PatientKey
from service.store.readings import forget_readings

READ_AT_ONCE = 100

HISTORY_NAMES = {
    "acknowledge": "acknowledged",
    "close": "closed",
    "reopen": "reopened",
    "comment": "commented",
}
"""What the history says of each action."""

FIELD_OF = {"missing_outcome": "outcome", "unknown_outcome": "outcome", "missing_note": "note"}
"""Refusals that are about the request and not about the alert."""


@dataclass(frozen=True, slots=True)
class WholeAlert:
    """An alert with everything that is told of it."""

    kept: KeptAlert
    cases: list[KeptCase]
    history: list[AlertEvent]
    advice: tuple[Advice, ...]

    @property
    def patients(self) -> set[PatientKey]:
        """Whose cases stand in it."""
        return {PatientKey(case.key.facility, case.key.patient) for case in self.cases}


class AlertPage(NamedTuple):
    """Alerts from the newest on; `place` is where the next page begins, if there is one."""

    alerts: list[WholeAlert]
    place: Place | None


def list_alerts(
    connection: Connection,
    filters: Mapping[str, Collection[str]],
    *,
    about: Collection[str],
    reach: Collection[str] | None,
    place: Place | None,
    limit: int,
) -> AlertPage:
    """The next alerts that the key sees; `about` names facilities of which one must be in it."""
    found: list[KeptAlert] = []
    more = True
    while more and len(found) <= limit:
        read = alert_store.alerts_after(connection, filters, place, READ_AT_ONCE)
        more = len(read) == READ_AT_ONCE
        found += [
            alert
            for alert in read
            if is_visible(alert.state, reach)
            and (not about or not set(about).isdisjoint(alert.state.facilities))
        ]
        place = _place(read[-1]) if read else None
    page = found[:limit]
    following = _place(page[-1]) if len(found) > limit else None
    return AlertPage(_whole(connection, page), following)


def find_alert(connection: Connection, alert_id: str, reach: Collection[str] | None) -> WholeAlert:
    """One alert; raises `NotFound` where there is none, or none for this key."""
    (whole,) = _whole(connection, [_visible(connection, alert_id, reach)])
    return whole


def act(
    surveillance: Surveillance,
    alert_id: str,
    action: Action,
    *,
    actor: Actor,
    reach: Collection[str] | None,
) -> WholeAlert:
    """Do something to an alert, in one transaction; the alert as it then stands.

    Raises `Conflict` where the alert is not in a state for it. Nothing else is set off: what
    closing means for the evidence, the next evaluation reads from the day of closing.
    """
    with surveillance.database.write() as connection:
        kept = _visible(connection, alert_id, reach)
        state = apply_action(kept.state, action)
        if isinstance(state, Refused):
            raise _refusal(state)
        alert_store.save_alert(connection, state)
        if state.is_open != kept.state.is_open:  # from another day on: what was read holds no more
            forget_readings(connection, state.monitor_id, [state.scope_key])
        note_happening(
            connection,
            state,
            HISTORY_NAMES[action.name],
            surveillance.clock(),
            actor=actor.name,
            note=(action.note or "").strip() or None,
            detail={"outcome": action.outcome} if action.outcome else {},
        )
        facts = {"alert": alert_id} | ({"outcome": action.outcome} if action.outcome else {})
        done = f"alert_{HISTORY_NAMES[action.name]}"
        audit.append(connection, [AuditEntry(surveillance.clock(), actor, done, facts)])
        return find_alert(connection, alert_id, reach)


def _visible(connection: Connection, alert_id: str, reach: Collection[str] | None) -> KeptAlert:
    kept = alert_store.find_alert(connection, alert_id)
    if kept is None or not is_visible(kept.state, reach):
        raise NotFound("No alert of that id.")
    return kept


def _whole(connection: Connection, alerts: Iterable[KeptAlert]) -> list[WholeAlert]:
    kept = list(alerts)
    ids = [alert.state.id for alert in kept]
    cases = alert_store.cases_of(connection, ids)
    histories = alert_store.histories_of(connection, ids)
    advice = {monitor.id: monitor.advice for monitor in catalogue.current_monitors(connection)}
    return [
        WholeAlert(
            alert,
            cases[alert.state.id],
            histories[alert.state.id],
            advice.get(alert.state.monitor_id, ()),
        )
        for alert in kept
    ]


def _place(alert: KeptAlert) -> Place:
    return Place(alert.state.opened_position, alert.state.id)


def _refusal(refused: Refused) -> BadQuery | Conflict:
    field = FIELD_OF.get(refused.code)
    if field is None:
        return Conflict(refused.reason, code=refused.code)
    details = (Detail(f"/{field}", refused.code, refused.reason),)
    return BadQuery(refused.reason, code=refused.code, details=details)
