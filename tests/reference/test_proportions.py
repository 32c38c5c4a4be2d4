"""Shares and their intervals against R's binom.test, prop.test, epitools and epiR."""

from typing import Any

import pytest

from service.stats.proportions import proportion_interval
from tests.reference.outside import cases

FIELDS = {
    "clopper_pearson": "exact",
    "wilson": "wilson",
    "wilson_prop_test": "wilson",
    "jeffreys_unmodified": "jeffreys_unmodified",
}


@pytest.mark.parametrize("case", cases("proportion"))
@pytest.mark.parametrize("field", FIELDS)
def test_every_interval_by_its_name(case: dict[str, Any], field: str) -> None:
    given = case["input"]
    found = proportion_interval(given["x"], given["n"], FIELDS[field], given["conf_level"])
    limits = {"lower": found.lower, "upper": found.upper}
    # epitools leaves 3e-17 where none of n were affected.
    assert limits == pytest.approx(case["expected"][field], rel=1e-9, abs=1e-15)
