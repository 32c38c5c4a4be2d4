"""The Poisson CUSUM against R's surveillance.

Its `hValues` takes the first threshold within 2 % of the run length wanted; ours is the least one
that reaches it. Its likelihood-ratio CUSUM is ours times the log rate ratio.
"""

import json
from typing import Any

import numpy as np
import pytest

from service.stats.cusum import CusumPath, cusum_design, cusum_path, run_length
from tests.reference.outside import DATA, cases, of_group

SERIES = {
    series["name"]: series["counts"]
    for series in json.loads((DATA / "cusum.shared.json").read_text("utf-8"))["series"]
}


def counts_of(given: dict[str, Any]) -> list[int]:
    first, last = given["range_1based"]
    counts: list[int] = SERIES[given["series"]][first - 1 : last]
    return counts


def signal_times(path: CusumPath, given: dict[str, Any]) -> list[int]:
    return (np.flatnonzero(path.signals) + given["range_1based"][0]).tolist()


@pytest.mark.parametrize("case", cases("cusum", of_group("poisson_cusum_arl")))
def test_run_length(case: dict[str, Any]) -> None:
    given = case["input"]
    found = run_length(given["h"], given["k"], given["mean"])
    assert found == pytest.approx(case["expected"]["ARL"], rel=1e-11)


@pytest.mark.parametrize("case", cases("cusum", of_group("poisson_cusum_design")))
def test_design(case: dict[str, Any]) -> None:
    mean, wanted = case["input"]["theta0"], case["input"]["ARL0"]
    expected = case["expected"]
    found = cusum_design(mean, 1 + case["input"]["s"] / mean**0.5, wanted, steps=10)
    assert found.reference == pytest.approx(expected["k"])
    assert run_length(expected["h"], expected["k"], mean) == pytest.approx(
        expected["ARL"], rel=1e-11
    )
    assert found.run_length >= wanted
    assert found.threshold == pytest.approx(expected["h"], abs=0.1001)
    if expected["ARL"] >= wanted:
        # 6.5 and 6.6 are one threshold where k = 2.6 lets the sum move by fifths only
        assert found.run_length == pytest.approx(expected["ARL"], rel=1e-11)


@pytest.mark.parametrize("case", cases("cusum", of_group("rogerson")))
def test_signals_of_a_series_with_and_without_restart(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    restart = None if given["limit"] < 0 else given["limit"]
    path = cusum_path(counts_of(given), expected["k"], expected["h"], restart=restart)
    assert signal_times(path, given) == expected["alarm_times_1based"]


@pytest.mark.parametrize("case", cases("cusum", of_group("lr_cusum_known_mu")))
def test_an_expectation_that_varies_through_the_year(case: dict[str, Any]) -> None:
    given, log_ratio = case["input"], case["input"]["log_rr"]
    references = np.array(given["mu0"]) * np.expm1(log_ratio) / log_ratio
    path = cusum_path(counts_of(given), references, given["threshold"] / log_ratio)
    assert path.cusum * log_ratio == pytest.approx(case["expected"]["statistic"], abs=1e-12)
    assert signal_times(path, given) == case["expected"]["alarm_times_1based"]
