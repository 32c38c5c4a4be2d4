"""Comparisons: each published figure beside what the ledger shows of it.

In:     a baseline, the facilities to look at (None: all), today.
Out:    `Comparison`: observed, expected, their ratio or why there is none, the e-value.
Source: docs/methods.md 7: measures are never mixed; each has its own way of being observed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from service.errors import BadQuery, Detail, MeasureMismatch
from service.monitors.definitions import Method, MonitorDefinition
from service.monitors.evidence import Evidence
from service.monitors.methods import cannot_watch
from service.monitors.questions import Question
from service.monitors.series import LedgerSeries
from service.monitors.shipped import usual_monitor
from service.monitors.weighing import weigh
from service.pipeline.as_of import known_at
from service.pipeline.course_rows import CourseQuestion, Runs
from service.pipeline.look import Look, look_at
from service.pipeline.observed import (
    Expected,
    Observed,
    observed_incidence,
    observed_proportion,
    observed_rate,
    observed_share,
)
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline
from service.stats.sir import ObservedExpected, observed_expected
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.alerts import KeptAlert
from service.store.engine import Connection

NOBODY_AT_RISK = "nobody of this population was at risk"
NOTHING_EXPECTED = "a published figure of 0 or 1 leads to no expected number"
SHARE_HAS_NO_RATIO = (
    "a share of cases has no ratio of observed to expected: compare the two intervals"
)
CLUSTER_HAS_NO_RATIO = "a cluster has no denominator: it is watched by linkage"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A baseline beside its observed figure.

    `ratio` is None exactly where `reason` says why. `evidence` is that of an excess since the
    start, at the places asked for, where the baseline can be watched; `monitor` is the one that
    watches it, on or off. Of a cluster there is only `clusters`: open alerts of linked cases.
    """

    baseline: Baseline
    observed: Observed | None = None
    expected: Expected | None = None
    ratio: ObservedExpected | None = None
    reason: str | None = None
    evidence: Evidence | None = None
    monitor: MonitorDefinition | None = None
    clusters: tuple[KeptAlert, ...] = ()
    cluster_monitors: tuple[MonitorDefinition, ...] = ()


@dataclass
class Ledger:
    """What all comparisons of one answer share; each thing is read once."""

    look: Look
    facilities: tuple[str, ...] | None
    today: int
    proportion_ci: str = "exact"
    sir: str = "midp"
    incidences: Sequence[Baseline] = ()
    monitors: list[MonitorDefinition] = field(init=False)
    cluster_alerts: list[KeptAlert] = field(init=False)

    def __post_init__(self) -> None:
        """Read what is small; series and courses are read when asked for."""
        connection = self.look.connection
        self.monitors = catalogue.current_monitors(connection)
        kept = alert_store.alerts_of(
            connection, [m.id for m in self.monitors if m.kind == "cluster"]
        )
        self.cluster_alerts = [alert for alert in kept if alert.state.is_open]

    def series(self, question: Question) -> LedgerSeries:
        """The cases beside what they are held against."""
        return self.look.series(question, self.facilities, self.today)

    @cached_property
    def courses(self) -> dict[str, Runs]:
        """The days at risk of every cumulative incidence that is compared, by baseline."""
        questions = [CourseQuestion(baseline) for baseline in self.incidences]
        found = self.look.courses(questions, self.facilities, self.today)
        return dict(zip((one.id for one in self.incidences), found, strict=True))


def compare(
    look: Look,
    baselines: Iterable[Baseline],
    facilities: tuple[str, ...] | None,
    today: int,
    *,
    proportion_ci: str = "exact",
    sir: str = "midp",
) -> list[Comparison]:
    """Each baseline beside its observed figure, at some facilities or at all (None).

    `proportion_ci` names the interval of an observed proportion or share, `sir` the rule of
    observed over expected: one of `stats.sir.RULES`.
    """
    chosen = list(baselines)
    incidences = [one for one in chosen if one.measure == "cumulative_incidence"]
    ledger = Ledger(look, facilities, today, proportion_ci, sir, incidences)
    return [COMPARE[baseline.measure](ledger, baseline) for baseline in chosen]


def read_ahead(surveillance: Surveillance) -> None:
    """Have in memory what comparing every published figure in the whole network takes."""
    with look_at(surveillance) as look:
        known = known_at(look.connection, surveillance, None)
        baselines = catalogue.current_baselines(look.connection).values()
        compare(look, baselines, None, known.latest_day.toordinal())


def chosen_baselines(
    connection: Connection, names: Collection[str], measure: str | None
) -> list[Baseline]:
    """The named baselines or all, in force now; a measure alone selects those that have it.

    Raises `BadQuery` for an unknown name, `MeasureMismatch` where a named baseline is asked for
    as another measure than it is.
    """
    current = catalogue.current_baselines(connection)
    unknown = [name for name in names if name not in current]
    if unknown:
        message = "No baseline of that id: `GET /v1/baselines` lists them."
        details = tuple(Detail("?baseline", "unknown_baseline", message) for _ in unknown)
        raise BadQuery("A baseline is not known.", details=details)
    if not names:
        return [b for b in current.values() if measure is None or b.measure == measure]
    found = [current[name] for name in dict.fromkeys(names)]
    for baseline in found:
        if measure is not None and baseline.measure != measure:
            raise _mismatch(baseline, measure)
    return found


def _mismatch(baseline: Baseline, measure: str) -> MeasureMismatch:
    possible = POSSIBLE[baseline.measure]
    message = (
        f"{baseline.id} is a {_words(baseline.measure)} ({baseline.printed}) and cannot be read "
        f"as a {_words(measure)}. {possible}"
    )
    return MeasureMismatch(message, details=(Detail("?measure", "measure_mismatch", message),))


def _words(measure: str) -> str:
    return measure.replace("_", " ")


POSSIBLE: Mapping[str, str] = {
    "rate": "It is compared with cases over matching person-time, as observed over expected.",
    "cumulative_incidence": "It is compared with the Aalen-Johansen cumulative incidence at its "
    "horizon.",
    "proportion": "It has no horizon and no person-time, so it is compared only with recipients "
    "having at least one case, over recipients.",
    "share": "It is compared only with the share of the same kind among cases: a share of cases "
    "is no risk.",
    "cluster": "It has no denominator: it is watched by the sentinel and cluster rules.",
}
"""Which comparison each measure allows."""


def _rate(ledger: Ledger, baseline: Baseline) -> Comparison:
    series = ledger.series(Question(baseline))
    observed, expected = observed_rate(baseline, series, ledger.today)
    return _against(ledger, baseline, observed, expected)


def _proportion(ledger: Ledger, baseline: Baseline) -> Comparison:
    series = ledger.series(Question(baseline))
    observed, expected = observed_proportion(
        baseline, series, ledger.today, method=ledger.proportion_ci
    )
    return _against(ledger, baseline, observed, expected)


def _incidence(ledger: Ledger, baseline: Baseline) -> Comparison:
    observed, expected = observed_incidence(baseline, ledger.courses[baseline.id])
    return _against(ledger, baseline, observed, expected)


def _share(ledger: Ledger, baseline: Baseline) -> Comparison:
    series = ledger.series(Question(baseline))
    observed, expected = observed_share(baseline, series, ledger.today, method=ledger.proportion_ci)
    monitor = _weighing(ledger, baseline, "share_shift")
    return Comparison(
        baseline,
        observed,
        expected,
        reason=SHARE_HAS_NO_RATIO,
        evidence=_evidence(ledger, baseline, monitor or usual_monitor(baseline, "share_shift")),
        monitor=monitor,
    )


def _cluster(ledger: Ledger, baseline: Baseline) -> Comparison:
    watching = tuple(m for m in ledger.monitors if _watches(m, baseline))
    names = {monitor.id for monitor in watching}
    groups = baseline.numerator.organism_group
    found = tuple(
        alert
        for alert in ledger.cluster_alerts
        if alert.state.monitor_id in names
        and _is_within(alert, ledger.facilities)
        and (not groups or alert.state.latest_evidence.get("organism_group") in groups)
    )
    return Comparison(
        baseline, reason=CLUSTER_HAS_NO_RATIO, clusters=found, cluster_monitors=watching
    )


def _watches(monitor: MonitorDefinition, baseline: Baseline) -> bool:
    types = baseline.numerator.infection_type
    return monitor.cluster is not None and (not types or monitor.cluster.infection_type in types)


def _is_within(alert: KeptAlert, facilities: tuple[str, ...] | None) -> bool:
    return facilities is None or set(alert.state.facilities) <= set(facilities)


COMPARE: Mapping[str, Callable[[Ledger, Baseline], Comparison]] = {
    "rate": _rate,
    "proportion": _proportion,
    "cumulative_incidence": _incidence,
    "share": _share,
    "cluster": _cluster,
}


def _against(
    ledger: Ledger, baseline: Baseline, observed: Observed, expected: Expected
) -> Comparison:
    """Observed over expected by NHSN's rules, and the evidence of an excess."""
    ratio = (
        observed_expected(observed.cases, expected.cases, method=ledger.sir)
        if expected.cases
        else None
    )
    nobody = not (observed.person_days or observed.recipients)
    reason = ratio.reason if ratio else NOBODY_AT_RISK if nobody else NOTHING_EXPECTED
    monitor = _weighing(ledger, baseline, "e_process")
    return Comparison(
        baseline,
        observed,
        expected,
        ratio=ratio if ratio and reason is None else None,
        reason=reason,
        evidence=_evidence(ledger, baseline, monitor or usual_monitor(baseline, "e_process")),
        monitor=monitor,
    )


def _weighing(ledger: Ledger, baseline: Baseline, method: Method) -> MonitorDefinition | None:
    """The monitor that weighs the baseline by the method, one that is on before one that is off."""
    own = [m for m in ledger.monitors if (m.baseline_id, m.method) == (baseline.id, method)]
    return next((m for m in own if m.enabled), own[0] if own else None)


def _evidence(ledger: Ledger, baseline: Baseline, monitor: MonitorDefinition) -> Evidence | None:
    if cannot_watch(monitor, baseline):
        return None
    series = ledger.series(Question(baseline, monitor.exclude_usual_contaminants))
    return weigh(monitor, baseline, series, since_day=None, today=ledger.today)
