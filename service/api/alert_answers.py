"""Alerts on the wire.

In:     `WholeAlert`s.
Out:    documents; pseudonyms only for a key that may read patients.
Source: docs/api-alerts.md.
"""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from service.monitors.cases import CaseKey
from service.monitors.definitions import Kind
from service.pipeline.alerting import WholeAlert
from service.pipeline.discoveries import Judgement
from service.store.alerts import AlertEvent, KeptCase

AlertStatus = Literal["open", "acknowledged", "closed"]
Severity = Literal["warning", "critical"]


class AlertCase(BaseModel):
    """A case that stands in the alert."""

    facility: str
    patient: str | None = Field(description="Null unless the key has `patients:read`.")
    event_id: str = Field(description="The event whose record opened the episode.")
    occurred_on: date = Field(description="Onset.")
    organism: str | None
    site: str


class AdviceDocument(BaseModel):
    """What a source says about such a signal."""

    text: str
    source: str


class HistoryEntry(BaseModel):
    """One thing that happened to the alert."""

    sequence: int = Field(description="The `id` of the event on `/v1/alerts/stream`.")
    recorded_at: datetime
    name: str = Field(
        description="opened, updated, unsupported, supported, merged, acknowledged, closed, "
        "reopened or commented."
    )
    actor: str = Field(description="The key's name; `graftwatch` for what happens by itself.")
    note: str | None
    detail: dict[str, Any]


class AlertDocument(BaseModel):
    """An alert as kept. None is ever removed."""

    id: str = Field(examples=["alert-4211-0"])
    monitor: str = Field(examples=["excess-cinicola-ntm-allo"])
    kind: Kind
    scope: str = Field(description="`network`, or `facility:` and its name.")
    status: AlertStatus
    severity: Severity
    title: str
    facilities: list[str] = Field(description="Where the cases are.")
    opened_at: datetime
    first_onset: date | None
    last_onset: date | None
    cases: list[AlertCase] = Field(description="In order of onset; those that stand in it now.")
    evidence: dict[str, Any] = Field(
        description="As known when it fired, enough to compute it again; never changed."
    )
    latest_evidence: dict[str, Any] = Field(description="As of the last evaluation.")
    supported: bool = Field(description="Do the data as they stand support it?")
    support_note: str | None = Field(description="What changed where it lost its support.")
    passes_fdr: bool | None = Field(
        description="Does it also stand today among all monitors at all places, at the false "
        "discovery rate of `/v1/error-budget` (e-BH)? Null for a closed alert, for a monitor that "
        "is off, and for the methods that have no e-value: sentinel, linkage, CUSUM, e-detector "
        "and MaxSPRT."
    )
    advice: list[AdviceDocument]
    history: list[HistoryEntry]
    continues: str | None = Field(description="The closed alert that this one goes on from.")
    closed_on: date | None
    outcome: str | None


class AlertList(BaseModel):
    """One page of alerts, the newest first."""

    items: list[AlertDocument]
    next: str | None


class StreamedAlert(BaseModel):
    """The data of one event of the stream: no patient, no event, no note."""

    id: str
    monitor: str
    kind: Kind
    status: AlertStatus
    severity: Severity
    title: str
    facilities: list[str]
    supported: bool
    reason: str = Field(description="The history entry's name.")
    detail: dict[str, Any]
    recorded_at: datetime


def tell_alert(alert: WholeAlert, judgement: Judgement, *, with_patients: bool) -> AlertDocument:
    """An alert as a document, and whether it stands among all monitors."""
    state = alert.kept.state
    return AlertDocument(
        id=state.id,
        monitor=state.monitor_id,
        kind=state.kind,
        scope=state.scope_key,
        status=state.status,
        severity=_severity(state.severity),
        title=state.title,
        facilities=list(state.facilities),
        opened_at=alert.kept.opened_at,
        first_onset=_date(state.first_onset_day),
        last_onset=_date(state.last_onset_day),
        cases=[_case(case, with_patients=with_patients) for case in alert.cases],
        evidence=alert.kept.evidence,
        latest_evidence=state.latest_evidence,
        supported=state.supported,
        support_note=state.support_note,
        passes_fdr=judgement.passes(state),
        advice=[AdviceDocument(text=said.text, source=said.source) for said in alert.advice],
        history=[_entry(entry) for entry in alert.history],
        continues=state.continues,
        closed_on=_date(state.closed_day),
        outcome=state.outcome,
    )


def tell_streamed(alert: WholeAlert, entry: AlertEvent) -> StreamedAlert:
    """What the stream says of an entry of the history; the alert as it stands now."""
    state = alert.kept.state
    return StreamedAlert(
        id=state.id,
        monitor=state.monitor_id,
        kind=state.kind,
        status=state.status,
        severity=_severity(state.severity),
        title=state.title,
        facilities=list(state.facilities),
        supported=state.supported,
        reason=entry.name,
        detail=entry.detail,
        recorded_at=entry.recorded_at,
    )


def event_id_of(key: CaseKey) -> str:
    """The event behind a case.

    >>> event_id_of(CaseKey("ucd-01", "p1", "i1#0", 738000, None))
    'i1'
    """
    return key.episode_id.rpartition("#")[0]


def _case(case: KeptCase, *, with_patients: bool) -> AlertCase:
    key = case.key
    return AlertCase(
        facility=key.facility,
        patient=key.patient if with_patients else None,
        event_id=event_id_of(key),
        occurred_on=date.fromordinal(key.onset_day),
        organism=key.organism,
        site=case.site,
    )


def _entry(entry: AlertEvent) -> HistoryEntry:
    return HistoryEntry(
        sequence=entry.sequence,
        recorded_at=entry.recorded_at,
        name=entry.name,
        actor=entry.actor,
        note=entry.note,
        detail=entry.detail,
    )


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)


def _severity(severity: str) -> Severity:
    return "critical" if severity == "critical" else "warning"
