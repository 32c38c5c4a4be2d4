"""Monitors' paths on the wire: the chart behind an alert.

In:     `MonitorPath`s.
Out:    documents; one shape for every method, which names its statistic.
Source: docs/api-alerts.md; docs/methods.md 8.
"""

from dataclasses import asdict
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from service.api.comparison_answers import NullDocument
from service.api.monitor_answers import BaselineInForce
from service.api.rate_answers import SUPPRESSED
from service.monitors.definitions import Method
from service.monitors.evidence import Statistic
from service.monitors.series import Unit
from service.monitors.signals import facility_of
from service.pipeline.monitor_paths import Gaps, MonitorPath
from service.stats.g_chart import TAIL, GapLimits
from service.stats.rates import DAYS_PER_YEAR

G_CHART_SOURCE = (
    "Benneyan JC. Number-between g-type statistical quality control charts for monitoring adverse "
    "events. Health Care Manag Sci 2001;4:305-318. doi:10.1023/A:1011846412909. Limits by "
    "probability: 2001;4:319-336. doi:10.1023/A:1011806727354"
)


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


class DetectionDocument(BaseModel):
    """How long the monitor takes from a fresh start if the truth is so many times the null."""

    rate_ratio: float = Field(examples=[3])
    unit: Literal["days", "cases"]
    median: float | None = Field(
        description="Null where fewer than half of all series signal within the horizon."
    )
    mean: float | None = Field(description="Of the series that signal.")
    probability: float = Field(description="Of a signal within the horizon.")
    horizon: float = Field(description="The method's own, at most a hundred years.")


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
    exposure_unit: Unit
    state: str | None = Field(
        description="Of a method with a horizon: before the start, watching, horizon reached."
    )
    rise_from: date | None = Field(
        description="Of a rise that signals: the day it began, as far as the cases show."
    )
    expected_per_year: float = Field(
        description="The present volume: expected under the null in the last 365 days, a year."
    )
    time_to_detect: list[DetectionDocument] = Field(
        description="Expected at the present volume, for rate ratios of 2, 3 and 5."
    )
    points: list[PathPoint] = Field(
        description="Every day of an onset, days between them evenly spread, and today; none where "
        "`suppressed`."
    )
    gaps: GapsDocument
    suppressed: bool | None = SUPPRESSED


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
        exposure=int(drawn.exposure[-1]) if drawn.days.size else 0,
        exposure_unit=evidence.exposure_unit,
        state=evidence.state,
        rise_from=_date(evidence.rise_day),
        expected_per_year=path.expected_per_day * DAYS_PER_YEAR,
        time_to_detect=[DetectionDocument(**asdict(found)) for found in path.detection],
        points=[
            PathPoint(day=date.fromordinal(day), cases=n, expected=mu, value=value, highest=highest)
            for day, n, mu, value, highest in points
        ],
        gaps=_gaps(path.gaps),
    )


def for_key(told: MonitorPathDocument, below: int) -> MonitorPathDocument:
    """A path for a key to which small counts are not shown: each point of it is one case."""
    if not below:
        return told
    gaps = told.gaps.model_copy(update={"points": []})
    return told.model_copy(
        update={"points": [], "gaps": gaps, "rise_from": None, "suppressed": True}
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


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)
