"""Keep what an evaluation changes in the alerts, each change with its entry of history.

In:     `Change`s, and the alerts as they stand.
Out:    the same alerts as they then stand, in the store.
Source: docs/methods.md 8.7; docs/api-alerts.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from service.monitors.alerts import (
    AlertState,
    Change,
    MergeInto,
    Open,
    Support,
    Update,
    after,
    opened,
)
from service.pipeline.outbox import note_happening
from service.store import alerts as alert_store
from service.store.engine import Connection


def keep_changes(
    connection: Connection,
    changes: Sequence[Change],
    alerts: dict[str, AlertState],
    position: int,
    now: datetime,
) -> None:
    """Open, update, mark or merge, in order; `alerts` by id, brought up to date."""
    opens = any(isinstance(change, Open) for change in changes)
    number = alert_store.opened_at_position(connection, position) if opens else 0
    for change in changes:
        if isinstance(change, Open):
            alert_id = f"alert-{position}-{number}"
            number += 1
            state = opened(change, alert_id=alert_id, opened_position=position)
            evidence = {**change.signal.evidence, "position": position}
            state = replace(state, latest_evidence=evidence)
            alert_store.add_alert(connection, state, change.signal.cases, evidence, now)
            name, detail = "opened", {"cases": len(change.signal.cases), "severity": state.severity}
        else:
            state = after(alerts[change.alert_id], change)
            state = replace(state, latest_evidence={**state.latest_evidence, "position": position})
            alert_store.save_alert(connection, state)
            if isinstance(change, Update):
                alert_store.set_cases(connection, state.id, change.signal.cases)
            elif isinstance(change, MergeInto):
                alert_store.set_cases(connection, state.id, ())
            name, detail = _told(change)
        alerts[state.id] = state
        if not isinstance(change, Update) or change.is_noteworthy:
            note_happening(connection, state, name, now, detail=detail)


def _told(change: Update | Support | MergeInto) -> tuple[str, dict[str, Any]]:
    if isinstance(change, Update):
        return "updated", {"what": list(change.what)}
    if isinstance(change, Support):
        return ("supported" if change.supported else "unsupported"), {"why": change.why}
    return "merged", {"into": change.into}
