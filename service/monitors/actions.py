"""What a person does to an alert: acknowledge, close, reopen, comment.

In:     the alert as it stands, and an `Action`.
Out:    the alert after it, or why it is refused.
Source: docs/api-alerts.md: open -> acknowledged -> closed; closing needs an outcome.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from service.monitors.alerts import AlertState

OUTCOMES = ("outbreak", "pseudo_outbreak", "data_error", "expected", "other")
"""What an alert turned out to be."""

ActionName = Literal["acknowledge", "close", "reopen", "comment"]


@dataclass(frozen=True, slots=True)
class Action:
    """One act of one person on the day `day`; closing needs `outcome`, a comment its `note`."""

    name: ActionName
    day: int
    outcome: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The alert is not in a state for the action, or something is missing from it."""

    code: Literal["wrong_status", "missing_outcome", "unknown_outcome", "missing_note", "merged"]
    reason: str


def apply_action(alert: AlertState, action: Action) -> AlertState | Refused:
    """The alert after the action, or the refusal."""
    return ACTIONS[action.name](alert, action)


def _acknowledge(alert: AlertState, _: Action) -> AlertState | Refused:
    if alert.status != "open":
        return Refused("wrong_status", f"Only an open alert is acknowledged; it is {alert.status}.")
    return replace(alert, status="acknowledged")


def _close(alert: AlertState, action: Action) -> AlertState | Refused:
    if not alert.is_open:
        return Refused("wrong_status", "It is closed already.")
    if action.outcome is None:
        return Refused("missing_outcome", f"Closing needs an outcome: {', '.join(OUTCOMES)}.")
    if action.outcome not in OUTCOMES:
        return Refused("unknown_outcome", f"The outcome must be one of {', '.join(OUTCOMES)}.")
    return replace(alert, status="closed", closed_day=action.day, outcome=action.outcome)


def _reopen(alert: AlertState, _: Action) -> AlertState | Refused:
    if alert.is_open:
        return Refused("wrong_status", f"Only a closed alert is reopened; it is {alert.status}.")
    if not alert.cases:
        return Refused("merged", "An older alert took over its cases: reopen that one.")
    return replace(alert, status="open", closed_day=None, outcome=None)


def _comment(alert: AlertState, action: Action) -> AlertState | Refused:
    if not (action.note or "").strip():
        return Refused("missing_note", "A comment needs its text in `note`.")
    return alert


ACTIONS: dict[ActionName, Callable[[AlertState, Action], AlertState | Refused]] = {
    "acknowledge": _acknowledge,
    "close": _close,
    "reopen": _reopen,
    "comment": _comment,
}
