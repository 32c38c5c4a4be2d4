"""Judging many places together: bounds instead of e-values change nothing of what stands."""

from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import poisson

from service.monitors.discoveries import WITH_E_VALUE, WatchedPlace, judged_places, standing_places
from service.monitors.shipped import shipped_monitors
from service.reference.baselines import shipped_baselines
from service.stats import e_bh
from service.stats.e_process import log_e_value

MONITORS = shipped_monitors(shipped_baselines())

# Evidence of today, and by how much the last reading was above it.
places = st.lists(
    st.tuples(st.floats(-5, 12), st.one_of(st.just(0.0), st.floats(0, 6), st.just(inf))),
    max_size=12,
)


@given(known=places, unseen=st.integers(0, 20), level=st.floats(0.001, 0.5))
def test_bounds_lead_to_what_the_evidence_of_today_leads_to(known, unseen, level):
    named = {WatchedPlace("m", str(n)): pair for n, pair in enumerate(known)}
    now = {place: log_e for place, (log_e, _) in named.items()}
    bounds = {place: log_e + above for place, (log_e, above) in named.items()}
    everything = [*now.values(), *[0.0] * unseen]
    stands = e_bh.standing(np.array(everything), level)
    expected = {place for place, passes in zip(now, stands, strict=False) if passes}
    assert standing_places(bounds, len(everything), level, now.__getitem__) == expected


def test_the_evidence_of_the_last_case_is_no_e_value_and_that_of_today_is():
    """Poisson cases at just the expected rate, 1 expected by today. By today the e-value's mean is
    1, as it must be; taken at the last case it is 2.26, summed over count and day of that case."""
    expected = 1.0
    counts = np.arange(80)
    today = poisson.pmf(counts, expected) @ np.exp(log_e_value(counts, expected))
    assert today == pytest.approx(1.0, abs=1e-9)

    def at(day: float) -> float:
        one_more = poisson.pmf(counts, day) @ np.exp(log_e_value(counts + 1, day))
        return float(one_more * np.exp(-(expected - day)))

    no_case = np.exp(-expected)
    at_last_case = no_case + quad(at, 0.0, expected)[0]
    assert at_last_case == pytest.approx(2.264241, abs=1e-6)


def test_only_what_stands_by_its_bound_is_read_again():
    strong, weak = WatchedPlace("m", "strong"), WatchedPlace("m", "weak")
    asked = []

    def read_again(place):
        asked.append(place)
        return log(1000.0)

    bounds = {strong: log(2000.0), weak: log(10.0)}
    assert standing_places(bounds, 10, 0.05, read_again) == {strong}
    assert asked == [strong]


def test_nothing_watched_is_nothing_standing():
    assert standing_places({}, 0, 0.05, lambda _: inf) == frozenset()


def test_places_without_cases_count_and_rules_do_not():
    """Each shipped monitor with an e-value that is on: two facilities and the network."""
    judged = judged_places(MONITORS, ["b", "a"])
    assert {place.scope_key for place in judged} == {"facility:a", "facility:b", "network"}
    enabled = [m for m in MONITORS if m.enabled and m.method in WITH_E_VALUE]
    assert len(judged) == 3 * len(enabled)
    assert not {p.monitor_id for p in judged} & {"sentinel-ntm-cell-injection", "cluster-ntm"}
