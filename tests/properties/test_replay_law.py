"""Laws of replays: the first crossing of the monitor's own path, whatever is known later.

In:     networks of cases as chance would have them.
Out:    a replay tells the day on which a watch kept day by day would have signalled.
Source: docs/api-alerts.md, "Replay"; docs/methods.md 8.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.monitors.cases import Case
from service.monitors.clusters import cluster_evaluation
from service.monitors.definitions import MonitorDefinition
from service.monitors.replays import (
    Period,
    Replay,
    Variant,
    replay_on_cases,
    replay_on_series,
)
from service.monitors.sentinel import sentinel_evaluations
from service.monitors.series import ExpectedSeries
from service.monitors.shipped import CLUSTER_NTM, SENTINEL_NTM
from service.monitors.weighing import weigh
from service.reference.baselines import Baseline
from tests.properties.test_alert_order import (
    FACILITIES,
    RATE,
    TODAY,
    WATCHED,
    series_of,
    single_cases,
)

networks = st.integers(1, 9).flatmap(
    lambda number: st.tuples(*(single_cases(str(name)) for name in range(number)))
)
starts = st.one_of(st.none(), st.integers(1, 1500))


@pytest.mark.parametrize(("against", "monitor"), WATCHED, ids=lambda one: one.id)
@given(cases=networks, start=starts)
def test_a_replay_tells_what_a_daily_watch_would_have_seen_first(
    against: Baseline, monitor: MonitorDefinition, cases: Sequence[Case], start: int | None
) -> None:
    series = series_of(against, cases)
    replay = replay_on_series(Variant("x", monitor), against, series, Period(start, TODAY))
    whole = weigh(monitor, against, series, since_day=start, today=TODAY)
    assert (replay.signalled_day, replay.highest) == (whole.signalled_day, whole.highest)
    if replay.signalled_day is None:
        assert replay.at_signal is None
        return
    assert replay.at_signal is not None
    assert replay.at_signal.severity
    seen = weigh(monitor, against, series, since_day=start, today=replay.signalled_day)
    assert seen.signalled_day == replay.signalled_day
    day_before = weigh(monitor, against, series, since_day=start, today=replay.signalled_day - 1)
    assert day_before.signalled_day is None


@given(cases=networks, start=starts)
def test_stricter_is_never_sooner(cases: Sequence[Case], start: int | None) -> None:
    _, e_process = WATCHED[0]
    replays = [
        replay_on_series(
            Variant(f"{alpha:g}", msgspec.structs.replace(e_process, alpha=alpha)),
            RATE,
            series_of(RATE, cases),
            Period(start, TODAY),
        )
        for alpha in (0.2, 0.05, 0.01, 1e-6)
    ]
    days = [replay.signalled_day or TODAY + 1 for replay in replays]
    assert days == sorted(days)


@given(cases=networks, start=starts)
def test_a_rule_is_met_first_on_the_day_a_daily_look_finds(
    cases: Sequence[Case], start: int | None
) -> None:
    def linked(known: Sequence[Case]) -> bool:
        return bool(cluster_evaluation(CLUSTER_NTM, known).signals)

    def sufficient(known: Sequence[Case]) -> bool:
        return any(e.signals for e in sentinel_evaluations(SENTINEL_NTM, known, FACILITIES))

    period = Period(start, TODAY)
    within = [case for case in cases if period.holds(case.onset_day)]
    for monitor, is_met in ((CLUSTER_NTM, linked), (SENTINEL_NTM, sufficient)):
        found = replay_on_cases(Variant("x", monitor), cases, period).signalled_day
        days = sorted({case.onset_day for case in within})
        met = [d for d in days if is_met([case for case in within if case.onset_day <= d])]
        assert found == (met[0] if met else None)


@pytest.mark.parametrize(("against", "monitor"), WATCHED[:5], ids=lambda one: one.id)
@given(cases=networks, start=starts)
def test_given_expected_cases_replay_as_the_person_time_they_come_from(
    against: Baseline, monitor: MonitorDefinition, cases: Sequence[Case], start: int | None
) -> None:
    series = series_of(against, cases)
    days = np.arange(1, TODAY)
    at_risk = np.ones(days.size)
    expected = ExpectedSeries(series.case_days, days, at_risk * 0.2 / 365.25)

    def told(of: ExpectedSeries | None) -> Replay:
        variant = Variant("x", msgspec.structs.replace(monitor, null="point"))
        return replay_on_series(variant, against, of or series, Period(start, TODAY))

    given_so, stored = told(expected), told(None)
    if monitor.method == "conditional_maxsprt":
        assert "person_days" in str(given_so.error)
        return
    assert given_so.signalled_day == stored.signalled_day
    assert given_so.highest == pytest.approx(stored.highest, rel=1e-6)
