"""Observed over expected: what is given, what is withheld, and why."""

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.p_values import P_VALUES, poisson_p_value
from service.stats.rates import poisson_interval
from service.stats.sir import EXPECTED_BELOW_ONE, nhsn_2011_interval, observed_expected

observed = st.integers(0, 300)
expected = st.floats(1.0, 300.0)


@given(observed=observed, expected=expected)
def test_the_interval_excludes_one_exactly_when_p_is_below_alpha(
    observed: int, expected: float
) -> None:
    found = observed_expected(observed, expected)
    assert found.p_value is not None
    assert found.interval.upper is not None
    if abs(found.p_value - 0.05) < 1e-9:
        return
    excluded = found.interval.upper < 1 or (found.interval.lower or 0.0) > 1
    assert excluded == (found.p_value < 0.05)


@given(observed=observed, expected=expected, definition=st.sampled_from(sorted(P_VALUES)))
def test_p_is_a_probability(observed: int, expected: float, definition: str) -> None:
    assert 0.0 <= poisson_p_value(observed, expected, definition) <= 1.0


@given(observed=observed, expected=expected)
def test_the_tails_share_only_the_observed_count(observed: int, expected: float) -> None:
    midp = [poisson_p_value(observed, expected, f"midp_{side}") for side in ("greater", "less")]
    assert sum(midp) == pytest.approx(1.0, rel=1e-12)
    exact = [poisson_p_value(observed, expected, side) for side in ("greater", "less")]
    assert sum(exact) >= 1.0 - 1e-12


def test_minlike_adds_the_outcomes_no_likelier_than_the_observed_one() -> None:
    for count, mean in [(0, 2.0), (1, 4.5), (7, 3.2), (12, 12.0), (3, 3.0), (2, 3.0)]:
        chances = [exp(-mean) * mean**k / factorial(k) for k in range(100)]
        brute = sum(chance for chance in chances if chance <= chances[count] * (1 + 1e-7))
        assert poisson_p_value(count, mean, "minlike") == pytest.approx(brute, rel=1e-12)


def test_a_case_where_none_could_be_is_no_chance_finding() -> None:
    for definition in ("greater", "midp", "central", "minlike", "byar"):
        assert poisson_p_value(3, 0.0, definition) == pytest.approx(0.0)
        assert poisson_p_value(0, 0.0, definition) == pytest.approx(1.0)


def test_below_one_expected_nothing_but_the_counts_is_given() -> None:
    found = observed_expected(2, 0.999)
    assert (found.observed, found.expected) == (2, 0.999)
    assert (found.ratio, found.p_value, found.reason) == (None, None, EXPECTED_BELOW_ONE)
    assert (found.interval.lower, found.interval.upper) == (None, None)
    assert observed_expected(2, 1.0).ratio == 2.0


def test_with_no_case_observed_there_is_no_lower_limit() -> None:
    found = observed_expected(0, 2.0)
    assert (found.ratio, found.reason) == (0.0, None)
    assert found.interval.lower is None
    assert found.interval.upper == pytest.approx(2.995732273553991 / 2)


def test_each_method_names_itself() -> None:
    for method in ("midp", "exact", "byar", "nhsn_2011"):
        found = observed_expected(20, 10.0, method=method)
        assert (found.method, found.interval.method) == (method, method)


def test_the_old_p_is_one_sided() -> None:
    assert observed_expected(20, 10.0, method="nhsn_2011").p_value == poisson_p_value(
        20, 10.0, "greater"
    )
    assert observed_expected(5, 10.0, method="nhsn_2011").p_value == poisson_p_value(
        5, 10.0, "less"
    )


def test_the_rules_of_2011_change_at_fifteen_cases() -> None:
    assert nhsn_2011_interval(14).lower == poisson_interval(14, "exact").lower
    assert nhsn_2011_interval(15).lower == pytest.approx(poisson_interval(15, "byar").lower, 1e-4)
    with pytest.raises(ValueError, match="95"):
        nhsn_2011_interval(15, 0.9)


@pytest.mark.parametrize(("observed", "expected"), [(-1, 2.0), (1, -2.0), (1, float("nan"))])
def test_what_cannot_be_a_count_is_refused(observed: int, expected: float) -> None:
    with pytest.raises(ValueError, match="not negative"):
        observed_expected(observed, expected)
    with pytest.raises(ValueError, match="not negative"):
        poisson_p_value(observed, expected)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown method"):
        observed_expected(1, 2.0, method="wald")
    with pytest.raises(ValueError, match="unknown definition"):
        poisson_p_value(1, 2.0, "two_sided")
