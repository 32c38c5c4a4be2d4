"""Monitors on the wire, out and in.

In:     `MonitorDefinition`s and `MonitorPath`s; the fields a caller sends.
Out:    documents, each with what its method promises.
Source: docs/api-alerts.md; docs/methods.md 8.
"""

from datetime import date
from typing import Any, Literal

import msgspec
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from service.api.alert_answers import AdviceDocument
from service.api.comparison_answers import NullDocument, rule_words
from service.errors import BadQuery, Detail
from service.monitors.definitions import MonitorDefinition, SentinelRule
from service.monitors.excess import LARGEST_LOG_E
from service.monitors.signals import facility_of
from service.monitors.wording import infection_words, transplant_words
from service.pipeline.monitor_paths import MonitorPath

Scope = Literal["facility", "network", "both"]
Null = Literal["upper", "point"]


class GuaranteeDocument(BaseModel):
    """What the method promises about false alarms."""

    text: str
    false_alarm_probability: float | None = Field(description="Null where nothing is promised.")


class BaselineInForce(BaseModel):
    """The baseline that a monitor tests against; a new version is taken over at once."""

    id: str
    version: int


class MonitorDocument(BaseModel):
    """A monitor as it stands."""

    id: str = Field(examples=["excess-cinicola-ntm-allo"])
    version: int
    title: str
    kind: Literal["excess", "sentinel", "cluster"]
    method: Literal["e_process", "sentinel", "linkage"]
    baseline: BaselineInForce | None
    scope: Scope = Field(description="Each facility, the network, or both.")
    null: Null | None = Field(description="The baseline's upper limit, or its printed figure.")
    alpha: float | None
    threshold: float | None = Field(description="The e-value that signals, 1/alpha.")
    exclude_usual_contaminants: bool
    enabled: bool
    rule: str | None = Field(description="A sentinel's or cluster's rule in words.")
    guarantee: GuaranteeDocument
    advice: list[AdviceDocument]


class MonitorList(BaseModel):
    """One page of monitors."""

    items: list[MonitorDocument]
    next: str | None


class Sent(BaseModel):
    """What a caller sends; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class NewMonitor(Sent):
    """A further monitor of excess on a baseline."""

    id: str = Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    baseline: str = Field(max_length=64)
    title: str | None = Field(None, min_length=1, max_length=500)
    scope: Scope = "both"
    null: Null = "upper"
    alpha: float = Field(0.05, gt=0, lt=1)
    exclude_usual_contaminants: bool = True
    enabled: bool = False


class MonitorChange(Sent):
    """What is to be otherwise; what is left out stays."""

    title: str = Field("", min_length=1, max_length=500)
    scope: Scope = "both"
    null: Null = "upper"
    alpha: float = Field(0.05, gt=0, lt=1)
    exclude_usual_contaminants: bool = True
    enabled: bool = False


class PathPoint(BaseModel):
    """The evidence up to the end of a day."""

    day: date
    cases: int = Field(description="Since the start.")
    expected: float = Field(description="Under the null, since the start.")
    e_value: float
    e_value_max: float = Field(description="The highest so far: evidence once seen stays.")


class MonitorPathDocument(BaseModel):
    """How the evidence of one place went."""

    monitor: str
    facility: str | None = Field(description="Null for the network.")
    baseline: BaselineInForce
    null: NullDocument
    assumption: str | None
    threshold: float
    counted_from: date | None = Field(
        description="Where its alert was closed before: the day after. Null: from the start."
    )
    signalled_on: date | None
    exposure: int
    exposure_unit: Literal["person_days", "recipients"]
    points: list[PathPoint] = Field(
        description="Every day of an onset, days between them evenly spread, and today."
    )


def tell_monitor(monitor: MonitorDefinition, versions: dict[str, int]) -> MonitorDocument:
    """A monitor as a document; `versions` has the baselines' versions in force."""
    is_excess = monitor.kind == "excess"
    return MonitorDocument(
        id=monitor.id,
        version=monitor.version,
        title=monitor.title,
        kind=monitor.kind,
        method=monitor.method,
        baseline=_in_force(monitor.baseline_id, versions),
        scope=monitor.scope,
        null=monitor.null if is_excess else None,
        alpha=monitor.alpha if is_excess else None,
        threshold=monitor.threshold if is_excess else None,
        exclude_usual_contaminants=monitor.exclude_usual_contaminants,
        enabled=monitor.enabled,
        rule=_rule(monitor),
        guarantee=GuaranteeDocument(**monitor.guarantee._asdict()),
        advice=[AdviceDocument(text=said.text, source=said.source) for said in monitor.advice],
    )


def tell_path(path: MonitorPath) -> MonitorPathDocument:
    """A path as a document."""
    evidence, drawn = path.evidence, path.evidence.path
    points = zip(
        drawn.days.tolist(),
        drawn.cases.tolist(),
        drawn.expected.tolist(),
        np.exp(np.minimum(drawn.log_e, LARGEST_LOG_E)).tolist(),
        np.exp(np.clip(drawn.running_max_log_e, 0.0, LARGEST_LOG_E)).tolist(),
        strict=True,
    )
    return MonitorPathDocument(
        monitor=path.monitor.id,
        facility=facility_of(path.scope_key),
        baseline=BaselineInForce(id=path.baseline.id, version=path.baseline.version),
        null=NullDocument(value=evidence.null.value, described_as=evidence.null.described_as),
        assumption=evidence.assumption,
        threshold=evidence.threshold,
        counted_from=_date(evidence.since_day),
        signalled_on=_date(evidence.signalled_day),
        exposure=evidence.exposure,
        exposure_unit="recipients" if evidence.exposure_unit == "recipients" else "person_days",
        points=[
            PathPoint(
                day=date.fromordinal(day), cases=n, expected=mu, e_value=e, e_value_max=highest
            )
            for day, n, mu, e, highest in points
        ],
    )


def changed(monitor: MonitorDefinition, change: MonitorChange) -> MonitorDefinition:
    """The monitor with what the caller sent; raises `BadQuery` where that means nothing.

    A rule has no alpha and no null: naming one for it is refused rather than ignored.
    """
    sent: dict[str, Any] = change.model_dump(include=change.model_fields_set)
    without = {"alpha", "null"} & sent.keys() if monitor.kind != "excess" else set()
    if without:
        message = f"A monitor of kind {monitor.kind} has none: it tests nothing."
        details = tuple(Detail(f"/{name}", "not_applicable", message) for name in sorted(without))
        raise BadQuery("The change means nothing for this monitor.", details=details)
    now = msgspec.structs.asdict(monitor) | sent
    if now == msgspec.structs.asdict(monitor):
        return monitor
    return defined(**{**now, "version": monitor.version + 1})


def defined(**fields: Any) -> MonitorDefinition:
    """A monitor of these fields; raises `BadQuery` with the reason where there can be none."""
    try:
        return MonitorDefinition(**fields)
    except ValueError as fault:
        message = str(fault)
        pointer = "/scope" if "scope" in message else ""
        detail = Detail(pointer, "impossible_monitor", message)
        raise BadQuery("Such a monitor cannot be.", details=(detail,)) from None


def _in_force(baseline_id: str | None, versions: dict[str, int]) -> BaselineInForce | None:
    if baseline_id is None or baseline_id not in versions:
        return None
    return BaselineInForce(id=baseline_id, version=versions[baseline_id])


def _rule(monitor: MonitorDefinition) -> str | None:
    if monitor.cluster:
        return rule_words(monitor.cluster)
    return _sentinel_words(monitor.sentinel) if monitor.sentinel else None


def _sentinel_words(rule: SentinelRule) -> str:
    infection = infection_words(rule.infection_type, rule.site_class)
    return f"one case of {infection} after {transplant_words(rule.transplant_types)}"


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)
