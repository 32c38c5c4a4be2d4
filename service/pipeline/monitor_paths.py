"""How the evidence of a monitor went, day by day: the chart behind an alert.

In:     a monitor of excess, and a facility (None: the network).
Out:    `MonitorPath`: cases, expected cases and e-values, recomputed from the ledger.
Source: docs/methods.md 8.1. Nothing is stored: a signal can be recomputed from the data at any
        time.
"""

from dataclasses import dataclass

import numpy as np

from service.errors import NotFound
from service.monitors.alerts import evidence_since
from service.monitors.definitions import MonitorDefinition
from service.monitors.excess import CohortSeries, ExcessEvidence, Series, Whole, weigh_excess
from service.monitors.nulls import can_be_monitored
from service.monitors.signals import NETWORK, facility_scope
from service.pipeline.observations import CaseFile, cases_for, series_for
from service.reference.baselines import Baseline
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.engine import Connection

MOST_DAYS = 400
"""Days without a case that a path shows, evenly spread; each day of an onset is shown too."""


@dataclass(frozen=True, slots=True)
class MonitorPath:
    """The evidence of one place since its start, or since the last closing of its alert."""

    monitor: MonitorDefinition
    baseline: Baseline
    scope_key: str
    evidence: ExcessEvidence


def monitor_path(
    connection: Connection, monitor: MonitorDefinition, facility: str | None, today: int
) -> MonitorPath:
    """The path of one place, whether the monitor is on or off.

    Raises `NotFound` for a rule, which has no expectation, and where the baseline has none.
    """
    baseline = catalogue.current_baselines(connection).get(monitor.baseline_id or "")
    if baseline is None or not can_be_monitored(baseline):
        raise NotFound("This monitor has no path: it holds cases against no expected number.")
    scope_key = NETWORK if facility is None else facility_scope(facility)
    facilities = None if facility is None else (facility,)
    clean = monitor.exclude_usual_contaminants
    cases = cases_for(CaseFile(connection, facilities), baseline, None, without_contaminants=clean)
    series = series_for(connection, baseline, cases, facilities, today, without_contaminants=clean)
    own = [
        kept.state
        for kept in alert_store.alerts_of(connection, [monitor.id])
        if kept.state.scope_key == scope_key
    ]
    since_day = evidence_since(own)
    evidence = weigh_excess(
        monitor,
        baseline,
        series,
        since_day=since_day,
        today=today,
        also_on=_shown_days(series, since_day, today),
    )
    return MonitorPath(monitor, baseline, scope_key, evidence)


def _shown_days(series: Series, since_day: int | None, today: int) -> Whole:
    exposed = series.entered_days if isinstance(series, CohortSeries) else series.risk_days
    start_day = int(exposed.min()) if exposed.size else today
    first = max(start_day, since_day or start_day)
    if first >= today:
        return np.array([today], dtype=np.int64)
    step = max(1, -(-(today - first) // MOST_DAYS))
    return np.arange(first, today + 1, step, dtype=np.int64)
