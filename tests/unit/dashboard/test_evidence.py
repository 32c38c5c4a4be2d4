"""An alert in words: each kind in its own, whatever its method, and alerts from before."""

from typing import Any

import pytest

from service.dashboard.evidence import facts_of
from service.monitors.definitions import KIND_OF, Method
from service.monitors.series import Series
from service.monitors.shipped import usual_monitor
from service.monitors.weighing import weigh
from service.reference.baselines import Baseline
from tests.unit.monitors.watched_series import at_risk, baseline, share_of

RATE = baseline("rate", 0.01, cases=10, denominator=1000.0, denominator_unit="person_years")
SHARE = baseline("share", 0.5)
ONSETS = list(range(301, 313))


def evidence_by(method: Method, against: Baseline, series: Series) -> dict[str, Any]:
    monitor = usual_monitor(against, method)
    found = weigh(monitor, against, series, since_day=None, today=320)
    assert found.severity
    return found.as_json(against)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("e_process", "12 cases where 3.20 would be expected at the published figure (1.00 per"),
        ("maxsprt", "The log-likelihood ratio reached"),
        ("conditional_maxsprt", "false alarm before the horizon"),
        ("e_detector", "days on average until a false alarm"),
        ("cusum", "% of the threshold"),
    ],
)
def test_evidence_over_person_time_is_told_by_its_method(method: Method, said: str) -> None:
    found = evidence_by(method, RATE, at_risk(365, ONSETS))
    told = facts_of(KIND_OF[method], found, found, RATE)
    assert said in told.summary
    assert told.summary.startswith("12 cases")
    rows = {fact.name: fact.now for fact in told.rows}
    assert rows["Cases observed"] == "12"
    assert ("Rise from" in rows) is (KIND_OF[method] == "rise")
    assert len([name for name in rows if "highest so far" in name]) == 1


def test_a_share_is_told_among_its_cases() -> None:
    found = evidence_by("share_shift", SHARE, share_of(ONSETS, [5]))
    told = facts_of("share", found, found, SHARE)
    assert told.summary.startswith("12 of 13 cases are of the kind, where 6.50 would be expected")
    assert "(50.0%)" in told.summary


def test_evidence_kept_before_there_were_other_methods_is_still_told() -> None:
    found = evidence_by("e_process", RATE, at_risk(365, ONSETS))
    old = {name: found[name] for name in ("observed", "expected", "e_value", "threshold", "null")}
    told = facts_of("excess", old, old, RATE)
    assert "The e-value reached" in told.summary
