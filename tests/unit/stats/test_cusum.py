"""The Poisson CUSUM: by hand, by simulation, and where it can have no answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.stats.cusum import cusum_design, cusum_path, run_length


def test_the_sum_by_hand() -> None:
    path = cusum_path([1, 2, 0, 3, 3], 1.5, 2.0, restart=None)
    assert path.cusum.tolist() == [0.0, 0.5, 0.0, 1.5, 3.0]
    assert path.signals.tolist() == [False, False, False, False, True]


def test_reaching_the_threshold_exactly_is_a_signal() -> None:
    path = cusum_path([1, 1, 1], 0.9, 0.3)
    assert path.signals.tolist() == [False, False, True]


def test_after_a_signal_it_starts_again_from_where_it_is_told() -> None:
    cases = [4, 1, 1]
    assert cusum_path(cases, 0.5, 3.0).cusum.tolist() == [3.5, 0.5, 1.0]
    assert cusum_path(cases, 0.5, 3.0, restart=0.5).cusum.tolist() == [3.5, 2.0, 2.5]
    assert cusum_path(cases, 0.5, 3.0, restart=None).cusum.tolist() == [3.5, 4.0, 4.5]


@given(st.lists(st.integers(0, 10**6), max_size=20), st.floats(0.0, 1e6), st.floats(0.1, 1e6))
def test_no_number_is_lost_however_large(
    cases: list[int], reference: float, threshold: float
) -> None:
    path = cusum_path(cases, reference, threshold)
    assert np.all(np.isfinite(path.cusum))
    assert np.all(path.cusum >= 0)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.02, 20.0), st.sampled_from([1.5, 2.0, 4.0]), st.sampled_from([50.0, 3650.0]))
def test_a_design_is_the_least_threshold_that_reaches_its_run_length(
    mean: float, ratio: float, wanted: float
) -> None:
    design = cusum_design(mean, ratio, wanted)
    assert mean < design.reference < mean * ratio
    assert design.run_length >= wanted
    steps = max(10, round(4 / (mean * (ratio - 1) / np.log(ratio))))
    below = design.threshold - 1 / steps
    if below > 1e-9:
        assert run_length(below, design.reference, mean, steps=steps) < wanted


def test_the_chain_against_a_simulation() -> None:
    random = np.random.default_rng(4)
    cases = random.poisson(1.0, 120_000)
    signals = cusum_path(cases, 1.5, 4.0).signals
    assert cases.size / signals.sum() == pytest.approx(run_length(4.0, 1.5, 1.0), rel=0.1)


def test_a_higher_rate_is_found_sooner() -> None:
    lengths = [run_length(3.0, 2.0, mean) for mean in (0.0, 0.5, 1.0, 2.0, 8.0, 1e6)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == np.inf
    assert lengths[-1] == 1.0


def test_a_million_cases_a_day_have_a_design() -> None:
    assert cusum_design(1e6, 2.0, 3650.0).run_length >= 3650.0


@pytest.mark.parametrize(
    ("threshold", "reference", "mean"),
    [(0, 1, 1), (1, 0, 1), (1, 1, -1), (1.05, 1, 1), (900, 1, 1)],
)
def test_a_chain_that_cannot_be_is_refused(threshold: float, reference: float, mean: float) -> None:
    with pytest.raises(ValueError):
        run_length(threshold, reference, mean)


def test_other_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="rate_ratio"):
        cusum_design(1.0, 1.0, 100.0)
    with pytest.raises(ValueError, match="between the rates"):
        cusum_design(1.0, 1.01, 100.0, steps=1)
    with pytest.raises(ValueError, match="longer periods"):
        cusum_design(1e-5, 2.0, 3650.0)
    with pytest.raises(ValueError, match="threshold"):
        cusum_path([1], 1.0, 0.0)
    with pytest.raises(ValueError, match="below 0"):
        cusum_path([-1], 1.0, 1.0)
