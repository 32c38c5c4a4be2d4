"""The programme's numbers as Prometheus reads them, worked out once for each state of things.

In:     the surveillance, the facilities that whoever asks may see (None: all), and below which
        number counts are hidden from them.
Out:    gauges by facility, infection type, severity and baseline; never by anything of a patient.
Source: docs/operations.md, "Prometheus"; docs/access.md, "Small cells"; Prometheus, "Metric and
        label naming".
"""

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.domain.small_cells import Mask, is_small, mask_of
from service.monitors.series import Unit
from service.pipeline.look import look_at
from service.pipeline.programme import Facilities, Programme, programme, state_of
from service.pipeline.surveillance import Surveillance
from service.reference import INFECTION_TYPES
from service.stats.rates import DAYS_PER_YEAR
from service.store import ledger

SEVERITIES = ("critical", "warning")
MOST_KEPT = 16
"""Answers that are kept: one for each set of facilities that a key is bound to."""
EXPOSURES: dict[Unit, str] = {
    "person_days": "person_years",
    "recipients": "recipients",
    "cases": "cases",
}
"""What a baseline's cases are held against, as the metric calls it."""

Asked = tuple[Facilities, int]
"""Which facilities may be seen, and below which number counts may not."""

State = tuple[object, ...]


class ProgrammeMetrics:
    """Tells the programme's numbers; safe to share between threads."""

    def __init__(self, surveillance: Surveillance) -> None:
        """Nothing is worked out yet."""
        self._surveillance = surveillance
        self._kept: OrderedDict[Asked, tuple[State, bytes]] = OrderedDict()
        self._lock = Lock()

    def told(self, facilities: Facilities, *, hidden_below: int) -> bytes:
        """Everything as Prometheus reads it; worked out anew where anything changed.

        Counts from 1 to `hidden_below - 1` are left out, and others that would give one away.
        """
        asked = (facilities, hidden_below)
        today = self._surveillance.today()
        with self._lock, look_at(self._surveillance) as look:
            connection = look.connection
            state = (today, ledger.head_position(connection), *state_of(connection))
            kept = self._kept.get(asked)
            if kept is None or kept[0] != state:
                found = programme(look, facilities, today.toordinal())
                kept = self._kept[asked] = (state, rendered(found, hidden_below))
            self._kept.move_to_end(asked)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return kept[1]


def rendered(found: Programme | None, hidden_below: int = 0) -> bytes:
    """The numbers in Prometheus' text format, or (None) that they are not told."""
    registry = CollectorRegistry()
    registry.register(_Told(found, hidden_below))
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, found: Programme | None, hidden_below: int) -> None:
        self._found = found
        self._below = hidden_below

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of all that was counted, of baselines, and of alerts."""
        if self._found is None:
            yield _is_told(told=False)
            return
        yield _is_told(told=True)
        yield from _counted(self._found, self._below)
        yield from _held_against(self._found, self._below)
        yield from _alerts(self._found)


def _is_told(*, told: bool) -> GaugeMetricFamily:
    text = "1 where the programme's figures are among these: the key that asks may see them."
    return GaugeMetricFamily("graftwatch_programme_told", text, float(told))


def _counted(found: Programme, below: int) -> Iterator[GaugeMetricFamily]:
    years = "graftwatch_person_years", "Follow-up so far, in years of 365.25 days."
    yield GaugeMetricFamily(*years, found.whole.person_days / DAYS_PER_YEAR)
    cases = _gauge("graftwatch_cases", "Counted cases so far.", "infection_type")
    masks = {kind: _mask(found, kind, below) for kind in INFECTION_TYPES}
    for kind, mask in masks.items():
        if not mask.total:
            cases.add_metric([kind], found.whole.cases.get(kind, 0))
    yield cases
    facilities = "graftwatch_facilities", "Facilities with anybody counted."
    yield GaugeMetricFamily(*facilities, found.facilities)
    cases = _gauge(
        "graftwatch_facility_cases",
        "Counted cases so far, by facility.",
        "facility",
        "infection_type",
    )
    at_risk = _gauge(
        "graftwatch_facility_person_years", "Follow-up so far, by facility.", "facility"
    )
    for at, (name, place) in enumerate(found.by_facility.items()):
        at_risk.add_metric([name], place.person_days / DAYS_PER_YEAR)
        for kind, mask in masks.items():
            if not mask.rows[at]:
                cases.add_metric([name, kind], place.cases.get(kind, 0))
    yield from (cases, at_risk)


def _mask(found: Programme, kind: str, below: int) -> Mask:
    """What is hidden of an infection type's counts: of the facilities, in order, and their sum."""
    places = found.by_facility.values()
    return mask_of(
        [place.cases.get(kind, 0) for place in places],
        [place.person_days for place in places],
        found.whole.cases.get(kind, 0),
        below,
    )


def _held_against(found: Programme, below: int) -> Iterator[GaugeMetricFamily]:
    labels = ("baseline", "infection_type", "measure")
    cases = _gauge("graftwatch_baseline_cases", "Cases that a watched baseline counts.", *labels)
    expected = _gauge(
        "graftwatch_baseline_expected_cases", "Cases that its published figure expects.", *labels
    )
    exposure = _gauge(
        "graftwatch_baseline_exposure",
        "What its cases are held against: person-years, recipients, or cases.",
        *labels,
        "unit",
    )
    for one in found.baselines:
        types = "+".join(one.baseline.numerator.infection_type) or "any"
        named = [one.baseline.id, types, one.baseline.measure]
        if not is_small(one.cases, below):
            cases.add_metric(named, one.cases)
        if one.unit == "cases" and is_small(round(one.exposure), below):
            continue
        if one.expected is not None:
            expected.add_metric(named, one.expected)
        in_years = DAYS_PER_YEAR if one.unit == "person_days" else 1.0
        exposure.add_metric([*named, EXPOSURES[one.unit]], one.exposure / in_years)
    yield from (cases, expected, exposure)


def _alerts(found: Programme) -> Iterator[GaugeMetricFamily]:
    everywhere = _gauge("graftwatch_open_alerts", "Alerts that are not closed.", "severity")
    at = _gauge(
        "graftwatch_facility_open_alerts",
        "Alerts that are not closed, by facility; one of several facilities counts at each.",
        "facility",
        "severity",
    )
    names = sorted({*found.by_facility, *(name for name, _ in found.open_alerts_at)})
    for severity in SEVERITIES:
        everywhere.add_metric([severity], found.open_alerts[severity])
        for name in names:
            at.add_metric([name, severity], found.open_alerts_at[name, severity])
    yield from (everywhere, at)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)
