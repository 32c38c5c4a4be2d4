"""What a person may do to an alert, and when."""

from dataclasses import replace

import pytest

from service.monitors.actions import OUTCOMES, Action, Refused, apply_action
from service.monitors.alerts import AlertState, Open, opened
from service.monitors.signals import Signal
from tests.unit.monitors.charts import ntm_case

SIGNAL = Signal("m", "sentinel", "facility:a", "critical", "NTM at a", (ntm_case("1", 100),), {})
OPEN = opened(Open(SIGNAL), alert_id="alert-1", opened_position=1)
ACKNOWLEDGED = replace(OPEN, status="acknowledged")
CLOSED = replace(OPEN, status="closed", closed_day=120, outcome="other")


def refusal(alert: AlertState, action: Action) -> str:
    refused = apply_action(alert, action)
    assert isinstance(refused, Refused)
    assert refused.reason
    return refused.code


def test_open_acknowledged_closed_and_open_again() -> None:
    acknowledged = apply_action(OPEN, Action("acknowledge", day=110))
    assert acknowledged == ACKNOWLEDGED
    closed = apply_action(ACKNOWLEDGED, Action("close", day=120, outcome="other"))
    assert closed == CLOSED
    assert apply_action(CLOSED, Action("reopen", day=130)) == OPEN


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_open_alert_is_closed_with_any_of_the_outcomes(outcome: str) -> None:
    closed = apply_action(OPEN, Action("close", day=120, outcome=outcome))
    assert isinstance(closed, AlertState)
    assert (closed.status, closed.closed_day, closed.outcome) == ("closed", 120, outcome)


@pytest.mark.parametrize("alert", [OPEN, ACKNOWLEDGED, CLOSED], ids=lambda alert: alert.status)
def test_a_comment_changes_nothing_and_needs_its_text(alert: AlertState) -> None:
    assert apply_action(alert, Action("comment", day=1, note="rang the clinic")) == alert
    assert refusal(alert, Action("comment", day=1, note="  ")) == "missing_note"


def test_what_is_refused() -> None:
    close = Action("close", day=1, outcome="expected")
    assert refusal(ACKNOWLEDGED, Action("acknowledge", day=1)) == "wrong_status"
    assert refusal(CLOSED, Action("acknowledge", day=1)) == "wrong_status"
    assert refusal(CLOSED, close) == "wrong_status"
    assert refusal(OPEN, Action("reopen", day=1)) == "wrong_status"
    assert refusal(OPEN, replace(close, outcome=None)) == "missing_outcome"
    assert refusal(OPEN, replace(close, outcome="bored")) == "unknown_outcome"
    assert refusal(replace(CLOSED, cases=frozenset()), Action("reopen", day=1)) == "merged"
