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


@pytest.mark.parametrize("case", cases("proportion"))
def test_jeffreys_differs_from_epir_only_where_none_or_all_were_affected(
    case: dict[str, Any],
) -> None:
    """Brown, Cai & DasGupta 2001: the limit is then 0, or 1."""
    given, unmodified = case["input"], case["expected"]["jeffreys_unmodified"]
    x, n = given["x"], given["n"]
    found = proportion_interval(x, n, "jeffreys", given["conf_level"])
    assert found.lower == pytest.approx(unmodified["lower"] if x else 0.0, rel=1e-9)
    assert found.upper == pytest.approx(unmodified["upper"] if x < n else 1.0, rel=1e-9)
