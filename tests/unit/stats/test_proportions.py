"""Shares: what holds for any k of n."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.proportions import PROPORTION_METHODS, proportion_interval

sizes = st.integers(1, 400) | st.integers(1, 10**6)
shares = sizes.flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@given(share=shares, level=levels, method=st.sampled_from(["exact", "wilson", "jeffreys"]))
def test_the_interval_contains_the_share_and_stays_in_0_to_1(
    share: tuple[int, int], level: float, method: str
) -> None:
    k, n = share
    found = proportion_interval(k, n, method, level)
    assert found.lower is not None
    assert found.upper is not None
    assert 0.0 <= found.lower <= k / n <= found.upper <= 1.0
    assert (found.level, found.method) == (level, method)


@given(share=shares, method=st.sampled_from(sorted(PROPORTION_METHODS)))
def test_the_unaffected_mirror_the_affected(share: tuple[int, int], method: str) -> None:
    k, n = share
    affected = proportion_interval(k, n, method)
    unaffected = proportion_interval(n - k, n, method)
    assert affected.lower is not None
    assert unaffected.upper is not None
    assert affected.lower == pytest.approx(1.0 - unaffected.upper, rel=1e-7, abs=1e-12)


@given(
    share=shares, method=st.sampled_from(sorted(PROPORTION_METHODS)), two=st.tuples(levels, levels)
)
def test_a_higher_level_is_never_narrower(
    share: tuple[int, int], method: str, two: tuple[float, float]
) -> None:
    inner = proportion_interval(*share, method, min(two))
    outer = proportion_interval(*share, method, max(two))
    assert inner.lower is not None
    assert inner.upper is not None
    assert outer.lower is not None
    assert outer.upper is not None
    assert outer.lower <= inner.lower
    assert inner.upper <= outer.upper


def test_jeffreys_reaches_the_edges_only_with_the_change_of_2001() -> None:
    assert proportion_interval(0, 20, "jeffreys").lower == 0.0
    assert proportion_interval(20, 20, "jeffreys").upper == 1.0
    plain = proportion_interval(0, 20, "jeffreys_unmodified")
    assert plain.lower is not None
    assert plain.lower > 0.0


def test_nothing_of_nothing_has_no_interval() -> None:
    found = proportion_interval(0, 0)
    assert (found.lower, found.upper) == (None, None)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_more_than_all_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        proportion_interval(k, n)


def test_unknown_names_and_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown method"):
        proportion_interval(1, 5, "wald")
    with pytest.raises(ValueError, match="level"):
        proportion_interval(0, 0, level=1.5)
