"""What a monitor's alerts turned out to be."""

from service.monitors.performance import Record, delay_of, performance_of


def closed(outcome: str, onset: int | None = 100, signalled: int | None = None) -> Record:
    return Record("closed", outcome, onset, signalled, 130)


def test_only_an_outbreak_is_a_true_alert_and_only_closed_ones_count():
    """Two outbreaks of five closed; 2 of 5 is 5.27% to 85.34% by Clopper and Pearson."""
    records = [
        closed("outbreak", signalled=110),
        closed("outbreak", signalled=114),
        closed("pseudo_outbreak", signalled=150),
        closed("data_error"),
        closed("expected", onset=None),
        Record("acknowledged", None, 90, 95, 130),
        Record("open", None, 90, None, 130),
    ]
    found = performance_of(records)
    assert (found.alerts, found.waiting) == (7, 2)
    counted = {"outbreak": 2, "pseudo_outbreak": 1, "data_error": 1, "expected": 1, "other": 0}
    assert found.outcomes == counted
    predictive = found.predictive
    assert (predictive.true, predictive.closed, predictive.value) == (2, 5, 0.4)
    limits = (predictive.interval.lower, predictive.interval.upper)
    assert [round(limit, 4) for limit in limits] == [0.0527, 0.8534]
    assert found.to_signal == (4, 8.75, 12.0, 23.0)
    assert found.to_signal_of_true == (2, 11.0, 12.0, 13.0)
    assert found.to_alert.alerts == 6
    assert found.to_alert_of_true.median == 30


def test_a_monitor_without_alerts_has_done_nothing_yet():
    found = performance_of([])
    assert found.predictive.value is found.predictive.interval.lower is None
    assert found.to_signal == (0, None, None, None)
    assert set(found.outcomes.values()) == {0}


def test_one_alert_has_its_own_days_as_all_quartiles():
    assert delay_of([7]) == (1, 7.0, 7.0, 7.0)
