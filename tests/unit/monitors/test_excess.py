"""Observed against expected: the expectation of each measure, thresholds, and starting anew."""

import json
import math

import msgspec
import numpy as np
import pytest

from service.errors import MeasureMismatch
from service.monitors.definitions import MonitorDefinition
from service.monitors.evaluations import baseline_evaluation
from service.monitors.series import CohortSeries, DailySeries, cohort_series, daily_series
from service.monitors.shipped import usual_monitor
from service.monitors.weighing import weigh
from service.reference.baselines import Baseline
from service.stats.e_process import log_e_value
from tests.unit.monitors.charts import ntm_case
from tests.unit.monitors.watched_series import at_risk, baseline, days


def excess_monitor(against: Baseline) -> MonitorDefinition:
    return usual_monitor(against, "e_process")


RATE = baseline("rate", 0.01)
PROPORTION = baseline("proportion", 0.0126, ci_lower=0.0072, ci_upper=0.0193)
WITHIN_A_YEAR = baseline("cumulative_incidence", 0.1, horizon_days=365)


def test_a_rate_expects_cases_by_person_years() -> None:
    found = weigh(excess_monitor(RATE), RATE, at_risk(1461, []), since_day=None, today=100)
    assert (found.observed, found.exposure, found.exposure_unit) == (0, 146_100, "person_days")
    assert found.expected == pytest.approx(4.0)
    assert (found.e_value, found.severity, found.signalled_day) == (1.0, None, None)


def test_a_cumulative_incidence_expects_cases_by_a_constant_hazard() -> None:
    found = weigh(
        excess_monitor(WITHIN_A_YEAR), WITHIN_A_YEAR, at_risk(10, []), since_day=None, today=365
    )
    assert found.expected == pytest.approx(-10 * math.log(0.9))
    assert found.assumption == "A constant hazard up to the horizon."


def test_a_proportion_expects_its_upper_limit_of_all_recipients_that_entered() -> None:
    series = CohortSeries(days(), days(), np.repeat(days(10, 50, 99), 100))
    found = weigh(excess_monitor(PROPORTION), PROPORTION, series, since_day=None, today=60)
    assert (found.exposure, found.exposure_unit) == (200, "recipients")
    assert found.expected == pytest.approx(200 * 0.0193)
    assert found.null.described_as == "upper 95% limit of the baseline"
    against_point = msgspec.structs.replace(excess_monitor(PROPORTION), null="point")
    found = weigh(against_point, PROPORTION, series, since_day=None, today=60)
    assert found.expected == pytest.approx(200 * 0.0126)


def test_person_time_and_recipients_are_never_mixed() -> None:
    with pytest.raises(MeasureMismatch):
        weigh(excess_monitor(PROPORTION), PROPORTION, at_risk(1, []), since_day=None, today=9)


def test_the_signal_is_the_strongest_evidence_ever_and_dated_to_its_crossing() -> None:
    """Four cases by day 40 where 0.4 are expected, then years without any."""
    onsets = [10, 20, 30, 40]
    series = at_risk(366, onsets)
    found = weigh(excess_monitor(RATE), RATE, series, since_day=None, today=4000)
    assert found.severity
    expected = np.array(onsets) * 366 * 0.01 / 365.25
    e_values = np.exp(log_e_value([1, 2, 3, 4], expected))
    assert found.e_value == pytest.approx(e_values.max())
    assert found.signalled_day == onsets[int(np.argmax(e_values >= 20))]
    assert (found.first_onset_day, found.last_onset_day) == (10, 40)
    assert found.observed == 4
    assert found.expected == pytest.approx(4000 * 366 * 0.01 / 365.25)
    assert found.path.days.tolist() == [10, 20, 30, 40, 4000]
    assert found.path.cases.tolist() == [1, 2, 3, 4, 4]


def test_cases_after_today_are_not_yet_known() -> None:
    series = at_risk(366, [10, 20, 30, 40])
    assert not weigh(excess_monitor(RATE), RATE, series, since_day=None, today=15).severity


@pytest.mark.parametrize(
    ("cases", "alpha", "severity"),
    [(3, 0.05, None), (4, 0.05, "warning"), (5, 0.05, "critical"), (5, 0.001, None)],
)
def test_severity_by_the_e_value_and_the_monitors_alpha(
    cases: int, alpha: float, severity: str | None
) -> None:
    monitor = msgspec.structs.replace(excess_monitor(RATE), alpha=alpha)
    series = at_risk(366, [36] * cases)
    e_value = float(np.exp(log_e_value(cases, 0.36 * 366 / 365.25)))
    assert (e_value >= 1 / alpha) is (severity is not None)
    assert (e_value >= 5 / alpha) is (severity == "critical")
    found = weigh(monitor, RATE, series, since_day=None, today=36)
    assert (found.severity, found.threshold) == (severity, 1 / alpha)
    assert found.e_value == pytest.approx(e_value)


def test_after_closing_only_cases_and_person_time_since_then_count() -> None:
    series = at_risk(366, [10, 20, 30, 40, 50, 100])
    found = weigh(excess_monitor(RATE), RATE, series, since_day=51, today=150)
    assert (found.observed, found.exposure) == (1, 100 * 366)
    assert (found.first_onset_day, found.severity) == (100, None)


def test_after_closing_a_proportion_starts_anew_with_new_recipients_and_their_cases() -> None:
    """The case of day 80 is of a recipient from before the closing on day 50."""
    series = CohortSeries(days(10, 80, 90), days(1, 30, 60), np.repeat(days(1, 30, 60), 100))
    found = weigh(excess_monitor(PROPORTION), PROPORTION, series, since_day=51, today=95)
    assert (found.observed, found.exposure, found.first_onset_day) == (1, 100, 90)


def test_a_start_in_the_future_finds_nothing_yet() -> None:
    series = at_risk(366, [10, 20])
    found = weigh(excess_monitor(RATE), RATE, series, since_day=51, today=50)
    assert (found.observed, found.expected, found.e_value, found.severity) == (0, 0.0, 1.0, None)


def test_no_one_at_risk_and_no_case() -> None:
    empty = DailySeries(days(), days(), days())
    found = weigh(excess_monitor(RATE), RATE, empty, since_day=None, today=50)
    assert (found.observed, found.expected, found.e_value) == (0, 0.0, 1.0)


def test_the_promise_still_holds_after_closing() -> None:
    """700 recipients whose cases come late, at the null exactly: 300 of them entered before.

    Counting all new cases against the new recipients alone would alarm far too often.
    """
    draw = np.random.default_rng(20240509)
    rate, closed, today = 0.05, 1000, 3000
    against = baseline("proportion", rate)
    monitor = excess_monitor(against)
    alarms = naive_alarms = 0
    for _ in range(300):
        entered = np.concatenate([draw.integers(1, closed, 300), draw.integers(closed, today, 400)])
        sick = draw.random(700) < rate
        onsets = entered + draw.integers(1, 900, 700)
        series = CohortSeries(onsets[sick], entered[sick], entered)
        naive = CohortSeries(onsets[sick], np.maximum(entered[sick], closed), entered)
        at = {"since_day": closed, "today": today}
        alarms += weigh(monitor, against, series, **at).severity is not None
        naive_alarms += weigh(monitor, against, naive, **at).severity is not None
    assert alarms <= 0.05 * 300
    assert naive_alarms > 0.05 * 300


def test_an_evaluation_holds_the_cases_the_evidence_counts_and_plain_json() -> None:
    cases = [ntm_case(str(n), 10 * n, course_index_day=1) for n in range(1, 8)]
    series = daily_series(cases, days(1), days(366))
    evaluation = baseline_evaluation(
        excess_monitor(RATE), RATE, "facility:a", series, lambda: cases, since_day=21, today=60
    )
    (signal,) = evaluation.signals
    assert [case.onset_day for case in signal.cases] == [30, 40, 50, 60]
    assert signal.title == "NTM above the published rate at a"
    assert signal.evidence["observed"] == 4
    assert signal.evidence["baseline"] == {"id": "b", "version": 3}
    assert signal.evidence["counted_from"] == "0001-01-21"
    assert json.loads(json.dumps(signal.evidence, allow_nan=False)) == signal.evidence


def test_a_cohorts_evaluation_leaves_out_cases_of_earlier_recipients() -> None:
    entered = [ntm_case(str(n), 100 + n, course_index_day=60) for n in range(5)]
    earlier = ntm_case("old", 101, course_index_day=10)
    cases = [*entered, earlier]
    series = cohort_series(cases, days(10, 60, 60, 60, 60, 60))
    evaluation = baseline_evaluation(
        excess_monitor(PROPORTION),
        PROPORTION,
        "network",
        series,
        lambda: cases,
        since_day=51,
        today=200,
    )
    (signal,) = evaluation.signals
    assert {case.episode_id for case in signal.cases} == {c.episode_id for c in entered}
    assert signal.title == "NTM above the published proportion across the network"


def test_without_a_signal_the_evaluation_still_says_how_things_stand() -> None:
    evaluation = baseline_evaluation(
        excess_monitor(RATE), RATE, "network", at_risk(366, []), tuple, since_day=None, today=100
    )
    assert evaluation.signals == ()
    assert evaluation.finding == (
        "0 cases where 1.00 are expected; the e-value reached 1 of 20 needed"
    )


def test_however_many_cases_the_e_value_stays_a_number() -> None:
    found = weigh(excess_monitor(RATE), RATE, at_risk(1, [5] * 3000), since_day=None, today=10)
    assert found.severity == "critical"
    assert json.loads(json.dumps(found.as_json(RATE), allow_nan=False))["e_value"] > 1e300
