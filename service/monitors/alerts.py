"""Alerts: what is kept of a signal, and what can happen to it.

In:     signals.
Out:    `AlertState`, the `Change`s an evaluation leads to, and the state after each.
Source: docs/methods.md 8.7; docs/api-alerts.md; docs/decisions for the life cycle.

An alert is never removed. When late data take its ground away it becomes unsupported, with the
reason, and supported again if the ground comes back, until a person closes it. The evidence as
known when it fired stays with the store; `latest_evidence` here is that of the last evaluation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, TypeAlias

from service.monitors.cases import Case, CaseKey
from service.monitors.definitions import Kind
from service.monitors.signals import Signal

Status = Literal["open", "acknowledged", "closed"]


@dataclass(frozen=True, slots=True)
class AlertState:
    """An alert as the store holds it.

    `opened_position` orders alerts: the smaller is the older. An alert whose cases were taken over
    by an older one has none left.
    """

    id: str
    monitor_id: str
    kind: Kind
    scope_key: str
    status: Status
    severity: str
    title: str
    facilities: tuple[str, ...]
    cases: frozenset[CaseKey]
    latest_evidence: dict[str, Any]
    opened_position: int
    first_onset_day: int | None = None
    last_onset_day: int | None = None
    supported: bool = True
    support_note: str | None = None
    continues: str | None = None
    closed_day: int | None = None
    outcome: str | None = None

    @property
    def is_open(self) -> bool:
        """Open or acknowledged: still waiting for a person to close it."""
        return self.status != "closed"

    @property
    def age_order(self) -> tuple[int, str]:
        """Sorts the oldest first."""
        return (self.opened_position, self.id)

    @property
    def since_day(self) -> int | None:
        """From which day its evidence counts; None: from the start."""
        counted_from = self.latest_evidence.get("counted_from")
        return date.fromisoformat(counted_from).toordinal() if counted_from else None


@dataclass(frozen=True, slots=True)
class Open:
    """A new alert; `continues` names the earlier alert that holds some of its cases."""

    signal: Signal
    continues: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """An open alert as its signal now stands.

    `removed` cases stood in the alert and do no longer; `what` says in words what changed and is
    empty where only the figures moved on.
    """

    alert_id: str
    signal: Signal
    added: tuple[Case, ...] = ()
    removed: tuple[CaseKey, ...] = ()
    severity_before: str | None = None
    what: tuple[str, ...] = ()

    @property
    def is_noteworthy(self) -> bool:
        """Should anybody be told?"""
        return bool(self.what)


@dataclass(frozen=True, slots=True)
class Support:
    """The data no longer support the alert, or support it again."""

    alert_id: str
    supported: bool
    why: str


@dataclass(frozen=True, slots=True)
class MergeInto:
    """The alert's cases turned out to be linked with those of an older one, which takes them."""

    alert_id: str
    into: str

    @property
    def why(self) -> str:
        """What the alert's history says."""
        return f"merged into {self.into}, which holds its cases now"


Change: TypeAlias = Open | Update | Support | MergeInto


def opened(change: Open, *, alert_id: str, opened_position: int) -> AlertState:
    """The new alert."""
    signal = change.signal
    return AlertState(
        id=alert_id,
        monitor_id=signal.monitor_id,
        kind=signal.kind,
        scope_key=signal.scope_key,
        status="open",
        severity=signal.severity,
        title=signal.title,
        facilities=signal.facilities,
        cases=signal.case_keys,
        latest_evidence=signal.evidence,
        opened_position=opened_position,
        first_onset_day=signal.first_onset_day,
        last_onset_day=signal.last_onset_day,
        continues=change.continues,
    )


def after(alert: AlertState, change: Update | Support | MergeInto) -> AlertState:
    """The alert once the change has been made."""
    return AFTER[type(change)](alert, change)


def _updated(alert: AlertState, change: Update) -> AlertState:
    signal = change.signal
    return replace(
        alert,
        severity=signal.severity,
        title=signal.title,
        facilities=signal.facilities,
        cases=signal.case_keys,
        latest_evidence=signal.evidence,
        first_onset_day=signal.first_onset_day,
        last_onset_day=signal.last_onset_day,
    )


def _supported(alert: AlertState, change: Support) -> AlertState:
    return replace(alert, supported=change.supported, support_note=change.why)


def _merged(alert: AlertState, change: MergeInto) -> AlertState:
    return replace(alert, cases=frozenset(), supported=False, support_note=change.why)


AFTER: dict[type[Change], Callable[[AlertState, Any], AlertState]] = {
    Update: _updated,
    Support: _supported,
    MergeInto: _merged,
}


def evidence_since(alerts: Iterable[AlertState]) -> int | None:
    """From which day a monitor with a baseline counts, given its alerts for one place.

    An open alert keeps the day it counted from; once closed, the monitor starts anew on the day
    after the last closing.
    """
    of_place = sorted(alerts, key=lambda alert: alert.age_order)
    still_open = [alert for alert in of_place if alert.is_open]
    if still_open:
        return still_open[0].since_day
    closings = [alert.closed_day for alert in of_place if alert.closed_day is not None]
    return max(closings) + 1 if closings else None
