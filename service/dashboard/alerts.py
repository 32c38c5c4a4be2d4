"""Alerts as the pages show them: in a list, and one by one.

In:     alerts as kept, their monitors and baselines, and who is looking.
Out:    `AlertLine`s for the list, `AlertPage` for one.
Source: docs/api-alerts.md; docs/methods.md 8. Pseudonyms stand there only for who may see patients.

Who sees which alert is decided in `service.pipeline.alerting`, for the API and the pages alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from service.dashboard import words
from service.dashboard.bars import Bars
from service.dashboard.evidence import Fact, among_all_words, facts_of
from service.dashboard.onsets import epidemic_curve
from service.dashboard.paths import PathSection
from service.dashboard.published import cited
from service.dashboard.viewers import Viewer
from service.monitors.alerts import AlertState
from service.monitors.definitions import Advice, MonitorDefinition
from service.monitors.guarantees import guarantee_of
from service.pipeline.alerting import WholeAlert
from service.pipeline.discoveries import Judgement
from service.reference.baselines import Baseline
from service.store.alerts import SYSTEM, AlertEvent, KeptAlert, KeptCase

SEVERITIES = ("critical", "warning")
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert in a list."""

    id: str
    severity: str
    kind: str
    title: str
    status: str
    facilities: tuple[str, ...]
    onsets: str
    cases: int
    supported: bool
    support_note: str | None
    opened_at: datetime


class CaseLine(NamedTuple):
    """One case; `patient` and `event_id` are None for who may not see patients."""

    facility: str
    onset: str
    organism: str
    site: str
    patient: str | None
    event_id: str | None


class LinkLine(NamedTuple):
    """What cases of a cluster have in common."""

    attribute: str
    value: str
    facilities: tuple[str, ...]
    cases: int


class HistoryLine(NamedTuple):
    """One thing that happened to an alert."""

    at: datetime
    what: str
    who: str
    detail: str
    note: str | None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Everything the page of one alert shows."""

    line: AlertLine
    summary: str
    facts: tuple[Fact, ...]
    position_then: int | None
    guarantee: str | None
    among_all: str | None
    baseline: Baseline | None
    cited: str | None
    cases: tuple[CaseLine, ...]
    links: tuple[LinkLine, ...]
    advice: tuple[Advice, ...]
    history: tuple[HistoryLine, ...]
    outcome: str | None
    continues: str | None
    shows_patients: bool
    path: PathSection | None
    onsets: Bars | None
    may_act: bool

    @property
    def is_cluster(self) -> bool:
        """Do its cases stand together by what they share?"""
        return bool(self.links)


def open_lines(alerts: Iterable[KeptAlert]) -> list[AlertLine]:
    """Alerts that wait for a person: the gravest first, then those with the latest onset."""
    waiting = sorted(alerts, key=lambda one: one.state.age_order, reverse=True)
    waiting.sort(key=lambda one: one.state.last_onset_day or 0, reverse=True)
    waiting.sort(key=lambda one: _rank(one.state))
    return [line_of(one) for one in waiting]


def _rank(alert: AlertState) -> tuple[bool, int, bool]:
    grave = SEVERITIES.index(alert.severity) if alert.severity in SEVERITIES else len(SEVERITIES)
    return (not alert.supported, grave, alert.kind == "sentinel")


def line_of(kept: KeptAlert) -> AlertLine:
    """An alert in one line."""
    alert = kept.state
    return AlertLine(
        id=alert.id,
        severity=alert.severity,
        kind=words.KIND_WORDS.get(alert.kind, alert.kind),
        title=alert.title,
        status=alert.status,
        facilities=alert.facilities,
        onsets=words.days(alert.first_onset_day, alert.last_onset_day),
        cases=len(alert.cases),
        supported=alert.supported,
        support_note=alert.support_note,
        opened_at=kept.opened_at,
    )


def page_of(
    viewer: Viewer,
    whole: WholeAlert,
    monitor: MonitorDefinition | None,
    baseline: Baseline | None,
    judgement: Judgement,
    path: PathSection | None,
) -> AlertPage:
    """The page of one alert; `baseline` is the version that its evidence was weighed with."""
    kept = whole.kept
    alert = kept.state
    links = alert.latest_evidence.get("links", [])
    facts = facts_of(alert.kind, kept.evidence, alert.latest_evidence, baseline)
    return AlertPage(
        line=line_of(kept),
        summary=facts.summary,
        facts=facts.rows,
        position_then=kept.evidence.get("position"),
        guarantee=guarantee_of(monitor).text if monitor else None,
        among_all=among_all_words(
            judgement.passes(alert), len(judgement.judged), judgement.false_discovery_rate
        ),
        baseline=baseline,
        cited=cited(baseline.source) if baseline else None,
        cases=tuple(_case(viewer, case) for case in whole.cases),
        links=tuple(_link(link) for link in links),
        advice=whole.advice,
        history=tuple(_happened(entry) for entry in whole.history),
        outcome=alert.outcome,
        continues=alert.continues,
        shows_patients=viewer.may_see_patients,
        path=path,
        onsets=epidemic_curve([case.key.onset_day for case in whole.cases]),
        may_act=viewer.may_manage_alerts,
    )


def _case(viewer: Viewer, case: KeptCase) -> CaseLine:
    key = case.key
    return CaseLine(
        facility=key.facility,
        onset=words.day(key.onset_day),
        organism=key.organism or "not identified",
        site=case.site.replace("_", " "),
        patient=key.patient if viewer.may_see_patients else None,
        event_id=key.episode_id.rpartition("#")[0] if viewer.may_see_patients else None,
    )


def _link(link: Mapping[str, Any]) -> LinkLine:
    return LinkLine(
        words.ATTRIBUTE_WORDS.get(link["attribute"], link["attribute"]),
        words.shared_value(link["attribute"], link["value"]),
        tuple(link["facilities"]),
        link["cases"],
    )


def _happened(entry: AlertEvent) -> HistoryLine:
    return HistoryLine(
        at=entry.recorded_at,
        what=words.HISTORY_WORDS.get(entry.name, entry.name),
        who="Graftwatch" if entry.actor == SYSTEM else entry.actor,
        detail=words.told(entry.detail),
        note=entry.note,
    )
