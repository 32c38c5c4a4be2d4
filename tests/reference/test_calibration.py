"""The calibration report: made by this code, told by its page, its claims true."""

import json
from math import log, sqrt
from typing import Any

import numpy as np
import pytest

from service.stats.confidence_sequence import anytime_rate_interval, log_evidence_against
from service.stats.e_detector import first_rise, rise_path
from service.stats.varying_cusum import varying_cusum
from tests.calibration import __main__ as calibration
from tests.calibration import false_alarms, outbreak, rises
from tests.calibration.charts import apart
from tests.calibration.plots import PLOTS
from tests.calibration.tables import rewritten

FIGURES: dict[str, Any] = json.loads(calibration.FIGURES.read_text("utf-8"))


def beyond_chance(share: float, series: int) -> float:
    return 3 * sqrt(share * (1 - share) / series)


def flattened(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return [leaf for key in sorted(found) for leaf in (key, *flattened(found[key]))]
    if isinstance(found, list):
        return [leaf for part in found for leaf in flattened(part)]
    return [found]


@pytest.fixture(scope="module")
def again() -> dict[str, Any]:
    return calibration.sample()


def test_the_committed_figures_are_made_by_this_code(again: dict[str, Any]) -> None:
    assert FIGURES["seed"] == calibration.SEED
    assert FIGURES["sample"].keys() == again.keys()
    for mine, committed in zip(flattened(again), flattened(FIGURES["sample"]), strict=True):
        assert mine == (pytest.approx(committed) if isinstance(committed, float) else committed)


def test_the_committed_figures_are_of_as_many_series_as_the_code_says() -> None:
    assert FIGURES["false_alarms"]["series"] == false_alarms.SERIES
    assert FIGURES["rises"]["series"] == rises.SERIES
    assert FIGURES["outbreak"]["series"] == outbreak.SERIES
    volumes = [volume["expected_per_day"] for volume in FIGURES["rises"]["volumes"]]
    assert volumes == list(rises.VOLUMES)


def test_the_page_and_the_plots_tell_the_committed_figures() -> None:
    page = calibration.PAGE.read_text("utf-8")
    assert rewritten(page, FIGURES) == page
    for name, plot in PLOTS.items():
        assert (calibration.FOLDER / name).read_text("utf-8") == plot(FIGURES)
        assert f"calibration/{name}" in page


def test_the_e_process_never_exceeds_its_alpha_and_maxsprt_meets_it() -> None:
    found = FIGURES["false_alarms"]
    chance = beyond_chance(0.05, found["series"])
    assert [line["expected_cases"] for line in found["false_alarm"]] == [1, 3, 10, 30, 100]
    for line in found["false_alarm"]:
        assert line["e_process"] <= 0.05 + chance
        assert line["maxsprt"] == pytest.approx(0.05, abs=chance)
        assert line["exact_lower_limit"] > 0.05 + chance


def test_the_e_process_finds_a_true_excess() -> None:
    found = {line["rate_ratio"]: line for line in FIGURES["false_alarms"]["detection"]}
    assert found[2]["e_process"] == pytest.approx(0.60, abs=0.02)
    assert found[2]["maxsprt"] == pytest.approx(0.68, abs=0.02)
    assert found[3]["e_process"] == pytest.approx(0.98, abs=0.01)
    assert found[5]["e_process"] >= 0.995


def test_only_the_watched_interval_may_be_watched() -> None:
    found = FIGURES["coverage"]
    for line in found["ever_missed"]:
        assert line["anytime"] <= 0.05 + beyond_chance(0.05, found["series"])
        assert line["exact"] > 0.15
        assert line["midp"] > line["exact"]
    assert all(line["exact"] <= 0.05 for line in found["one_look"])


def test_the_simulated_rule_is_the_interval_that_is_shown() -> None:
    """The simulation asks for the evidence against the truth; users see the interval."""
    random = np.random.default_rng(5)
    years = np.cumsum(random.exponential(1 / 0.1, 150))
    for cases in range(150):
        interval = anytime_rate_interval(cases, years[cases])
        assert interval.lower is not None
        assert interval.upper is not None
        for rate in random.uniform(0.03, 0.3, 5):
            evidence = float(log_evidence_against(rate, cases, years[cases]))
            assert (interval.lower < rate < interval.upper) == (evidence < log(1 / 0.05))


def test_the_rules_compared_err_equally_often_or_the_cusum_more_often() -> None:
    for volume in FIGURES["rises"]["volumes"]:
        for name, found in volume["rules"].items():
            within = 0.03 * rises.SPACING_DAYS + 3 * found["spacing_error"]
            assert found["spacing"] <= rises.SPACING_DAYS + within
            if name != "cusum_5":  # in steps, where a case a day is expected
                assert found["spacing"] >= rises.SPACING_DAYS - within


def test_the_shipped_e_detector_keeps_its_promise() -> None:
    for volume in FIGURES["rises"]["volumes"]:
        promised = volume["shipped"]["e_detector"]
        assert promised["spacing"] >= rises.SPACING_DAYS - 3 * promised["spacing_error"]


def test_after_quiet_days_the_e_detector_is_not_slower_taken_together() -> None:
    for volume in FIGURES["rises"]["volumes"]:
        together = volume["together"]["quiet"]
        assert together["e_detector"] <= 1.0
    overall = FIGURES["rises"]["together"]["quiet"]
    assert overall["e_detector"] < min(overall[name] for name in overall if "cusum" in name)


def test_from_a_fresh_start_it_is_slower_where_cases_are_rare_as_the_page_says() -> None:
    fresh = {
        volume["expected_per_day"]: volume["together"]["fresh"]["e_detector"]
        for volume in FIGURES["rises"]["volumes"]
    }
    assert {mu for mu, ratio in fresh.items() if ratio > 1.0} == {0.01, 0.05}


def test_e_bh_keeps_its_rate_however_the_facilities_depend_on_each_other() -> None:
    for name, rules in FIGURES["discoveries"]["scenarios"].items():
        found = rules["e_bh"]
        if name != "shared_shocks":  # there the null itself is broken
            assert found["false_discovery_rate"] <= 0.05 + 3 * found["error"]
        assert found["power"] > rules["bonferroni"]["power"]


def test_every_monitor_fires_in_the_published_outbreak_and_few_before() -> None:
    for start in ("since_outbreak", "since_january"):
        for name, found in FIGURES["outbreak"][start].items():
            assert 1 <= found["even"]["month"] <= 4
            assert sum(found["random"]["share_by_month"]) == pytest.approx(1.0)
            if name != "exact_lower_limit":
                assert found["random"]["alarmed_before"] < 0.05


def test_the_replayed_rises_are_those_of_the_monitors() -> None:
    random = np.random.default_rng(9)
    cases = random.poisson(0.15, (20, 250))
    expected = np.full(250, outbreak.EXPECTED_A_DAY)
    by_detector = outbreak.MONITORS["e_detector"](cases)
    by_cusum = outbreak.MONITORS["cusum"](cases)
    for row, series in enumerate(cases):
        first = first_rise(rise_path(series, expected))
        assert first == (int(by_detector[row].argmax()) if by_detector[row].any() else None)
        path, _ = varying_cusum(series, expected)
        assert np.array_equal(path.signals, by_cusum[row])


def test_the_replay_keeps_the_published_counts() -> None:
    total = outbreak.spread(outbreak.OUTBREAK_CASES, outbreak.OUTBREAK_DAYS)
    patient_days = outbreak.PATIENT_DAYS_A_DAY * outbreak.OUTBREAK_DAYS
    assert total.sum() == 71
    assert 10_000 * total.sum() / patient_days == pytest.approx(3.0)
    before = outbreak.PATIENT_DAYS_A_DAY * outbreak.BEFORE_DAYS
    assert f"{10_000 * outbreak.BEFORE_CASES / before:.1f}" == "0.7"
    assert (outbreak.month_starts()[7] - outbreak.FIRST_DAY).days == outbreak.BEFORE_DAYS
    assert (outbreak.month_starts()[17] - outbreak.month_starts()[7]).days == outbreak.OUTBREAK_DAYS


def test_no_label_hides_another() -> None:
    assert apart([50.0, 40.0, 52.0]) == [55.0, 40.0, 70.0]
