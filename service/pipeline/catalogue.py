"""Changes to what is watched: a baseline's new version, a monitor's new settings.

In:     a checked `Baseline` or `MonitorDefinition`, within one transaction.
Out:    the catalogue as it then stands, and alerts in line with it.
Source: docs/api-alerts.md; docs/methods.md 7: never edited in place.

Whatever watches otherwise than before is evaluated over all present data at once, so that what
stands in the alerts never depends on whether a report happened to arrive since.
"""

import msgspec

from service.errors import Conflict, NotFound
from service.monitors.definitions import MonitorDefinition
from service.monitors.nulls import can_be_monitored
from service.monitors.shipped import excess_monitor
from service.pipeline.monitor import EVERYTHING, evaluate
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline
from service.store import catalogue, ledger
from service.store.engine import Connection
from service.store.readings import forget_readings


def put_baseline(
    connection: Connection, surveillance: Surveillance, baseline: Baseline, held: list[Baseline]
) -> list[Baseline]:
    """Keep a baseline as the newest of the versions held; returns all, the latest first.

    The same fields again make no new version. Raises `Conflict` where an enabled monitor stands
    on it and the new version cannot be watched.
    """
    if held and msgspec.structs.replace(baseline, version=held[0].version) == held[0]:
        return held
    watching = [
        monitor
        for monitor in catalogue.current_monitors(connection)
        if monitor.baseline_id == baseline.id
    ]
    enabled = [monitor for monitor in watching if monitor.enabled]
    if enabled and not can_be_monitored(baseline):
        names = ", ".join(monitor.id for monitor in enabled)
        raise Conflict(f"Such a figure cannot be watched: first switch off {names}.")
    now = surveillance.clock()
    catalogue.add_baseline(connection, baseline, now)
    if not watching and can_be_monitored(baseline):
        monitor = msgspec.structs.replace(excess_monitor(baseline), enabled=False)
        catalogue.put_monitor(connection, monitor, now)
    evaluate_anew(connection, surveillance, enabled)
    return [baseline, *held]


def find_monitor(connection: Connection, monitor_id: str) -> MonitorDefinition:
    """One monitor by its id; raises `NotFound`."""
    found = catalogue.find_monitor(connection, monitor_id)
    if found is None:
        raise NotFound("No monitor of that id: `GET /v1/monitors` lists them.")
    return found


def watchable_baseline(connection: Connection, baseline_id: str) -> Baseline | None:
    """The baseline in force, where an excess over it can be watched."""
    found = catalogue.current_baselines(connection).get(baseline_id)
    return found if found and can_be_monitored(found) else None


def keep_monitor(
    connection: Connection, surveillance: Surveillance, monitor: MonitorDefinition
) -> None:
    """Keep a monitor as it stands from now on; one that is on is evaluated at once."""
    catalogue.put_monitor(connection, monitor, surveillance.clock())
    if not monitor.enabled:
        forget_readings(connection, monitor.id)
    evaluate_anew(connection, surveillance, [monitor] if monitor.enabled else [])


def evaluate_anew(
    connection: Connection, surveillance: Surveillance, monitors: list[MonitorDefinition]
) -> None:
    """Evaluate the monitors over all that is known, at every facility."""
    if monitors:
        position = ledger.head_position(connection)
        evaluate(connection, surveillance, monitors, EVERYTHING, position)
