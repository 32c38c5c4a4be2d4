"""Two rates beside each other: laws of the ratio, its interval and p, and what does not exist."""

from math import comb, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.conditional_binomial import log_probability
from service.stats.mantel_haenszel import (
    NO_COMPARED_CASE,
    NO_STRATUM_WITH_BOTH,
    mantel_haenszel,
)
from service.stats.rate_ratios import (
    NO_CASE,
    NO_PERSON_TIME,
    NO_REFERENCE_CASE,
    P_VALUE_OF,
    RATIO_METHODS,
    RATIO_P_VALUES,
    Counts,
    rate_ratio,
)

some = st.integers(0, 60)
days = st.integers(1, 100_000)
two_rates = st.builds(Counts, some, days, some, days)
with_cases = two_rates.filter(lambda counts: counts.cases > 0 and counts.reference_cases > 0)
exact_methods = st.sampled_from(["exact", "midp"])


def swapped(counts: Counts) -> Counts:
    return Counts(
        counts.reference_cases, counts.reference_person_time, counts.cases, counts.person_time
    )


@given(counts=two_rates, method=exact_methods)
def test_the_interval_excludes_one_exactly_when_p_is_below_alpha(
    counts: Counts, method: str
) -> None:
    found = rate_ratio(counts, method=method)
    if found.p_value is None or abs(found.p_value - 0.05) < 1e-9:
        return
    upper = found.interval.upper
    excluded = (upper is not None and upper < 1) or (found.interval.lower or 0.0) > 1
    assert excluded == (found.p_value < 0.05)


@given(counts=with_cases, method=st.sampled_from(sorted(RATIO_METHODS)))
def test_who_is_the_reference_turns_the_ratio_over_and_nothing_else(
    counts: Counts, method: str
) -> None:
    one, other = rate_ratio(counts, method=method), rate_ratio(swapped(counts), method=method)
    assert one.ratio is not None
    assert other.ratio == pytest.approx(1 / one.ratio)
    assert other.interval.lower == pytest.approx(1 / (one.interval.upper or 0.0), rel=1e-9)
    assert other.interval.upper == pytest.approx(1 / (one.interval.lower or 0.0), rel=1e-9)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)


@given(counts=with_cases, method=st.sampled_from(sorted(RATIO_METHODS)))
def test_days_or_years_the_ratio_is_the_same(counts: Counts, method: str) -> None:
    years = Counts(
        counts.cases,
        counts.person_time / 365.25,
        counts.reference_cases,
        counts.reference_person_time / 365.25,
    )
    one, other = rate_ratio(counts, method=method), rate_ratio(years, method=method)
    assert other.ratio == pytest.approx(one.ratio)
    assert other.interval.lower == pytest.approx(one.interval.lower)
    assert other.interval.upper == pytest.approx(one.interval.upper)


@given(counts=with_cases)
def test_the_midp_interval_lies_within_the_exact_one_and_holds_the_ratio(counts: Counts) -> None:
    exact, midp = rate_ratio(counts).interval, rate_ratio(counts, method="midp").interval
    ratio = rate_ratio(counts).ratio
    assert ratio is not None
    for limit in (exact.lower, midp.lower, midp.upper, exact.upper):
        assert limit is not None
    assert exact.lower < midp.lower < ratio < midp.upper < exact.upper  # type: ignore[operator]


@given(counts=two_rates, p_value=st.sampled_from(sorted(RATIO_P_VALUES)))
def test_p_is_a_probability(counts: Counts, p_value: str) -> None:
    found = rate_ratio(counts, p_value=p_value)
    assert found.p_value is None or 0.0 <= found.p_value <= 1.0


@given(cases=st.integers(0, 25), reference=st.integers(0, 25), times=st.tuples(days, days))
def test_minlike_adds_the_outcomes_no_likelier_than_the_observed_one(
    cases: int, reference: int, times: tuple[int, int]
) -> None:
    total, share = cases + reference, times[0] / sum(times)
    if not total:
        return
    chances = [comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
    brute = sum(chance for chance in chances if chance <= chances[cases] * (1 + 1e-7))
    found = rate_ratio(Counts(cases, times[0], reference, times[1]), p_value="minlike")
    assert found.p_value == pytest.approx(brute, rel=1e-9)


def test_no_case_compared_has_ratio_zero_and_a_two_sided_upper_limit() -> None:
    found = rate_ratio(Counts(0, 120.5, 3, 140))
    assert (found.ratio, found.interval.lower, found.reason) == (0.0, 0.0, None)
    assert found.interval.upper == pytest.approx(2.8115623657)


def test_no_case_in_the_reference_has_a_lower_limit_and_p_but_no_infinite_ratio() -> None:
    found = rate_ratio(Counts(3, 140, 0, 120.5))
    assert (found.ratio, found.interval.upper, found.reason) == (None, None, NO_REFERENCE_CASE)
    assert found.interval.lower == pytest.approx(1 / 2.8115623657)
    assert found.p_value == pytest.approx(0.3104494679)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (Counts(0, 55, 0, 60), NO_CASE),
        (Counts(2, 55, 0, 0), NO_PERSON_TIME),
        (Counts(0, 0, 5, 60), NO_PERSON_TIME),
    ],
)
def test_where_nothing_can_be_compared_nothing_is_given(counts: Counts, reason: str) -> None:
    found = rate_ratio(counts)
    assert (found.ratio, found.p_value, found.reason) == (None, None, reason)
    assert (found.interval.lower, found.interval.upper) == (None, None)


@pytest.mark.parametrize(
    ("cases", "reference"),
    [(10**6, 10**6), (10**6, 1), (1, 10**6), (10**6, 0), (0, 10**6), (999_000, 10**6)],
)
@pytest.mark.parametrize("p_value", sorted(RATIO_P_VALUES))
@pytest.mark.parametrize("method", sorted(RATIO_METHODS))
def test_a_million_cases_overflow_nothing(
    cases: int, reference: int, method: str, p_value: str
) -> None:
    found = rate_ratio(Counts(cases, 10**9, reference, 10**9), method=method, p_value=p_value)
    for number in (found.ratio, found.interval.lower, found.interval.upper, found.p_value):
        assert number is None or isfinite(number)


@pytest.mark.parametrize("level", [5e-324, 1e-17, 1 - 1e-16])
@pytest.mark.parametrize("method", sorted(RATIO_METHODS))
@pytest.mark.parametrize(("cases", "reference"), [(0, 5), (5, 0), (1, 10**6), (3, 4)])
def test_no_level_between_0_and_1_is_too_much(
    cases: int, reference: int, method: str, level: float
) -> None:
    found = rate_ratio(Counts(cases, 10, reference, 10), method=method, level=level).interval
    for limit in (found.lower, found.upper):
        assert limit is None or isfinite(limit)


def test_a_million_cases_have_the_limits_of_the_normal_approximation() -> None:
    found = rate_ratio(Counts(10**6, 1, 10**6, 1), method="midp").interval
    wald = rate_ratio(Counts(10**6, 1, 10**6, 1), method="wald").interval
    assert (found.lower, found.upper) == pytest.approx((wald.lower, wald.upper), rel=1e-8)


def test_limits_near_certainty_keep_their_digits() -> None:
    """P(X >= a) at the lower limit and P(X <= a) at the upper one are half of 5 %, exactly."""
    found = rate_ratio(Counts(10**6, 1, 1, 1)).interval
    odds = found.upper or 0.0  # P(X <= a) = 1 - P(all of them) = 0.025
    assert log_probability(10**6 + 1, 10**6 + 1, odds) == pytest.approx(-0.025317808, rel=1e-8)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Counts(-1, 1, 1, 1)
    with pytest.raises(ValueError, match="finite"):
        Counts(1, float("inf"), 1, 1)
    for wrong in ({"method": "byar"}, {"p_value": "byar"}, {"level": 1.0}):
        with pytest.raises(ValueError, match=r"unknown|level"):
            rate_ratio(Counts(1, 1, 1, 1), **wrong)  # type: ignore[arg-type]
    assert set(P_VALUE_OF) == set(RATIO_METHODS)


@given(counts=with_cases)
def test_one_stratum_adjusts_for_nothing(counts: Counts) -> None:
    found, crude = mantel_haenszel([counts]), rate_ratio(counts, method="wald")
    assert found.ratio == pytest.approx(crude.ratio)
    assert found.interval.lower == pytest.approx(crude.interval.lower)
    assert found.interval.upper == pytest.approx(crude.interval.upper)
    assert found.p_value == pytest.approx(crude.p_value, rel=1e-7)
    assert (found.heterogeneity, found.informative_strata) == (None, 1)


@given(counts=with_cases, silent=st.integers(1, 10**6))
def test_a_stratum_that_says_nothing_changes_nothing(counts: Counts, silent: int) -> None:
    """No case, or nobody at risk on one side."""
    more = [Counts(0, silent, 0, silent), Counts(3, silent, 0, 0), Counts(0, 0, 3, silent)]
    assert mantel_haenszel([counts, *more]) == mantel_haenszel([counts])


def test_confounding_is_taken_away() -> None:
    """Within each phase the rates are the same; sirolimus is given late, when rates are low."""
    early, late = Counts(10, 1_000, 90, 9_000), Counts(9, 9_000, 1, 1_000)
    crude = rate_ratio(Counts(19, 10_000, 91, 10_000)).ratio
    found = mantel_haenszel([early, late])
    assert crude == pytest.approx(19 / 91)
    assert found.ratio == pytest.approx(1.0)
    assert found.p_value == pytest.approx(1.0)


def test_strata_that_disagree_say_so() -> None:
    found = mantel_haenszel([Counts(40, 1_000, 10, 1_000), Counts(10, 1_000, 40, 1_000)])
    assert found.ratio == pytest.approx(1.0)
    assert found.heterogeneity is not None
    # One ratio for both expects 25 and 25 in each: 4 x 15^2 / 25.
    assert found.heterogeneity.chi_square == pytest.approx(36.0)
    assert found.heterogeneity.degrees_of_freedom == 1
    assert found.heterogeneity.p_value == pytest.approx(1.973e-9, rel=1e-3)


@pytest.mark.parametrize(
    ("strata", "ratio", "reason"),
    [
        ([], None, NO_STRATUM_WITH_BOTH),
        ([Counts(3, 10, 0, 0), Counts(0, 0, 4, 10)], None, NO_STRATUM_WITH_BOTH),
        ([Counts(0, 10, 0, 10)], None, NO_CASE),
        ([Counts(3, 10, 0, 10)], None, NO_REFERENCE_CASE),
        ([Counts(0, 10, 3, 10)], 0.0, NO_COMPARED_CASE),
    ],
)
def test_what_an_adjusted_ratio_cannot_say(
    strata: list[Counts], ratio: float | None, reason: str
) -> None:
    found = mantel_haenszel(strata)
    assert (found.ratio, found.reason) == (ratio, reason)
    assert (found.interval.lower, found.interval.upper) == (None, None)
