"""Which alerts stand among all monitors, as of today.

In:     the readings of the last evaluations, the monitors in force, the facilities.
Out:    a `Judgement`.
Source: docs/methods.md 8.6; docs/decisions/0009-many-monitors-at-once.md.
"""

from dataclasses import dataclass
from math import inf

import msgspec

from service.monitors.alerts import AlertState
from service.monitors.definitions import MonitorDefinition
from service.monitors.discoveries import (
    NOTHING_SEEN,
    WatchedPlace,
    judged_places,
    standing_places,
)
from service.monitors.signals import facility_of
from service.pipeline.error_budget import budget_in_force
from service.pipeline.monitor import EVALUATE, Touched, Watch
from service.pipeline.observations import CaseFile
from service.pipeline.surveillance import Surveillance
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.census import followed_facilities
from service.store.engine import Connection
from service.store.readings import all_readings


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was judged together, and what of it stands at the network's false discovery rate."""

    judged: frozenset[WatchedPlace]
    standing: frozenset[WatchedPlace]
    false_discovery_rate: float

    def passes(self, alert: AlertState) -> bool | None:
        """Does the alert also stand among all monitors?

        None for a closed alert, whose monitor has begun anew, and where there is no e-value.
        """
        place = WatchedPlace(alert.monitor_id, alert.scope_key)
        return place in self.standing if alert.is_open and place in self.judged else None


def judge(connection: Connection, surveillance: Surveillance) -> Judgement:
    """Judge every enabled monitor that has an e-value, at every place, by the evidence of today."""
    monitors = {monitor.id: monitor for monitor in catalogue.current_monitors(connection)}
    judged = judged_places(monitors.values(), followed_facilities(connection))
    level = budget_in_force(connection).budget.false_discovery_rate
    today = surveillance.today().toordinal()
    last = {WatchedPlace(one.monitor_id, one.scope_key): one for one in all_readings(connection)}
    # An alert of before there were readings, or reopened since: anything may stand behind it.
    alerted = {
        WatchedPlace(*place): inf for place in alert_store.places_with_open_alert(connection)
    }
    read = {place: reading.log_e for place, reading in last.items()}
    bounds = {place: log_e for place, log_e in (alerted | read).items() if place in judged}

    def read_again(place: WatchedPlace) -> float:
        if place in last and last[place].day == today:
            return last[place].log_e
        return _evidence(connection, monitors[place.monitor_id], place.scope_key, today)

    return Judgement(judged, standing_places(bounds, len(judged), level, read_again), level)


def _evidence(
    connection: Connection, monitor: MonitorDefinition, scope_key: str, today: int
) -> float:
    """The log e-value of one place today, from the ledger."""
    facility = facility_of(scope_key)
    facilities = frozenset([facility] if facility else ())
    watched = Watch(
        connection=connection,
        case_file=CaseFile(connection, facilities or None),
        baselines=catalogue.current_baselines(connection),
        alerts=[kept.state for kept in alert_store.alerts_of(connection, [monitor.id])],
        today=today,
    )
    here = msgspec.structs.replace(monitor, scope="facility" if facility else "network")
    for evaluation in EVALUATE[monitor.kind](watched, here, Touched(facilities, None)):
        if evaluation.scope_key == scope_key and evaluation.log_e_now is not None:
            return evaluation.log_e_now
    return NOTHING_SEEN
