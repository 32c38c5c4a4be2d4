"""The programme in numbers: numerators and denominators for whoever keeps time series of them.

In:     a look at the ledger, and the facilities to look at (None: all).
Out:    `Programme`: cases, person-days, what watched baselines expect, open alerts; no patient.
Source: docs/operations.md, "Prometheus"; docs/methods.md 7.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.domain.contributions import FOLLOW_UP
from service.domain.days import Days
from service.monitors.questions import Question
from service.monitors.series import LedgerSeries, Unit
from service.monitors.visibility import is_visible
from service.pipeline.look import Look
from service.reference.baselines import Baseline
from service.stats.rates import DAYS_PER_YEAR
from service.store import alerts as alert_store
from service.store import catalogue, sums
from service.store.engine import Connection

MOST_FACILITIES = 500
"""With more of them nothing is told facility by facility: a time series for each would be many."""
MOST_BASELINES = 100

Facilities = tuple[str, ...] | None


class PlaceFigures(NamedTuple):
    """What was counted somewhere up to today."""

    person_days: int
    cases: Mapping[str, int]


class Against(NamedTuple):
    """A watched baseline: cases beside what they are held against, and the number it expects."""

    baseline: Baseline
    cases: int
    exposure: float
    unit: Unit
    expected: float | None


@dataclass(frozen=True, slots=True)
class Programme:
    """As the ledger stands; `by_facility` is empty where there are too many."""

    by_facility: Mapping[str, PlaceFigures]
    whole: PlaceFigures
    facilities: int
    baselines: tuple[Against, ...]
    open_alerts: Counter[str]
    """By severity."""
    open_alerts_at: Counter[tuple[str, str]]
    """By facility and severity; an alert of several facilities counts at each."""


def programme(look: Look, facilities: Facilities, today: int) -> Programme:
    """Everything that is told of the programme, for the facilities that may be seen."""
    connection = look.connection
    places = _places(connection, facilities, today)
    are_few = len(places) <= MOST_FACILITIES
    alerts, alerts_at = _open_alerts(connection, facilities)
    return Programme(
        places if are_few else {},
        _together(places),
        len(places),
        tuple(_against(look, one, facilities, today) for one in _watched(connection)),
        alerts,
        alerts_at if are_few else Counter(),
    )


def state_of(connection: Connection) -> tuple[object, ...]:
    """What the programme's numbers follow from, besides the ledger's position and the day."""
    monitors = tuple(
        (one.baseline_id, one.enabled) for one in catalogue.current_monitors(connection)
    )
    in_force = tuple(sorted(catalogue.versions_in_force(connection).items()))
    return (alert_store.last_sequence(connection), monitors, in_force)


def _places(connection: Connection, facilities: Facilities, today: int) -> dict[str, PlaceFigures]:
    filters = {} if facilities is None else {"facility": facilities}
    by, until_today = ("facility",), [Days(1, today)]
    found = sums.person_days(connection, filters, by, (FOLLOW_UP,), until_today)
    days = {values[0]: int(total[0]) for (values, _), total in found.items()}
    cases: dict[str, dict[str, int]] = defaultdict(dict)
    for one in sums.case_counts(connection, filters, by, start_day=None, end_day=today):
        cases[str(one.values[0])][one.infection_type] = one.cases
    return {name: PlaceFigures(days.get(name, 0), cases[name]) for name in sorted({*days, *cases})}


def _together(places: Mapping[str, PlaceFigures]) -> PlaceFigures:
    cases: Counter[str] = Counter()
    for place in places.values():
        cases.update(place.cases)
    return PlaceFigures(sum(place.person_days for place in places.values()), cases)


def _watched(connection: Connection) -> list[Baseline]:
    """The baselines that a monitor which is on holds cases against, by id."""
    monitors = catalogue.current_monitors(connection)
    names = {one.baseline_id for one in monitors if one.enabled}
    current = catalogue.current_baselines(connection)
    return [one for name, one in sorted(current.items()) if name in names][:MOST_BASELINES]


def _against(look: Look, baseline: Baseline, facilities: Facilities, today: int) -> Against:
    series: LedgerSeries = look.series(Question(baseline), facilities, today)
    exposure = float(series.exposure(None, np.array([today], dtype=np.int64))[0])
    cases = int(series.onsets(None, today).size)
    return Against(baseline, cases, exposure, series.unit, expected_cases(baseline, exposure))


def expected_cases(baseline: Baseline, exposure: float) -> float | None:
    """The cases that a published figure itself leads to expect.

    `exposure` is person-days of a rate or a cumulative incidence, whose hazard is taken as constant
    up to its horizon; recipients of a proportion; of a share the cases it is a share of.
    """
    form = FORMS.get(baseline.measure)
    return None if form is None or baseline.value is None else form(baseline, exposure)


def _of_incidence(baseline: Baseline, person_days: float) -> float | None:
    value, horizon_days = baseline.value or 0.0, baseline.horizon_days
    return (
        None if value >= 1 or not horizon_days else -math.log1p(-value) / horizon_days * person_days
    )


def _of_rate(baseline: Baseline, person_days: float) -> float:
    return (baseline.value or 0.0) * person_days / DAYS_PER_YEAR


def _of_fraction(baseline: Baseline, exposure: float) -> float:
    return (baseline.value or 0.0) * exposure


FORMS: Mapping[str, Callable[[Baseline, float], float | None]] = {
    "rate": _of_rate,
    "cumulative_incidence": _of_incidence,
    "proportion": _of_fraction,
    "share": _of_fraction,
}


def _open_alerts(
    connection: Connection, facilities: Facilities
) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    everywhere: Counter[str] = Counter()
    at: Counter[tuple[str, str]] = Counter()
    for alert in alert_store.open_alerts(connection):
        if is_visible(alert, facilities):
            everywhere[alert.severity] += 1
            at.update((name, alert.severity) for name in alert.facilities)
    return everywhere, at
