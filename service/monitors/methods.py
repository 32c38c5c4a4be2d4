"""The methods: which kind of monitor each makes, and which measures it can watch.

In:     a method, a baseline.
Out:    `MethodRule`s; `why_not`, in words, where a method cannot watch a baseline.
Source: docs/methods.md 8: measures are never mixed.
"""

from collections.abc import Mapping
from typing import NamedTuple

from service.monitors.definitions import Kind, Method, MonitorDefinition
from service.monitors.nulls import has_expectation
from service.monitors.settings import ConditionalSettings
from service.reference.baselines import Baseline

OVER_TIME = ("rate", "cumulative_incidence")
PAST_UNITS: Mapping[str, float] = {"person_years": 365.25, "person_days": 1.0}
"""Person-days in one unit of a denominator in person-time."""


class MethodRule(NamedTuple):
    """What a method can watch, and why nothing else."""

    kind: Kind
    measures: tuple[str, ...]
    because: str


RULES: Mapping[Method, MethodRule] = {
    "e_process": MethodRule(
        "excess",
        (*OVER_TIME, "proportion"),
        "An excess needs an expected number of cases: a share of cases is watched by method "
        "share_shift, a cluster by its rule of linkage.",
    ),
    "maxsprt": MethodRule(
        "excess",
        (*OVER_TIME, "proportion"),
        "MaxSPRT needs an expected number of cases: a share of cases is watched by method "
        "share_shift, a cluster by its rule of linkage.",
    ),
    "conditional_maxsprt": MethodRule(
        "excess",
        ("rate",),
        "Conditional MaxSPRT sets new cases in person-time against the baseline's own: use method "
        "e_process for a proportion or a cumulative incidence.",
    ),
    "e_detector": MethodRule(
        "rise",
        OVER_TIME,
        "A recent rise is watched only over person-time: the expectation of a proportion runs "
        "ahead of its cases, so that its quiet days are none. Use method e_process or maxsprt.",
    ),
    "cusum": MethodRule(
        "rise",
        OVER_TIME,
        "A recent rise is watched only over person-time: the expectation of a proportion runs "
        "ahead of its cases, so that its quiet days are none. Use method e_process or maxsprt.",
    ),
    "share_shift": MethodRule(
        "share",
        ("share",),
        "A shift in shares is watched only for a share of cases: a risk of recipients is none. "
        "Use method e_process.",
    ),
}
"""Methods that hold cases against a baseline; sentinel and linkage have rules of their own."""


def why_not(method: Method, baseline: Baseline) -> str | None:
    """Why the method cannot watch the baseline; None where it can."""
    rule = RULES.get(method)
    if rule is None:
        return "A rule of one case or of linkage stands on no baseline."
    if baseline.measure not in rule.measures:
        measure = baseline.measure.replace("_", " ")
        return f"{baseline.id} is a {measure} ({baseline.printed}). {rule.because}"
    if not has_expectation(baseline):
        return (
            "The figure leads to no expected number: it must be comparable, above 0, a fraction "
            "below 1, and a cumulative incidence at 30, 100, 180 or 365 days."
        )
    if method == "conditional_maxsprt" and past_of(baseline) is None:
        return (
            f"The source of {baseline.id} does not give its own cases and person-time, against "
            "which conditional MaxSPRT weighs: use method maxsprt or e_process."
        )
    return None


def cannot_watch(monitor: MonitorDefinition, baseline: Baseline) -> str | None:
    """Why the monitor, as it is set, cannot watch the baseline; None where it can."""
    reason = why_not(monitor.method, baseline)
    past = past_of(baseline)
    if reason or past is None or not isinstance(monitor.settings, ConditionalSettings):
        return reason
    try:
        monitor.settings.critical_value(past.cases, monitor.alpha)
    except ValueError as fault:
        return f"Against the {past.cases} cases of {baseline.id} such a test cannot be: {fault}."
    return None


class Past(NamedTuple):
    """The baseline's own cases and the person-days they were seen in."""

    cases: int
    person_days: float


def past_of(baseline: Baseline) -> Past | None:
    """What a rate was worked out from, where its source says so."""
    per_unit = PAST_UNITS.get(baseline.denominator_unit or "")
    if not baseline.cases or not baseline.denominator or per_unit is None:
        return None
    return Past(baseline.cases, baseline.denominator * per_unit)


def methods_for(baseline: Baseline) -> tuple[Method, ...]:
    """Every method that can watch the baseline, the usual one of each kind first."""
    return tuple(method for method in RULES if why_not(method, baseline) is None)


def usual_method(baseline: Baseline) -> Method:
    """The method that watches the baseline unless another is named."""
    found = methods_for(baseline)
    return found[0] if found else "e_process"
