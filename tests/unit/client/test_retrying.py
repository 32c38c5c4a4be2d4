"""Pauses: they grow, they are bounded, and senders do not come back all at once."""

from datetime import UTC, datetime

import pytest

from service.client.retrying import LONGEST_RETRY_AFTER, Patience, pause_before, wanted_pause

PATIENCE = Patience(first_pause=1, longest_pause=8)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_pauses_double_up_to_the_longest_and_half_of_each_is_left_to_chance() -> None:
    longest = [pause_before(attempt, PATIENCE, 1.0) for attempt in (1, 2, 3, 4, 5, 10**6)]
    assert longest == [1, 2, 4, 8, 8, 8]
    assert [pause_before(attempt, PATIENCE, 0.0) for attempt in (1, 4)] == [0.5, 4]


def test_what_the_service_asks_for_is_waited_for_and_some_more() -> None:
    assert pause_before(1, PATIENCE, 0.5, wanted=30) == 30.75


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        (" 5 ", 5),
        ("Sun, 01 Mar 2026 00:00:20 GMT", 20),
        ("Sat, 28 Feb 2026 00:00:20 GMT", 0),
        ("99999999999", LONGEST_RETRY_AFTER),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_in_both_forms(text: str, seconds: float | None) -> None:
    assert wanted_pause({"retry-after": text}, NOW) == seconds
