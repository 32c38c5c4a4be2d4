"""Monitor: hold what a batch changed against the monitors, and keep the alerts in line.

In:     the postings of a batch, within its own transaction.
Out:    alerts opened, brought up to date, unsupported or merged, each with its history; readings.
Source: docs/methods.md 8; docs/api.md: acknowledged means committed, alerts included.

Only monitors that the batch can have touched are evaluated: those whose population has a changed
stratum or episode, at the facilities of the batch and, where their scope says so, the network.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from service.domain.days import FAR_FUTURE_DAY
from service.monitors.alerts import (
    AlertState,
    evidence_since,
)
from service.monitors.cases import Case
from service.monitors.clusters import cluster_evaluation
from service.monitors.definitions import Kind, MonitorDefinition
from service.monitors.evaluations import baseline_evaluation
from service.monitors.methods import cannot_watch
from service.monitors.questions import CasesOf, Infections, Question
from service.monitors.reconcile import reconcile
from service.monitors.sentinel import sentinel_evaluations
from service.monitors.series import LedgerSeries
from service.monitors.signals import NETWORK, Evaluation, Signal, facility_of, facility_scope
from service.pipeline.following import follow
from service.pipeline.growing import GrowingInfections
from service.pipeline.kept_alerts import keep_changes
from service.pipeline.kept_series import KeptSeries
from service.pipeline.observations import CaseFile, cases_for, series_for
from service.pipeline.readings import keep_readings
from service.pipeline.surveillance import Surveillance
from service.reference.baselines import Baseline
from service.store import alerts as alert_store
from service.store import catalogue
from service.store.engine import Connection
from service.store.ledger import Posting


@dataclass(frozen=True)
class Watch:
    """What every evaluation of one transaction shares."""

    connection: Connection
    case_file: CaseFile
    baselines: Mapping[str, Baseline]
    alerts: Sequence[AlertState]
    today: int
    kept_series: KeptSeries = field(default_factory=KeptSeries)

    def series_of(self, question: Question, facility: str | None) -> LedgerSeries:
        """The series of a place up to today: as it is kept, or as the ledger tells it."""

        def read() -> LedgerSeries:
            return series_for(
                self.case_file.at(facility, question),
                question.baseline,
                self._read_cases(question, facility),
                None if facility is None else (facility,),
                FAR_FUTURE_DAY,
                without_contaminants=question.without_contaminants,
            )

        return self.kept_series.series_of(question, facility, self.today, read)

    def cases_of(self, question: Question, facility: str | None) -> Collection[Case]:
        """The cases of a place, which go on being asked for while it signals."""
        return self.kept_series.cases_of(
            CasesOf(question), facility, lambda: self._read_cases(question, facility)
        )

    def _read_cases(self, question: Question, facility: str | None) -> tuple[Case, ...]:
        return cases_for(
            self.case_file.at(facility, question),
            question.baseline,
            None if facility is None else (facility,),
            without_contaminants=question.without_contaminants,
        )

    def infections(self, infection_type: str) -> GrowingInfections:
        """The infections of a type in the whole network, counted or not."""
        return self.kept_series.infections_of(
            Infections(infection_type), lambda: self.case_file.infections([infection_type])
        )

    def alerts_of(self, monitor: MonitorDefinition, scope_key: str) -> list[AlertState]:
        """The alerts of a monitor for one place."""
        place = (monitor.id, scope_key)
        return [alert for alert in self.alerts if (alert.monitor_id, alert.scope_key) == place]

    def is_weighed(self, monitor: MonitorDefinition, touched: "Touched") -> bool:
        """Does the monitor hold what was touched against a baseline?"""
        baseline = self.baselines.get(monitor.baseline_id or "")
        return baseline is not None and touched.concerns(baseline)


def watch(
    connection: Connection,
    surveillance: Surveillance,
    postings: Collection[Posting],
    before: int,
    position: int,
) -> None:
    """Evaluate every enabled monitor that the postings touch, which led from one position on."""
    follow(connection, surveillance, postings, before, position)
    touched = Touched.by(postings)
    if touched.facilities:
        monitors = [m for m in catalogue.current_monitors(connection) if m.enabled]
        evaluate(connection, surveillance, monitors, touched, position)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch changed: where, after which transplants, infections of which types; None for
    everywhere, after all, of all."""

    facilities: frozenset[str] | None
    transplant_types: frozenset[str] | None
    infection_types: frozenset[str] | None = None

    @classmethod
    def by(cls, postings: Iterable[Posting]) -> "Touched":
        """What the postings changed."""
        changed = [posting for posting in postings if posting.came or posting.went]
        changes = [change for posting in changed for change in (posting.came, posting.went)]
        strata = {segment.stratum for change in changes for segment in change.segments}
        episodes = {episode for change in changes for episode in change.episodes}
        exposures = {episode.exposure for episode in episodes if episode.exposure}
        return cls(
            facilities=frozenset(p.patient.facility for p in changed),
            transplant_types=frozenset(s.transplant_type for s in strata)
            | frozenset(exposure.transplant_type for exposure in exposures),
            infection_types=frozenset(episode.infection_type for episode in episodes),
        )

    @property
    def scope_keys(self) -> frozenset[str] | None:
        """The places to which it may matter; None for all."""
        if self.facilities is None:
            return None
        return frozenset(facility_scope(name) for name in self.facilities) | {NETWORK}

    def concerns(self, baseline: Baseline) -> bool:
        """Can the figure that the baseline speaks of have changed?"""
        population = baseline.population.transplant_type
        touched = self.transplant_types
        return not population or touched is None or not touched.isdisjoint(population)

    def holds_infections(self, infection_type: str) -> bool:
        """Can what a rule links have changed, which looks at infections and at no time at risk?"""
        return self.infection_types is None or infection_type in self.infection_types

    def places(self, with_cases: Iterable[str], alerts: Iterable[AlertState]) -> list[str]:
        """The facilities to evaluate: those touched, else all with a case or an alert."""
        if self.facilities is not None:
            return sorted(self.facilities)
        of_alerts = {facility_of(alert.scope_key) for alert in alerts}
        return sorted({*with_cases, *(name for name in of_alerts if name)})


EVERYTHING = Touched(None, None)
"""For a monitor that is new, or watches otherwise than before."""


def evaluate(
    connection: Connection,
    surveillance: Surveillance,
    monitors: Sequence[MonitorDefinition],
    touched: Touched,
    position: int,
) -> None:
    """Evaluate the monitors where they are touched, and keep what follows."""
    kept = alert_store.alerts_of(
        connection, [monitor.id for monitor in monitors], touched.scope_keys
    )
    watched = Watch(
        connection=connection,
        case_file=CaseFile(connection),
        baselines=catalogue.current_baselines(connection),
        alerts=[alert.state for alert in kept],
        today=surveillance.today().toordinal(),
        kept_series=surveillance.kept_series,
    )
    evaluations = [
        evaluation
        for monitor in monitors
        for evaluation in EVALUATE[monitor.kind](watched, monitor, touched)
    ]
    keep_readings(
        connection,
        {monitor.id for monitor in monitors if watched.is_weighed(monitor, touched)},
        touched.scope_keys,
        evaluations,
        day=watched.today,
        position=position,
    )
    changes = reconcile(evaluations, watched.alerts)
    keep_changes(
        connection, changes, {a.id: a for a in watched.alerts}, position, surveillance.clock()
    )


def _against_baseline(
    watched: Watch, monitor: MonitorDefinition, touched: Touched
) -> Iterator[Evaluation]:
    """Every place of the monitor; nothing where its baseline's latest version has no such figure.

    A new version of a baseline must never stop a batch from being recorded.
    """
    baseline = watched.baselines.get(monitor.baseline_id or "")
    if baseline is None or cannot_watch(monitor, baseline) or not touched.concerns(baseline):
        return
    question = Question(baseline, monitor.exclude_usual_contaminants)
    for facility in _places(watched, monitor, question, touched):
        scope_key = NETWORK if facility is None else facility_scope(facility)
        series = watched.series_of(question, facility)
        of_place = watched.alerts_of(monitor, scope_key)
        if series.case_days.size or of_place:
            yield baseline_evaluation(
                monitor,
                baseline,
                scope_key,
                series,
                partial(watched.cases_of, question, facility),
                since_day=evidence_since(of_place),
                today=watched.today,
            )


def _places(
    watched: Watch, monitor: MonitorDefinition, question: Question, touched: Touched
) -> Iterator[str | None]:
    """The facilities to evaluate, and None for the network, as the monitor's scope has it."""
    if monitor.scope in ("facility", "both"):
        everywhere = watched.cases_of(question, None) if touched.facilities is None else ()
        own = [alert for alert in watched.alerts if alert.monitor_id == monitor.id]
        yield from touched.places((case.facility for case in everywhere), own)
    if monitor.scope in ("network", "both"):
        yield None


def _sentinel(watched: Watch, monitor: MonitorDefinition, touched: Touched) -> Iterable[Evaluation]:
    infection_type = monitor.sentinel.infection_type if monitor.sentinel else ""
    if not touched.holds_infections(infection_type):
        return ()
    infections = watched.infections(infection_type)
    own = [alert for alert in watched.alerts if alert.monitor_id == monitor.id]
    places = touched.places(infections.facilities, own)
    return sentinel_evaluations(monitor, infections.at(places), places)


def _cluster(watched: Watch, monitor: MonitorDefinition, touched: Touched) -> Iterable[Evaluation]:
    """The network, without naming cases in the evidence.

    An alert's cases stand in a table of their own, from which an erased patient is removed; a
    second list of them in the evidence would outlive the patient.
    """
    infection_type = monitor.cluster.infection_type if monitor.cluster else ""
    if not touched.holds_infections(infection_type):
        return ()
    found = cluster_evaluation(monitor, watched.infections(infection_type).linkable)
    signals = tuple(
        replace(signal, evidence={**signal.evidence, "links": _links_without_names(signal)})
        for signal in found.signals
    )
    return (replace(found, signals=signals),)


def _links_without_names(signal: Signal) -> list[dict[str, Any]]:
    return [{**link, "cases": len(link["cases"])} for link in signal.evidence["links"]]


EVALUATE: dict[Kind, Callable[[Watch, MonitorDefinition, Touched], Iterable[Evaluation]]] = {
    "excess": _against_baseline,
    "rise": _against_baseline,
    "share": _against_baseline,
    "sentinel": _sentinel,
    "cluster": _cluster,
}
