"""How a monitor has done, from the alerts that a key sees.

In:     a monitor, and the facilities to look at (None: all).
Out:    `Performance`.
Source: docs/methods.md 8.8; docs/decisions/0007-who-sees-network-alerts.md.
"""

from collections.abc import Collection
from datetime import date

from service.monitors.definitions import MonitorDefinition
from service.monitors.performance import Performance, Record, performance_of
from service.monitors.visibility import is_visible
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store.alerts import KeptAlert
from service.store.engine import Connection


def monitor_performance(
    connection: Connection,
    surveillance: Surveillance,
    monitor: MonitorDefinition,
    reach: Collection[str] | None,
) -> Performance:
    """The bookkeeping over the monitor's alerts, whatever version of it they came from."""
    merged = alert_store.merged_alerts(connection)
    return performance_of(
        _record(surveillance, kept)
        for kept in alert_store.alerts_of(connection, [monitor.id])
        if kept.state.id not in merged and is_visible(kept.state, reach)
    )


def _record(surveillance: Surveillance, kept: KeptAlert) -> Record:
    signalled_on = kept.evidence.get("signalled_on")
    return Record(
        status=kept.state.status,
        outcome=kept.state.outcome,
        first_onset_day=kept.state.first_onset_day,
        signalled_day=date.fromisoformat(signalled_on).toordinal() if signalled_on else None,
        opened_day=kept.opened_at.astimezone(surveillance.zone).date().toordinal(),
    )
