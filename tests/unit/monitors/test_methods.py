"""Every method on small series counted by hand: when it signals, what it counts, how it ends.

So many patients are at risk that a tenth of a case is expected every day, unless said otherwise.
"""

import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest

from service.errors import MeasureMismatch
from service.monitors.definitions import KIND_OF, Method, MonitorDefinition
from service.monitors.evaluations import baseline_evaluation, finding_of
from service.monitors.evidence import Evidence
from service.monitors.guarantees import guarantee_of
from service.monitors.methods import methods_for, why_not
from service.monitors.series import CohortSeries
from service.monitors.settings import (
    ConditionalSettings,
    CusumSettings,
    DetectorSettings,
    MaxsprtSettings,
)
from service.monitors.shipped import monitors_of, usual_monitor
from service.monitors.weighing import weigh
from service.reference.baselines import Baseline, shipped_baselines
from service.stats.conditional_maxsprt import conditional_log_likelihood_ratio
from service.stats.e_process import log_e_value
from service.stats.maxsprt import log_likelihood_ratio
from service.stats.share_shift import log_share_e_value
from tests.unit.monitors.charts import ntm_case
from tests.unit.monitors.watched_series import at_risk, baseline, days, share_of

PATIENTS = 3653
PER_DAY = 0.1
RATE = baseline(
    "rate", 365.25 / 36530, cases=10, denominator=1000.0, denominator_unit="person_years"
)
SHARE = baseline("share", 0.5)
OVER_TIME: tuple[Method, ...] = (
    "e_process",
    "maxsprt",
    "conditional_maxsprt",
    "e_detector",
    "cusum",
)


def watched(method: Method, against: Baseline = RATE, **more: Any) -> MonitorDefinition:
    return msgspec.structs.replace(usual_monitor(against, method), **more)


def weighed(
    monitor: MonitorDefinition, case_days: list[int], today: int, since_day: int | None = None
) -> Evidence:
    series = at_risk(PATIENTS, case_days)
    return weigh(monitor, RATE, series, since_day=since_day, today=today)


# MaxSPRT


def test_maxsprt_signals_on_the_first_day_on_which_its_ratio_reaches_the_critical_value() -> None:
    """A case on each of days 10, 11, ..., 19, by when 1.9 are expected."""
    plan = MaxsprtSettings(horizon=20.0, least_cases=4)
    onsets = list(range(10, 20))
    found = weighed(watched("maxsprt", settings=plan), onsets, today=100)
    ratios = log_likelihood_ratio(range(1, 11), [PER_DAY * day for day in onsets])
    first = next(n for n in range(3, 10) if ratios[n] >= plan.critical_value(0.05))
    assert found.signalled_day == onsets[first]
    assert found.highest == pytest.approx(ratios.max())
    assert found.threshold == plan.critical_value(0.05) == pytest.approx(3.2, abs=0.4)
    assert (found.observed, found.expected) == (10, pytest.approx(10.0))
    assert (found.state, found.log_e_now) == ("watching", None)


def test_maxsprt_is_silent_before_its_start_and_after_its_horizon() -> None:
    burst = [50] * 30
    before = MaxsprtSettings(horizon=20.0, start=5.95)
    assert weighed(watched("maxsprt", settings=before), burst, today=55).severity is None
    assert weighed(watched("maxsprt", settings=before), burst, today=55).state == "before the start"
    # The start comes on a day without a case, and the test looks back on all cases at once.
    started = weighed(watched("maxsprt", settings=before), burst, today=70)
    assert (started.signalled_day, started.severity) == (60, "critical")
    over = weighed(watched("maxsprt", settings=MaxsprtSettings(horizon=4.0)), burst, today=70)
    assert (over.severity, over.state) == (None, "horizon reached")
    assert finding_of(over).endswith("its horizon is reached and it tests no further")


def test_what_was_signalled_within_the_horizon_stays() -> None:
    monitor = watched("maxsprt", settings=MaxsprtSettings(horizon=4.0))
    early = weighed(monitor, [20] * 12, today=30)
    late = weighed(monitor, [20] * 12, today=500)
    assert early.severity == late.severity == "critical"
    assert (early.signalled_day, late.state) == (late.signalled_day, "horizon reached")


# Conditional MaxSPRT


def test_a_conditional_test_weighs_against_the_baselines_own_cases_and_time() -> None:
    """Ten past cases in 1000 years; new ones in 3653 person-days a day."""
    onsets = [5, 6, 7, 8, 9, 10, 11, 12]
    found = weighed(watched("conditional_maxsprt"), onsets, today=12)
    ratios = [PATIENTS * day / 365_250 for day in onsets]
    expected = conditional_log_likelihood_ratio(range(1, 9), 10, ratios)
    assert found.path.statistic == pytest.approx(expected)
    assert found.null.described_as == "published figure"
    assert found.threshold == ConditionalSettings().critical_value(10, 0.05)


def test_a_conditional_test_ends_at_its_last_case_or_time() -> None:
    few = ConditionalSettings(most_cases=3)
    after = weighed(watched("conditional_maxsprt", settings=few), [100, 200, 300, *[301] * 40], 400)
    assert (after.severity, after.state) == (None, "horizon reached")
    brief = ConditionalSettings(most_cases=None, longest_ratio=1.0)
    within, late = ([40] * 20, [200] * 20)
    assert weighed(watched("conditional_maxsprt", settings=brief), within, 90).severity
    assert not weighed(watched("conditional_maxsprt", settings=brief), late, 300).severity


# Rises


def test_the_e_detector_is_the_recursion_day_by_day_and_dates_the_rise() -> None:
    """Quiet for 300 days, then a case a day: it began when those cases did."""
    onsets = [30, 31, *range(301, 313)]
    ratios = (2.0, 5.0)
    monitor = watched("e_detector", settings=DetectorSettings(rate_ratios=ratios))
    found = weighed(monitor, onsets, today=320)
    r, means = np.zeros(2), []
    for day in range(1, 321):
        theta = np.array(ratios)
        r = (r + 1) * theta ** onsets.count(day) * np.exp(-(theta - 1) * PER_DAY)
        means.append(r.mean())
    assert found.now == pytest.approx(means[-1])
    assert found.highest == pytest.approx(max(means))
    first = next(day for day, mean in enumerate(means, start=1) if mean >= 3650)
    last = max(day for day in onsets if means[day - 1] >= 3650)
    assert (found.signalled_day, found.counted) == (first, (301, last))
    assert (found.observed, found.first_onset_day) == (12, 301)
    assert found.expected == pytest.approx(PER_DAY * (last - 300))
    assert found.exposure == PATIENTS * (last - 300)


def test_days_without_a_case_are_no_rise_however_little_is_expected() -> None:
    """One patient: 0.1 / 3653 expected a day, so that R grows by nearly 1 a day past 3,650."""
    monitor = watched("e_detector")
    quiet = weigh(monitor, RATE, at_risk(1, []), since_day=None, today=6000)
    assert quiet.now > quiet.threshold
    assert (quiet.signalled_day, quiet.severity) == (None, None)
    ill = weigh(monitor, RATE, at_risk(1, [5900]), since_day=None, today=6000)
    assert (ill.signalled_day, ill.observed) == (5900, 1)


def test_the_cusum_is_the_sum_above_the_reference_and_forgets_a_quiet_past() -> None:
    onsets = [*range(301, 313)]
    monitor = watched("cusum", settings=CusumSettings(rate_ratio=3.0))
    found = weighed(monitor, onsets, today=312)
    reference = PER_DAY * 2 / math.log(3)
    assert weighed(monitor, onsets[:1], 301).now > 0
    first, second = (weighed(monitor, onsets[:n], 300 + n).now for n in (1, 2))
    assert second == pytest.approx(2 * first)
    threshold = (1 - reference) / first
    assert found.now == pytest.approx(12 * (1 - reference) / threshold)
    assert found.signalled_day == 300 + math.ceil(threshold / (1 - reference))
    assert (found.counted[0], found.observed) == (301, 12)


@pytest.mark.parametrize("method", ["e_detector", "cusum"])
def test_a_rise_holds_the_cases_since_it_began_and_not_those_after_it(method: Method) -> None:
    """Old cases, a burst of twelve, and one case a year later."""
    names = {"old": 30, **{str(n): 301 + n for n in range(12)}, "late": 900}
    cases = [ntm_case(name, day) for name, day in names.items()]
    evaluation = baseline_evaluation(
        watched(method),
        RATE,
        "facility:a",
        at_risk(PATIENTS, list(names.values())),
        lambda: cases,
        since_day=None,
        today=1000,
    )
    (signal,) = evaluation.signals
    assert {case.onset_day for case in signal.cases} == set(range(301, 313))
    assert signal.title == "NTM: a recent rise above the published rate at a"
    assert signal.kind == "rise"
    assert signal.evidence["rise_from"] == "0001-10-28"


# Shares


def test_a_share_is_weighed_case_by_case() -> None:
    kind, others = [10, 11, 12, 13, 14, 20], [9, 30]
    found = weigh(
        watched("share_shift", SHARE), SHARE, share_of(kind, others), since_day=None, today=40
    )
    looks = [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (6, 8)]
    e_values = [float(log_share_e_value(*look, 0.5)) for look in looks]
    assert found.path.statistic[:6] == pytest.approx(np.exp(e_values[:6]))
    assert found.highest == pytest.approx(np.exp(max(e_values)))
    assert found.log_e_now == pytest.approx(e_values[-1])
    assert (found.observed, found.exposure, found.expected) == (6, 8, 4.0)
    assert found.exposure_unit == "cases"


# What holds for all


@pytest.mark.parametrize("method", OVER_TIME)
def test_after_closing_all_starts_from_nothing(method: Method) -> None:
    """The burst came before the closing on day 30; afterwards cases come as expected."""
    onsets = [*range(11, 23), *range(40, 140, 10)]
    assert weighed(watched(method), onsets, today=30).severity
    anew = weighed(watched(method), onsets, today=140, since_day=31)
    assert anew.severity is None
    assert anew.path.cases[-1] == 10
    assert anew.path.expected[-1] == pytest.approx(PER_DAY * 110)


@pytest.mark.parametrize("method", OVER_TIME)
def test_a_case_that_arrives_late_counts_on_its_own_day(method: Method) -> None:
    onsets = list(range(11, 23))
    late, whole = weighed(watched(method), onsets[:-6], 40), weighed(watched(method), onsets, 40)
    assert whole.highest > late.highest
    assert weighed(watched(method), onsets[::-1], 40).as_json(RATE) == whole.as_json(RATE)


@pytest.mark.parametrize("method", OVER_TIME)
@pytest.mark.parametrize(
    ("patients", "case_days"),
    [(0, []), (0, [5] * 3), (PATIENTS, []), (PATIENTS, [5] * 5000), (10**8, []), (10**8, [9])],
    ids=["nobody", "cases of nobody", "no case", "all on one day", "millions expected", "and one"],
)
def test_the_extremes_are_numbers(method: Method, patients: int, case_days: list[int]) -> None:
    series = at_risk(patients, case_days)
    monitor = watched(method)
    for today in (4, 400):
        found = weigh(monitor, RATE, series, since_day=None, today=today)
        text = json.dumps(found.as_json(RATE), allow_nan=False)
        assert json.loads(text)["observed"] <= len(case_days)
        for row in (found.path.statistic, found.path.highest, found.path.expected):
            assert np.all(np.isfinite(row))
        if len(case_days) != 3:
            many_more_than_expected = len(case_days) > 1 and today == 400
            assert found.severity == ("critical" if many_more_than_expected else None)


@pytest.mark.parametrize("method", OVER_TIME)
def test_a_start_in_the_future_finds_nothing_yet(method: Method) -> None:
    found = weighed(watched(method), [10, 20], today=50, since_day=51)
    assert (found.observed, found.expected, found.severity) == (0, 0.0, None)
    assert found.path.days.size == 0


def test_only_an_e_process_has_an_e_value_of_now_and_it_is_no_running_maximum() -> None:
    onsets = list(range(11, 17))
    found = weighed(watched("e_process"), onsets, today=400)
    assert found.log_e_now == pytest.approx(float(log_e_value(6, 40.0)))
    assert found.log_e_now < 0 < math.log(found.highest)
    evaluation = baseline_evaluation(
        watched("e_process"),
        RATE,
        "network",
        at_risk(PATIENTS, onsets),
        tuple,
        since_day=None,
        today=400,
    )
    assert evaluation.log_e_now == found.log_e_now
    for method in OVER_TIME[1:]:
        assert weighed(watched(method), onsets, today=400).log_e_now is None


# Which method for which measure


def test_each_measure_has_its_methods() -> None:
    assert methods_for(RATE) == OVER_TIME
    assert methods_for(baseline("rate", 0.1)) == ("e_process", "maxsprt", "e_detector", "cusum")
    incidence = baseline("cumulative_incidence", 0.1, horizon_days=365)
    assert methods_for(incidence) == ("e_process", "maxsprt", "e_detector", "cusum")
    assert methods_for(baseline("proportion", 0.1)) == ("e_process", "maxsprt")
    assert methods_for(SHARE) == ("share_shift",)
    assert methods_for(baseline("share", 1.0)) == ()


def test_the_wrong_method_is_refused_with_the_reason() -> None:
    proportion = baseline("proportion", 0.1)
    assert "runs ahead" in (why_not("e_detector", proportion) or "")
    assert "own cases" in (why_not("conditional_maxsprt", baseline("rate", 0.1)) or "")
    assert "share_shift" in (why_not("e_process", SHARE) or "")
    series = CohortSeries(days(), days(), days(1))
    with pytest.raises(MeasureMismatch, match="never mixed"):
        weigh(watched("e_detector"), RATE, series, since_day=None, today=5)


def test_what_ships_is_one_monitor_of_each_kind_that_can_watch_a_figure() -> None:
    kinds = {
        "rate": ["excess", "rise"],
        "cumulative_incidence": ["excess", "rise"],
        "proportion": ["excess"],
        "share": ["share"],
        "cluster": [],
    }
    for against in shipped_baselines():
        made = monitors_of(against)
        assert [m.kind for m in made] in (kinds[against.measure], [])
        assert all(m.id == f"{m.kind}-{against.id}" for m in made)
        assert all(m.enabled is against.monitored for m in made)


@pytest.mark.parametrize("method", [*OVER_TIME, "share_shift"])
def test_each_promise_is_told_in_words_and_as_a_number(method: Method) -> None:
    monitor = watched(method, SHARE if method == "share_shift" else RATE, alpha=0.01)
    monitor = msgspec.structs.replace(monitor, days_between_false_alarms=1000.0)
    told = guarantee_of(monitor)
    if KIND_OF[method] == "rise":
        assert told[1:] == (None, 1000.0)
        assert "1000 days on average" in told.text
    else:
        assert told[1:] == (0.01, None)
        assert "at most 1%" in told.text


def test_a_definition_kept_before_there_were_further_methods_is_still_read() -> None:
    kept = (
        b'{"id":"excess-b","version":2,"title":"NTM","kind":"excess","method":"e_process",'
        b'"baseline_id":"b","scope":"both","null":"upper","alpha":0.01,'
        b'"exclude_usual_contaminants":true,"enabled":true,"sentinel":null,"cluster":null,'
        b'"advice":[]}'
    )
    found = msgspec.json.decode(kept, type=MonitorDefinition)
    assert (found.alpha, found.settings, found.days_between_false_alarms) == (0.01, None, 3650.0)
