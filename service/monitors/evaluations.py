"""From evidence of an excess to its signal.

In:     a monitor of excess, its baseline, the series and the cases of one facility or the network.
Out:    an `Evaluation`.
Source: docs/methods.md 8.1; docs/api-alerts.md.
"""

from collections.abc import Iterable

import numpy as np

from service.monitors.cases import Case, in_order
from service.monitors.definitions import MonitorDefinition
from service.monitors.excess import CohortSeries, DailySeries, ExcessEvidence, Series, weigh_excess
from service.monitors.excess import Whole as Days
from service.monitors.signals import Evaluation, Signal, place_words
from service.monitors.wording import counted
from service.reference.baselines import Baseline


def daily_series(cases: Iterable[Case], risk_days: Days, risk_changes: Days) -> DailySeries:
    """Cases against person-time."""
    onsets = np.array([case.onset_day for case in cases], dtype=np.int64)
    return DailySeries(onsets, risk_days, risk_changes)


def cohort_series(cases: Iterable[Case], entered_days: Days) -> CohortSeries:
    """Cases against recipients."""
    with_course = [
        (case.onset_day, case.course_index_day)
        for case in cases
        if case.course_index_day is not None
    ]
    days = np.array(with_course, dtype=np.int64).reshape(-1, 2)
    return CohortSeries(days[:, 0], days[:, 1], entered_days)


def excess_evaluation(
    definition: MonitorDefinition,
    baseline: Baseline,
    scope_key: str,
    series: Series,
    cases: Iterable[Case],
    *,
    since_day: int | None,
    today: int,
) -> Evaluation:
    """Evaluate one place; `cases` are those whose onsets the series holds."""
    evidence = weigh_excess(definition, baseline, series, since_day=since_day, today=today)
    signals: tuple[Signal, ...] = ()
    if evidence.severity:
        signal = Signal(
            monitor_id=definition.id,
            kind="excess",
            scope_key=scope_key,
            severity=evidence.severity,
            title=f"{definition.title} {place_words(scope_key)}",
            cases=in_order(case for case in cases if _stands(case, series, since_day, today)),
            evidence=evidence.as_json(baseline),
        )
        signals = (signal,)
    return Evaluation(
        monitor_id=definition.id,
        kind="excess",
        scope_key=scope_key,
        signals=signals,
        finding=_finding(evidence),
        log_e_now=float(evidence.path.log_e[-1]) if evidence.path.days.size else 0.0,
    )


def _stands(case: Case, series: Series, since_day: int | None, today: int) -> bool:
    """Is the case among those the evidence counts?"""
    if case.onset_day > today:
        return False
    begun = case.onset_day
    if isinstance(series, CohortSeries):
        if case.course_index_day is None:
            return False
        begun = case.course_index_day
    return since_day is None or begun >= since_day


def _finding(evidence: ExcessEvidence) -> str:
    return (
        f"{counted(evidence.observed, 'case')} where {evidence.expected:.2f} are expected; "
        f"the e-value reached {evidence.e_value:.3g} of {evidence.threshold:g} needed"
    )
