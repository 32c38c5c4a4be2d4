"""Monitors on the wire.

In:     `MonitorDefinition`s.
Out:    documents, each with what its method promises.
Source: docs/api-alerts.md; docs/methods.md 8.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from service.api.alert_answers import AdviceDocument
from service.api.comparison_answers import rule_words
from service.monitors.definitions import (
    AGAINST_NULL,
    BY_ALPHA,
    BY_SPACING,
    Kind,
    Method,
    MonitorDefinition,
    Null,
    Scope,
    SentinelRule,
)
from service.monitors.evidence import Statistic
from service.monitors.guarantees import guarantee_of
from service.monitors.settings import MaxsprtSettings
from service.monitors.weighing import WEIGHINGS
from service.monitors.wording import infection_words, transplant_words


class GuaranteeDocument(BaseModel):
    """What the method promises about false alarms."""

    text: str
    false_alarm_probability: float | None = Field(
        description="At most, ever or up to the horizon. Null where no probability is promised."
    )
    days_between_false_alarms: float | None = Field(
        description="Mean days to a false alarm. Null where none are promised."
    )


class BaselineInForce(BaseModel):
    """The baseline that a monitor tests against; a new version is taken over at once."""

    id: str
    version: int


class MonitorDocument(BaseModel):
    """A monitor as it stands."""

    id: str = Field(examples=["excess-cinicola-ntm-allo"])
    version: int
    title: str
    kind: Kind = Field(description="Follows from the method.")
    method: Method
    baseline: BaselineInForce | None
    scope: Scope = Field(description="Each facility, the network, or both.")
    null: Null | None = Field(description="The baseline's upper limit, or its printed figure.")
    alpha: float | None
    days_between_false_alarms: float | None
    settings: dict[str, Any] | None = Field(
        description="What the method can be set to besides.", examples=[{"rate_ratios": [2, 3]}]
    )
    statistic: Statistic | None = Field(description="What is held against the threshold.")
    threshold: float | None = Field(
        description="Of the statistic; null for conditional_maxsprt, where it depends on the "
        "baseline's cases and stands in the path."
    )
    exclude_usual_contaminants: bool
    enabled: bool
    rule: str | None = Field(description="A sentinel's or cluster's rule in words.")
    guarantee: GuaranteeDocument
    advice: list[AdviceDocument]


class MonitorList(BaseModel):
    """One page of monitors."""

    items: list[MonitorDocument]
    next: str | None


def tell_monitor(monitor: MonitorDefinition, versions: dict[str, int]) -> MonitorDocument:
    """A monitor as a document; `versions` has the baselines' versions in force."""
    weighing = WEIGHINGS.get(monitor.method)
    return MonitorDocument(
        id=monitor.id,
        version=monitor.version,
        title=monitor.title,
        kind=monitor.kind,
        method=monitor.method,
        baseline=_in_force(monitor.baseline_id, versions),
        scope=monitor.scope,
        null=monitor.null if monitor.method in AGAINST_NULL else None,
        alpha=monitor.alpha if monitor.method in BY_ALPHA else None,
        days_between_false_alarms=monitor.days_between_false_alarms
        if monitor.method in BY_SPACING
        else None,
        settings=msgspec.structs.asdict(monitor.settings) if monitor.settings else None,
        statistic=weighing.statistic if weighing else None,
        threshold=THRESHOLDS[monitor.method](monitor),
        exclude_usual_contaminants=monitor.exclude_usual_contaminants,
        enabled=monitor.enabled,
        rule=_rule(monitor),
        guarantee=GuaranteeDocument(**guarantee_of(monitor)._asdict()),
        advice=[AdviceDocument(text=said.text, source=said.source) for said in monitor.advice],
    )


THRESHOLDS: Mapping[Method, Callable[[MonitorDefinition], float | None]] = {
    "e_process": lambda monitor: 1 / monitor.alpha,
    "share_shift": lambda monitor: 1 / monitor.alpha,
    "maxsprt": lambda monitor: monitor.settings_as(MaxsprtSettings).critical_value(monitor.alpha),
    "conditional_maxsprt": lambda _: None,
    "e_detector": lambda monitor: monitor.days_between_false_alarms,
    "cusum": lambda _: 1.0,
    "sentinel": lambda _: None,
    "linkage": lambda _: None,
}
"""What the statistic of each method is held against, where it follows from the settings."""


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
