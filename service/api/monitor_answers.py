"""Monitors on the wire.

In:     `MonitorDefinition`s and `MonitorPath`s.
Out:    documents, each with what its method promises.
Source: docs/api-alerts.md; docs/methods.md 8.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, Field

from service.api.alert_answers import AdviceDocument
from service.api.comparison_answers import NullDocument, rule_words
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
from service.monitors.signals import facility_of
from service.monitors.weighing import WEIGHINGS
from service.monitors.wording import infection_words, transplant_words
from service.pipeline.monitor_paths import Gaps, MonitorPath
from service.stats.g_chart import TAIL, GapLimits
from service.stats.rates import DAYS_PER_YEAR

G_CHART_SOURCE = (
    "Benneyan JC. Number-between g-type statistical quality control charts for monitoring adverse "
    "events. Health Care Manag Sci 2001;4:305-318. doi:10.1023/A:1011846412909"
)


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


class PathPoint(BaseModel):
    """The evidence up to the end of a day."""

    day: date
    cases: int = Field(description="Since the start.")
    expected: float = Field(description="Under the null, since the start.")
    value: float = Field(
        description="Of the statistic; an e-value and an e-detector end at exp(700), a "
        "log-likelihood ratio at 700."
    )
    highest: float = Field(description="The highest so far: evidence once seen stays.")


class GapPoint(BaseModel):
    """From one case to the next."""

    after: date
    day: date = Field(description="Onset of the later case.")
    days: int = Field(description="0 where both came on one day.")
    expected: float = Field(description="Cases expected after the one's day up to the other's.")
    exposure: int = Field(description="In `exposure_unit`.")


class GapLimitsDocument(BaseModel):
    """Mean and probability limits of a gap while cases come as the null says."""

    centre: float
    lower: float
    upper: float


class GapsDocument(BaseModel):
    """A g-chart: short gaps are many cases."""

    points: list[GapPoint]
    in_days: GapLimitsDocument | None = Field(
        description="Geometric, at the mean expectation a day of the path; null where nothing is "
        "expected."
    )
    in_expected: GapLimitsDocument = Field(
        description="Exponential, in expected cases: right however the expectation varies."
    )
    tail: float = Field(description="The chance beyond either limit, at most.")
    source: str


class MonitorPathDocument(BaseModel):
    """How the evidence of one place went."""

    monitor: str
    method: Method
    statistic: Statistic
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
    exposure_unit: Literal["person_days", "recipients", "cases"]
    state: str | None = Field(
        description="Of a method with a horizon: before the start, watching, horizon reached."
    )
    rise_from: date | None = Field(description="Of a rise: the day it began, as far as it shows.")
    expected_per_year: float = Field(
        description="The present volume: expected under the null in the last 365 days, a year."
    )
    points: list[PathPoint] = Field(
        description="Every day of an onset, days between them evenly spread, and today."
    )
    gaps: GapsDocument


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


def tell_path(path: MonitorPath) -> MonitorPathDocument:
    """A path as a document."""
    evidence, drawn = path.evidence, path.evidence.path
    points = zip(
        drawn.days.tolist(),
        drawn.cases.tolist(),
        drawn.expected.tolist(),
        drawn.statistic.tolist(),
        drawn.highest.tolist(),
        strict=True,
    )
    return MonitorPathDocument(
        monitor=path.monitor.id,
        method=path.monitor.method,
        statistic=evidence.statistic,
        facility=facility_of(path.scope_key),
        baseline=BaselineInForce(id=path.baseline.id, version=path.baseline.version),
        null=NullDocument(value=evidence.null.value, described_as=evidence.null.described_as),
        assumption=evidence.assumption,
        threshold=evidence.threshold,
        counted_from=_date(evidence.since_day),
        signalled_on=_date(evidence.signalled_day),
        exposure=evidence.exposure,
        exposure_unit=evidence.exposure_unit,
        state=evidence.state,
        rise_from=_date(evidence.rise_day),
        expected_per_year=path.expected_per_day * DAYS_PER_YEAR,
        points=[
            PathPoint(day=date.fromordinal(day), cases=n, expected=mu, value=value, highest=highest)
            for day, n, mu, value, highest in points
        ],
        gaps=_gaps(path.gaps),
    )


def _gaps(gaps: Gaps) -> GapsDocument:
    return GapsDocument(
        points=[
            GapPoint(
                after=date.fromordinal(gap.from_day),
                day=date.fromordinal(gap.to_day),
                days=gap.days,
                expected=gap.expected,
                exposure=gap.exposure,
            )
            for gap in gaps.gaps
        ],
        in_days=_limits(gaps.in_days) if gaps.in_days else None,
        in_expected=_limits(gaps.in_expected),
        tail=TAIL,
        source=G_CHART_SOURCE,
    )


def _limits(limits: GapLimits) -> GapLimitsDocument:
    return GapLimitsDocument(**limits._asdict())


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


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)
