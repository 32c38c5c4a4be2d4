"""The e-process of a share: the integral itself, and finite everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from service.stats.share_shift import log_share_e_value, share_path

baselines = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("of_kind", "cases"), [(0, 0), (1, 1), (3, 9), (9, 10), (28, 30), (0, 12)])
@pytest.mark.parametrize("baseline", [0.05, 0.56, 0.9])
@pytest.mark.parametrize("shape", [(1.0, 1.0), (0.5, 2.0), (3.0, 2.0)])
def test_it_is_the_likelihood_ratio_mixed_over_shares_above_the_baseline(
    of_kind: int, cases: int, baseline: float, shape: tuple[float, float]
) -> None:
    a, b = shape

    def mixed(p: float) -> float:
        ratio = (p / baseline) ** of_kind * ((1 - p) / (1 - baseline)) ** (cases - of_kind)
        return float(ratio * p ** (a - 1) * (1 - p) ** (b - 1))

    area, _ = integrate.quad(mixed, baseline, 1, epsabs=0, limit=500)
    whole = special.beta(a, b) * special.betaincc(a, b, baseline)
    found = float(log_share_e_value(of_kind, cases, baseline, shape=shape))
    assert found == pytest.approx(np.log(area / whole), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("baseline", [0.05, 0.3, 0.56])
def test_on_average_it_is_one_at_the_baseline_and_less_below(baseline: float) -> None:
    counts = np.arange(41)
    e = np.exp(log_share_e_value(counts, 40, baseline))
    for share in (baseline, baseline * 0.8, 0.001):
        chances = special.comb(40, counts) * share**counts * (1 - share) ** (40 - counts)
        mean = float(chances @ e)
        assert mean == pytest.approx(1.0) if share == baseline else mean < 1


@pytest.mark.parametrize(("of_kind", "cases"), [(900, 2_000), (2_000, 6_000), (0, 10**6)])
def test_deep_below_the_baseline_where_the_tail_leaves_the_range_of_a_float(
    of_kind: int, cases: int
) -> None:
    def tilt(above: float) -> float:
        of_others = (cases - of_kind) * np.log1p(-above / 0.44)
        return float(np.exp(of_kind * np.log1p(above / 0.56) + of_others))

    area, _ = integrate.quad(tilt, 0, 200 / cases, epsabs=0, epsrel=1e-11, limit=500)
    found = float(log_share_e_value(of_kind, cases, 0.56))
    assert found == pytest.approx(np.log(area / 0.44), abs=1e-8)


@given(st.integers(0, 10**6), st.integers(0, 10**6), baselines)
def test_no_number_is_lost_however_large(of_kind: int, others: int, baseline: float) -> None:
    assert np.isfinite(log_share_e_value(of_kind, of_kind + others, baseline))


@given(st.integers(0, 10**6), st.integers(0, 10**6), baselines)
def test_a_case_of_the_kind_speaks_for_a_shift_and_another_against(
    of_kind: int, others: int, baseline: float
) -> None:
    now, kind, other = log_share_e_value(
        [of_kind, of_kind + 1, of_kind],
        np.array([of_kind, of_kind + 1, of_kind + 1]) + others,
        baseline,
    )
    assert kind >= now - 1e-8
    assert other <= now + 1e-8


def test_no_case_is_no_evidence() -> None:
    assert float(log_share_e_value(0, 0, 0.56)) == 0.0
    assert share_path([], [], 0.56).log_e.shape == (0,)


def test_numbers_out_of_range_are_refused() -> None:
    for of_kind, cases, baseline in [(2, 1, 0.5), (-1, 1, 0.5), (1, 1, 0.0), (1, 1, 1.0)]:
        with pytest.raises(ValueError):
            log_share_e_value(of_kind, cases, baseline)
    for kind, whole in [([1, 0], [1, 2]), ([0, 2], [3, 4]), ([1], [1, 2])]:
        with pytest.raises(ValueError):
            share_path(kind, whole, 0.5)
