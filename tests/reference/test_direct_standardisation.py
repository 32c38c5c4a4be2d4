"""Directly standardised rates against epitools, among them the table of Fay & Feuer."""

from typing import Any

import pytest

from service.stats.direct_standardisation import direct_rate
from tests.reference.outside import cases


@pytest.mark.parametrize("case", cases("direct_standardisation"))
def test_rate_and_gamma_interval(case: dict[str, Any]) -> None:
    found = direct_rate(**case["input"])
    told = {
        "crude_rate": sum(case["input"]["cases"]) / sum(case["input"]["person_time"]),
        "adjusted_rate": found.rate,
        "lower": found.interval.lower,
        "upper": found.interval.upper,
    }
    assert told == pytest.approx(case["expected"], rel=1e-9, abs=0)
