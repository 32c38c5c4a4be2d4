"""Changes to what is watched: a baseline's new version, a monitor's new settings.

In:     a checked `Baseline` or `MonitorDefinition`, within one transaction.
Out:    the catalogue as it then stands, and alerts in line with it.
Source: docs/api-alerts.md; docs/methods.md 7: never edited in place.

Whatever watches otherwise than before is evaluated over all present data at once, so that what
stands in the alerts never depends on whether a report happened to arrive since.
"""

import msgspec

from service.errors import BadQuery, Conflict, Detail, MeasureMismatch, NotFound
from service.monitors.definitions import Method, MonitorDefinition
from service.monitors.methods import cannot_watch, usual_method, why_not
from service.monitors.shipped import monitors_of
from service.pipeline.following import follow
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
    left = [monitor.id for monitor in enabled if cannot_watch(monitor, baseline)]
    if left:
        names = ", ".join(left)
        raise Conflict(f"Such a figure cannot be watched: first switch off {names}.")
    now = surveillance.clock()
    catalogue.add_baseline(connection, baseline, now)
    for monitor in () if watching else monitors_of(baseline):
        catalogue.put_monitor(connection, msgspec.structs.replace(monitor, enabled=False), now)
    evaluate_anew(connection, surveillance, enabled)
    return [baseline, *held]


def find_monitor(connection: Connection, monitor_id: str) -> MonitorDefinition:
    """One monitor by its id; raises `NotFound`."""
    found = catalogue.find_monitor(connection, monitor_id)
    if found is None:
        raise NotFound("No monitor of that id: `GET /v1/monitors` lists them.")
    return found


def baseline_for(
    connection: Connection, baseline_id: str, method: Method | None
) -> tuple[Baseline, Method]:
    """The baseline in force with the method that is to watch it, its usual one where none is named.

    Raises `BadQuery` where there is none of that id, `MeasureMismatch` with the reason where it
    cannot be watched so.
    """
    found = catalogue.current_baselines(connection).get(baseline_id)
    if found is None:
        message = "No baseline of that id: `GET /v1/baselines` lists them."
        detail = Detail("/baseline", "unknown_baseline", message)
        raise BadQuery("The baseline is not known.", details=(detail,))
    chosen = method or usual_method(found)
    reason = why_not(chosen, found)
    if reason:
        pointer = "/method" if method else "/baseline"
        raise MeasureMismatch(reason, details=(Detail(pointer, "cannot_be_monitored", reason),))
    return found, chosen


def require_watchable(connection: Connection, monitor: MonitorDefinition) -> None:
    """Raises `Conflict` where the monitor, as it is set, cannot watch its baseline in force."""
    found = catalogue.current_baselines(connection).get(monitor.baseline_id or "")
    reason = cannot_watch(monitor, found) if found else "Its baseline is no more."
    if reason:
        raise Conflict(reason)


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
        follow(connection, surveillance, (), position, position)
        evaluate(connection, surveillance, monitors, EVERYTHING, position)
