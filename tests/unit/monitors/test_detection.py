"""Every method that has an expectation tells how long it takes, sooner the stronger the truth."""

import pytest

from service.monitors.detection import RATE_RATIOS, TIMES, times_to_detect
from service.monitors.shipped import usual_monitor
from service.reference.baselines import shipped_baselines

BASELINES = {baseline.id: baseline for baseline in shipped_baselines()}
OF_METHOD = dict.fromkeys(TIMES, "tb-sot-spain") | {"share_shift": "cinicola-share-extrapulmonary"}


@pytest.mark.parametrize("method", TIMES)
@pytest.mark.parametrize("per_day", [0.0, 1e-6, 0.02, 5.0, 1e6])
def test_the_stronger_the_truth_the_sooner_it_is_seen(method, per_day):
    baseline = BASELINES[OF_METHOD[method]]
    found = times_to_detect(usual_monitor(baseline, method), baseline, per_day)
    assert tuple(one.rate_ratio for one in found) == RATE_RATIOS
    chances = [one.probability for one in found]
    assert chances == sorted(chances)
    medians = [one.median for one in found if one.median is not None]
    assert medians == sorted(medians, reverse=True)
    assert all(one.unit == ("cases" if method == "share_shift" else "days") for one in found)


def test_nothing_expected_is_nothing_seen_within_a_hundred_years():
    baseline = BASELINES["tb-sot-spain"]
    found = times_to_detect(usual_monitor(baseline, "e_process"), baseline, 0.0)
    assert [one.median for one in found] == [None, None, None]
