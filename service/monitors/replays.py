"""Replays: would a monitor have signalled, when, and with which settings.

In:     variants of one monitor, and the series or the cases of one place.
Out:    a `Replay` for each variant.
Source: docs/api-alerts.md, "Replay"; docs/methods.md 8: a signal is a function of the data, so that
        it can be computed for any settings at any time.

The first signal alone is told: a replay takes no alert to have been closed in between.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from service.monitors.cases import Case, in_order, infections_after_transplant
from service.monitors.clusters import clusters
from service.monitors.definitions import ClusterRule, MonitorDefinition, SentinelRule
from service.monitors.evidence import Evidence, Statistic
from service.monitors.methods import cannot_watch
from service.monitors.sentinel import sentinel_cases
from service.monitors.series import ExpectedSeries, Series
from service.monitors.weighing import weigh
from service.reference.baselines import Baseline

NO_PERSON_TIME = (
    "Conditional MaxSPRT sets person-time against the baseline's own: give `person_days` rather "
    "than `expected`, or use method maxsprt."
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A monitor as it might have been set, under a name of its own."""

    name: str
    monitor: MonitorDefinition


@dataclass(frozen=True, slots=True)
class Period:
    """From the day the monitor starts afresh (None: from the first of which anything is known) to
    the last day looked at, both included."""

    start_day: int | None
    end_day: int

    def holds(self, day: int) -> bool:
        """Does the day lie within?"""
        return day <= self.end_day and (self.start_day is None or day >= self.start_day)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stood on a day: of a rise, since it began; `expected` is None for a rule."""

    cases: int
    expected: float | None
    severity: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What one variant would have done; `error` says why it could not have watched.

    `started_day` is the period's start, or the first day of which anything is known.
    """

    variant: Variant
    error: str | None = None
    started_day: int | None = None
    first_case_day: int | None = None
    signalled_day: int | None = None
    rise_day: int | None = None
    at_signal: Standing | None = None
    at_end: Standing | None = None
    statistic: Statistic | None = None
    highest: float | None = None
    threshold: float | None = None
    state: str | None = None


def replay_on_series(
    variant: Variant, baseline: Baseline, series: Series, period: Period
) -> Replay:
    """The variant against its baseline; MeasureMismatch if the series is not one of its measure."""
    monitor = variant.monitor
    reason = cannot_replay(monitor, baseline, series)
    if reason:
        return Replay(variant, error=reason)

    def up_to(day: int) -> Evidence:
        return weigh(monitor, baseline, series, since_day=period.start_day, today=day)

    evidence = up_to(period.end_day)
    signalled_day = evidence.signalled_day
    then = None if signalled_day is None else up_to(signalled_day)
    onsets = series.onsets(period.start_day, period.end_day)
    return Replay(
        variant,
        started_day=period.start_day if period.start_day is not None else series.first_day,
        first_case_day=int(onsets[0]) if onsets.size else None,
        signalled_day=signalled_day,
        rise_day=then.rise_day if then else None,
        at_signal=_standing(then) if then else None,
        at_end=_standing(evidence),
        statistic=evidence.statistic,
        highest=evidence.highest,
        threshold=evidence.threshold,
        state=evidence.state,
    )


def cannot_replay(monitor: MonitorDefinition, baseline: Baseline, series: Series) -> str | None:
    """Why the monitor cannot watch the baseline over such a series; None where it can."""
    if monitor.method == "conditional_maxsprt" and isinstance(series, ExpectedSeries):
        return NO_PERSON_TIME
    return cannot_watch(monitor, baseline)


def _standing(evidence: Evidence) -> Standing:
    return Standing(evidence.observed, evidence.expected, evidence.severity)


def replay_on_cases(variant: Variant, cases: Iterable[Case], period: Period) -> Replay:
    """A sentinel's or a cluster's rule over the cases of a place.

    A rule that is met stays met as cases are added, so the day it first was is searched for.
    """
    known = in_order(case for case in cases if period.holds(case.onset_day))
    signalling, considered = RULES_OVER_CASES[variant.monitor.kind]
    days = sorted({case.onset_day for case in known})

    def signalled_by(day: int) -> list[tuple[Case, ...]]:
        return signalling(variant.monitor, [case for case in known if case.onset_day <= day])

    first = bisect_left(days, True, key=lambda day: bool(signalled_by(day)))
    signalled_day = days[first] if first < len(days) else None
    looked_at = considered(variant.monitor, known)
    return Replay(
        variant,
        started_day=period.start_day if period.start_day is not None else min(days, default=None),
        first_case_day=looked_at[0].onset_day if looked_at else None,
        signalled_day=signalled_day,
        at_signal=None if signalled_day is None else _signalled(signalled_by(signalled_day)),
        at_end=_signalled(signalled_by(period.end_day)),
    )


def _signalled(groups: Iterable[Iterable[Case]]) -> Standing:
    found = {case.key for group in groups for case in group}
    return Standing(len(found), None, "critical" if found else None)


def _met_by_one(monitor: MonitorDefinition, cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    return [(case,) for case in _sentinel_cases(monitor, cases)]


def _sentinel_cases(monitor: MonitorDefinition, cases: Sequence[Case]) -> tuple[Case, ...]:
    return sentinel_cases(monitor, monitor.sentinel or SentinelRule(), cases)


def _linked(monitor: MonitorDefinition, cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    found = clusters(monitor.cluster or ClusterRule(), _infections(monitor, cases))
    return [tuple(case for chain in chains for case in chain.cases) for chains in found]


def _infections(monitor: MonitorDefinition, cases: Sequence[Case]) -> tuple[Case, ...]:
    rule = monitor.cluster or ClusterRule()
    clean = monitor.exclude_usual_contaminants
    return infections_after_transplant(cases, rule.infection_type, without_contaminants=clean)


Signalling = Callable[[MonitorDefinition, Sequence[Case]], list[tuple[Case, ...]]]
Considered = Callable[[MonitorDefinition, Sequence[Case]], tuple[Case, ...]]
RULES_OVER_CASES: dict[str, tuple[Signalling, Considered]] = {
    "sentinel": (_met_by_one, _sentinel_cases),
    "cluster": (_linked, _infections),
}
"""For each kind of rule: the groups of cases that meet it, and the cases it looks at."""
