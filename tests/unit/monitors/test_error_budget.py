"""The error budget: what is spent is the sum over monitors and places, whatever hangs together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.monitors.error_budget import (
    ErrorBudget,
    Share,
    account_ever,
    account_per_year,
    share_of,
)
from service.monitors.shipped import CLUSTER_NTM, SENTINEL_NTM

EVER = [
    Share("a", "e_process", 10, alpha=0.05),
    Share("b", "maxsprt", 1, alpha=0.01),
    Share("c", "linkage", 1),
]
RISES = [
    Share("d", "cusum", 4, days_between=365.25),
    Share("e", "e_detector", 1, days_between=730.5),
]


def test_alphas_and_mean_spacings_are_summed_apart():
    ever, per_year = account_ever(EVER + RISES, None), account_per_year(EVER + RISES, None)
    assert ever.spent == pytest.approx(0.51)
    assert (ever.places, ever.is_over, ever.fitting) == (11, False, None)
    assert per_year.spent == pytest.approx(4.5)
    assert (per_year.places, per_year.is_over) == (5, False)


@given(
    places=st.lists(st.integers(0, 400), max_size=6), allowed=st.floats(1e-6, 1e6, exclude_min=True)
)
def test_what_would_fit_is_just_within_the_budget(places, allowed):
    ever = account_ever([Share("m", "e_process", n, alpha=0.05) for n in places], allowed)
    if ever.fitting is not None:
        assert 0 < ever.fitting < 1
        fitted = [Share("m", "e_process", n, alpha=ever.fitting) for n in places]
        assert account_ever(fitted, allowed).spent == pytest.approx(allowed)
        assert not account_ever(fitted, allowed).is_over
    rises = account_per_year([Share("m", "cusum", n, days_between=30) for n in places], allowed)
    if rises.fitting is not None:
        spaced = [Share("m", "cusum", n, days_between=rises.fitting) for n in places]
        assert account_per_year(spaced, allowed).spent == pytest.approx(allowed)
        assert not account_per_year(spaced, allowed).is_over


def test_rules_promise_nothing_and_spend_nothing():
    for rule in (SENTINEL_NTM, CLUSTER_NTM):
        share = share_of(rule, 3)
        assert not share.has_promise
        assert account_ever([share], 1.0).spent == account_per_year([share], 1.0).spent == 0.0


@pytest.mark.parametrize(
    "fields",
    [
        {"false_discovery_rate": 0.0},
        {"false_discovery_rate": 1.0},
        {"false_alarms_ever": 0.0},
        {"false_alarms_ever": -1.0},
        {"false_alarms_per_year": float("inf")},
        {"false_alarms_per_year": float("nan")},
    ],
    ids=str,
)
def test_a_budget_that_means_nothing_cannot_be(fields):
    with pytest.raises(ValueError, match="must"):
        ErrorBudget(**fields)
