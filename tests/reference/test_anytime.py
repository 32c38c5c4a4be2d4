"""The e-process against confseq, the software of the method's authors.

Theirs is the same mixture with shape and rate both rho, rho set by where the test should be
sharpest; ours takes any shape and rate. Their gamma-exponential and stitched bounds are of other
families, which we do not use.
"""

from math import log
from typing import Any

import pytest

from service.stats.e_process import log_e_value
from tests.reference.outside import cases, of_group


def rho(given: dict[str, Any]) -> float:
    doubled = 2 * log(1 / (2 * given["alpha_opt"]))
    return float(given["v_opt"] / (doubled + log(1 + doubled)))


@pytest.mark.parametrize("case", cases("anytime", of_group("gamma_poisson_log_evalue")))
def test_log_e_value_of_the_gamma_poisson_mixture(case: dict[str, Any]) -> None:
    given = case["input"]
    found = log_e_value(given["observed"], given["expected"], shape=rho(given), rate=rho(given))
    assert float(found) == pytest.approx(case["expected"]["log_mixture"], rel=1e-12)


@pytest.mark.parametrize("case", cases("anytime", of_group("gamma_poisson_bound")))
def test_the_boundary_is_where_the_evidence_reaches_one_over_alpha(case: dict[str, Any]) -> None:
    given = case["input"]
    boundary = case["expected"]["count_boundary_N"]
    found = log_e_value(boundary, given["v"], shape=rho(given), rate=rho(given))
    assert float(found) == pytest.approx(log(1 / given["alpha"]), rel=1e-10)


@pytest.mark.parametrize(
    "case", cases("anytime", of_group("lower_confidence_sequence_rate_derived"))
)
def test_the_lowest_rate_not_refuted(case: dict[str, Any]) -> None:
    given = case["input"]
    expected = case["expected"]["lower_rate"] * given["person_time"]
    found = log_e_value(given["events"], expected, shape=rho(given), rate=rho(given))
    assert float(found) == pytest.approx(log(1 / given["alpha_one_sided"]), rel=1e-9)
