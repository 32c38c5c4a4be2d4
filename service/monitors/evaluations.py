"""From evidence to a signal, for every method that holds cases against a baseline.

In:     a monitor, its baseline, the series and the cases of one facility or the network.
Out:    an `Evaluation`.
Source: docs/methods.md 8; docs/api-alerts.md.
"""

from collections.abc import Callable, Iterable, Mapping

from service.monitors.cases import Case, in_order
from service.monitors.definitions import MonitorDefinition
from service.monitors.evidence import Evidence
from service.monitors.excess import HORIZON_REACHED
from service.monitors.series import CohortSeries, Series
from service.monitors.signals import Evaluation, Signal, place_words
from service.monitors.weighing import weigh
from service.monitors.wording import counted
from service.reference.baselines import Baseline


def baseline_evaluation(
    definition: MonitorDefinition,
    baseline: Baseline,
    scope_key: str,
    series: Series,
    cases: Callable[[], Iterable[Case]],
    *,
    since_day: int | None,
    today: int,
) -> Evaluation:
    """Evaluate one place; `cases` finds those whose onsets the series holds, where they signal."""
    evidence = weigh(definition, baseline, series, since_day=since_day, today=today)
    signals: tuple[Signal, ...] = ()
    if evidence.severity:
        signal = Signal(
            monitor_id=definition.id,
            kind=definition.kind,
            scope_key=scope_key,
            severity=evidence.severity,
            title=f"{definition.title} {place_words(scope_key)}",
            cases=in_order(case for case in cases() if _stands(case, series, evidence, today)),
            evidence=evidence.as_json(baseline),
        )
        signals = (signal,)
    return Evaluation(
        definition.id,
        definition.kind,
        scope_key,
        signals,
        finding_of(evidence),
        log_e_now=evidence.log_e_now,
    )


def _stands(case: Case, series: Series, evidence: Evidence, today: int) -> bool:
    """Is the case among those the evidence counts?"""
    first, last = evidence.counted
    if not first <= case.onset_day <= min(last, today):
        return False
    if isinstance(series, CohortSeries):
        begun, since_day = case.course_index_day, evidence.since_day
        return begun is not None and (since_day is None or begun >= since_day)
    return True


def finding_of(evidence: Evidence) -> str:
    """How things stand, in words; also the reason where an alert is no longer supported."""
    found = (
        f"{counted(evidence.observed, 'case')} where {evidence.expected:.2f} are expected; "
        f"{REACHED[evidence.statistic](evidence)}"
    )
    if evidence.state == HORIZON_REACHED:
        return f"{found}; its horizon is reached and it tests no further"
    return found


def _e_value(evidence: Evidence) -> str:
    return f"the e-value reached {evidence.e_value:.3g} of {evidence.threshold:g} needed"


def _likelihood_ratio(evidence: Evidence) -> str:
    reached = f"the log-likelihood ratio reached {evidence.highest:.3g}"
    return f"{reached} of {evidence.threshold:.3g} needed"


def _e_detector(evidence: Evidence) -> str:
    return (
        f"the e-detector reached {evidence.highest:.3g} of {evidence.threshold:g} days needed, "
        f"and stands at {evidence.now:.3g}"
    )


def _cusum(evidence: Evidence) -> str:
    return (
        f"the CUSUM reached {evidence.highest * 100:.0f}% of its threshold, and stands at "
        f"{evidence.now * 100:.0f}%"
    )


REACHED: Mapping[str, Callable[[Evidence], str]] = {
    "e_value": _e_value,
    "log_likelihood_ratio": _likelihood_ratio,
    "e_detector": _e_detector,
    "cusum": _cusum,
}
"""How far the evidence came, by the name of the statistic."""
