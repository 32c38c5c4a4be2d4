"""What may be watched keeps its promise: the committed simulation, and a small fresh one."""

import json
from math import sqrt
from typing import Any

import numpy as np
import pytest

from service.stats.confidence_sequence import anytime_rate_interval, log_evidence_against
from tests.reference import anytime_error
from tests.reference.outside import DATA

FRESH_SERIES = 1_500


def committed_figures() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((DATA.parent / "anytime_error.json").read_text("utf-8"))
    return figures


@pytest.fixture(scope="module", params=["committed", "fresh"])
def figures(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "fresh":
        return anytime_error.simulate(seed=71, series=FRESH_SERIES)
    return committed_figures()


def at_most(alpha: float, series: int) -> float:
    return alpha + 3 * sqrt(alpha * (1 - alpha) / series)


def test_the_committed_figures_are_those_of_the_script() -> None:
    committed = committed_figures()
    assert committed["seed"] == anytime_error.SEED
    assert committed["series"] == anytime_error.SERIES
    assert committed["alpha"] == anytime_error.ALPHA


def test_the_statistics_page_quotes_the_committed_figures() -> None:
    page = (DATA.parents[2] / "docs" / "statistics.md").read_text("utf-8")
    figures = committed_figures()
    quoted = [
        f"| {line['expected_cases']} | {line['e_process']:.1%} | {line['exact_lower_limit']:.1%} |"
        for line in figures["false_alarm"]
    ]
    quoted += [
        f"| {line['rate_ratio']} | {line['e_process']:.1%} |" for line in figures["detection"]
    ]
    quoted += [
        f"| {line['true_rate']} | {line['anytime']:.1%} | {line['exact']:.1%} |"
        for line in figures["ever_missed"]
    ]
    for row in quoted:
        assert row.replace("%", " %") in page


def test_the_e_process_rarely_alarms_falsely_however_long_it_is_watched(
    figures: dict[str, Any],
) -> None:
    bound = at_most(figures["alpha"], figures["series"])
    assert {line["expected_cases"] for line in figures["false_alarm"]} == {1, 3, 10, 30, 100}
    for line in figures["false_alarm"]:
        assert line["e_process"] <= bound


def test_an_exact_limit_that_is_watched_alarms_falsely_far_more_often(
    figures: dict[str, Any],
) -> None:
    at_ten = next(line for line in figures["false_alarm"] if line["expected_cases"] == 10)
    assert at_ten["exact_lower_limit"] == pytest.approx(0.13, abs=0.03)


def test_the_e_process_finds_a_true_excess(figures: dict[str, Any]) -> None:
    found = {line["rate_ratio"]: line["e_process"] for line in figures["detection"]}
    assert found[2] == pytest.approx(0.60, abs=0.05)
    assert found[3] == pytest.approx(0.98, abs=0.02)
    assert found[5] >= 0.995


def test_the_watched_interval_rarely_ever_misses_the_truth(figures: dict[str, Any]) -> None:
    bound = at_most(figures["alpha"], figures["series"])
    for line in figures["ever_missed"]:
        assert line["anytime"] <= bound
        assert line["exact"] == pytest.approx(0.40, abs=0.05)


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
            assert (interval.lower < rate < interval.upper) == (evidence < np.log(1 / 0.05))
