"""Comparisons on the wire.

In:     `Comparison`s.
Out:    documents; what a measure does not have is null.
Source: docs/api-alerts.md; docs/methods.md 7.
"""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from service.api.rate_answers import SUPPRESSED
from service.api.small_cells import Cells, found, limits
from service.domain.small_cells import is_small
from service.monitors.definitions import ClusterRule
from service.monitors.evidence import Evidence
from service.pipeline.comparisons import Comparison
from service.pipeline.observed import Expected, Observed
from service.reference.baselines import Baseline, Source
from service.stats.interval import Interval
from service.stats.rates import DAYS_PER_YEAR
from service.stats.sir import ObservedExpected


class Limits(BaseModel):
    """An interval; a limit that does not exist is null."""

    lower: float | None
    upper: float | None
    level: float
    method: str


class BaselineInBrief(BaseModel):
    """The published figure."""

    id: str = Field(examples=["cinicola-ntm-allo"])
    version: int
    title: str
    measure: str
    value: float | None = Field(description="A fraction, or cases per person-year for a rate.")
    ci: Limits | None = Field(description="As published.")
    printed: str = Field(examples=["1.26% (0.72–1.93)"])
    horizon_days: int | None
    source: dict[str, Any]
    verified: bool
    caveat: str | None


class ObservedDocument(BaseModel):
    """What the ledger shows of the figure, up to today."""

    cases: int | None = Field(description="Null only where `suppressed`.")
    person_days: int | None = Field(description="Of a rate; of an incidence, up to its horizon.")
    person_years: float | None
    recipients: int | None = Field(description="Courses; of a proportion or an incidence.")
    among_cases: int | None = Field(description="The cases that a share is a share of.")
    at_risk: int | None = Field(description="Courses still followed on the horizon day.")
    value: float | None = Field(description="In the unit of the baseline's value.")
    unit: str
    ci: Limits


class ExpectedDocument(BaseModel):
    """How many cases the published figure leads to expect."""

    cases: float | None
    formula: str = Field(description="How the number was formed.")
    assumption: str | None = Field(description="What the formula takes for granted.")


class RatioDocument(BaseModel):
    """Observed over expected, by NHSN's rules."""

    value: float
    lower: float | None = Field(description="Null where no case was observed.")
    upper: float | None
    level: float
    p: float | None = Field(
        description="By the method: two-sided mid-P for `midp`, one-sided for `nhsn_2011`."
    )
    method: str = Field(examples=["midp"])


class NullDocument(BaseModel):
    """What an excess must exceed."""

    value: float
    described_as: str = Field(examples=["upper 95% limit of the baseline"])


class EValueDocument(BaseModel):
    """Evidence since the start that the truth lies above the null; it may be looked at any time."""

    value: float | None = Field(description="The highest reached so far.")
    threshold: float
    null: NullDocument
    expected: float = Field(description="Cases expected under the null.")
    assumption: str | None
    monitor: str | None = Field(description="The monitor that watches this.")
    enabled: bool = Field(description="Is that monitor on?")


class ClusterDocument(BaseModel):
    """How a cluster is watched: there is no figure to compare it with."""

    rule: str
    open_alerts: list[str]
    cases: int | None = Field(description="Cases in the open alerts.")


class ComparisonDocument(BaseModel):
    """A published figure beside the observed one."""

    baseline: BaselineInBrief
    observed: ObservedDocument | None
    expected: ExpectedDocument | None
    ratio: RatioDocument | None
    reason: str | None = Field(description="Why there is no ratio.")
    e_value: EValueDocument | None = Field(description="Null where an excess cannot be watched.")
    cluster: ClusterDocument | None
    suppressed: bool | None = SUPPRESSED


class ComparisonsAnswer(BaseModel):
    """Comparisons as they stand."""

    as_of: dict[str, Any] = Field(
        examples=[{"position": 4211, "recorded_at": "2026-11-22T08:15:02Z", "today": "2026-11-22"}]
    )
    facilities: list[str] | None = Field(description="Those looked at; null for all.")
    items: list[ComparisonDocument]
    next: None = None


def tell_comparison(found: Comparison) -> ComparisonDocument:
    """A comparison as a document."""
    is_cluster = found.baseline.measure == "cluster"
    return ComparisonDocument(
        baseline=tell_baseline_in_brief(found.baseline),
        observed=_observed(found.observed) if found.observed else None,
        expected=_expected(found.expected) if found.expected else None,
        ratio=_ratio(found.ratio) if found.ratio else None,
        reason=found.reason,
        e_value=_e_value(found, found.evidence) if found.evidence else None,
        cluster=_cluster(found) if is_cluster else None,
    )


def for_key(told: ComparisonDocument, below: int) -> ComparisonDocument:
    """A comparison for a key to which small counts are not shown.

    Where one of its counts is small nothing stays of what is observed but person-time, and what is
    expected only where it is made of nothing else.
    """
    if not below:
        return told
    row = told.model_dump()
    among = found(row, "observed.among_cases")
    cases = found(row, "observed.cases")
    rest = None if among is None or cases is None else among - cases
    counted = (cases, among, rest, *(found(row, name) for name in COUNTED))
    hidden = any(is_small(count, below) for count in counted)
    cells = COMPARED if among is None else replace(COMPARED, derived=(*OF_CASES, "expected"))
    return ComparisonDocument(**cells.shown(row, hidden=hidden))


COUNTED = ("observed.recipients", "observed.at_risk", "cluster.cases")
OF_CASES = (
    "observed.cases",
    "observed.among_cases",
    "observed.value",
    *limits("observed.ci"),
    "ratio",
    "reason",
    "e_value.value",
)
COMPARED = Cells(counts=COUNTED, derived=OF_CASES, size=None)


def tell_baseline_in_brief(baseline: Baseline) -> BaselineInBrief:
    """A baseline without its population and numerator."""
    limits = (baseline.ci_lower, baseline.ci_upper)
    return BaselineInBrief(
        id=baseline.id,
        version=baseline.version,
        title=baseline.title,
        measure=baseline.measure,
        value=baseline.value,
        ci=None
        if None in limits
        else Limits(lower=limits[0], upper=limits[1], level=baseline.ci_level, method="published"),
        printed=baseline.printed,
        horizon_days=baseline.horizon_days,
        source={name: getattr(baseline.source, name) for name in Source.__struct_fields__},
        verified=baseline.verified,
        caveat=baseline.caveat,
    )


def _limits(interval: Interval) -> Limits:
    return Limits(
        lower=interval.lower, upper=interval.upper, level=interval.level, method=interval.method
    )


def _observed(observed: Observed) -> ObservedDocument:
    days = observed.person_days
    return ObservedDocument(
        cases=observed.cases,
        person_days=days,
        person_years=None if days is None else days / DAYS_PER_YEAR,
        recipients=observed.recipients,
        among_cases=observed.among_cases,
        at_risk=observed.at_risk,
        value=observed.value,
        unit=observed.unit,
        ci=_limits(observed.interval),
    )


def _expected(expected: Expected) -> ExpectedDocument:
    return ExpectedDocument(
        cases=expected.cases, formula=expected.formula, assumption=expected.assumption
    )


def _ratio(ratio: ObservedExpected) -> RatioDocument:
    return RatioDocument(
        value=ratio.ratio or 0.0,
        lower=ratio.interval.lower,
        upper=ratio.interval.upper,
        level=ratio.interval.level,
        p=ratio.p_value,
        method=ratio.method,
    )


def _e_value(found: Comparison, evidence: Evidence) -> EValueDocument:
    monitor = found.monitor
    return EValueDocument(
        value=evidence.e_value,
        threshold=evidence.threshold,
        null=NullDocument(value=evidence.null.value, described_as=evidence.null.described_as),
        expected=evidence.expected,
        assumption=evidence.assumption,
        monitor=monitor.id if monitor else None,
        enabled=bool(monitor and monitor.enabled),
    )


def _cluster(found: Comparison) -> ClusterDocument:
    rules = [rule_words(m.cluster) for m in found.cluster_monitors if m.cluster]
    return ClusterDocument(
        rule="; ".join(rules) or "No cluster rule watches infections of this type.",
        open_alerts=[alert.state.id for alert in found.clusters],
        cases=sum(len(alert.state.cases) for alert in found.clusters),
    )


def rule_words(rule: ClusterRule) -> str:
    """A cluster rule in words.

    >>> rule_words(ClusterRule(links=ClusterRule().links[:1]))
    'ntm of one organism group, onsets following each other within 365 days: 2 sharing lot'
    """
    links = ", or ".join(
        f"{link.min_cases} sharing {link.attribute.replace('_', ' ').replace('+', ' and ')}"
        + (f" at {link.min_facilities} facilities" if link.min_facilities > 1 else "")
        for link in rule.links
    )
    return (
        f"{rule.infection_type} of one organism group, onsets following each other within "
        f"{rule.max_gap_days} days: {links}"
    )
