"""e-BH: against its definition, for any e-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stats.e_bh import standing

logs = st.lists(st.floats(-1e6, 1e6) | st.sampled_from([-np.inf, np.inf]), max_size=30)


def test_by_the_paper() -> None:
    # K = 4, alpha = 0.05: 80 for the first, 40 for two, 26.7 for three
    assert standing(np.log([50.0, 41.0, 10.0, 1.0])).tolist() == [True, True, False, False]
    assert standing(np.log([79.0, 39.0, 10.0, 1.0])).tolist() == [False] * 4
    assert standing(np.log([27.0, 27.0, 27.0, 1.0])).tolist() == [True, True, True, False]


def test_one_monitor_alone_needs_one_over_alpha() -> None:
    assert standing([np.log(20.0)]).tolist() == [True]
    assert standing([np.log(19.9)]).tolist() == [False]


@given(logs)
def test_no_more_stand_than_the_definition_allows(log_e: list[float]) -> None:
    found = standing(log_e)
    ordered = sorted(log_e, reverse=True)
    k_star = max(
        (k for k, e in enumerate(ordered, 1) if e >= np.log(len(log_e) / 0.05) - np.log(k)),
        default=0,
    )
    assert found.sum() == k_star
    if 0 < k_star < len(log_e):
        assert min(np.array(log_e)[found]) > max(np.array(log_e)[~found])


@given(logs.filter(len), st.data())
def test_more_evidence_never_topples_anyone(log_e: list[float], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log_e) - 1))
    more = log_e.copy()
    more[index] += 1.0
    assert np.all(standing(more) >= standing(log_e))


def test_none_and_not_a_number() -> None:
    assert standing([]).shape == (0,)
    with pytest.raises(ValueError, match="numbers"):
        standing([float("nan")])
    with pytest.raises(ValueError, match="alpha"):
        standing([1.0], alpha=0.0)
