"""A key's bucket: what passes, what waits, and what the headers say."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import rate_limits
from service.api.rate_limits import RateLimits
from service.errors import TooManyRequests


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_examples_hold():
    assert doctest.testmod(rate_limits).failed == 0


def test_a_whole_minute_passes_at_once_and_then_one_at_a_time():
    clock = Clock()
    limits = RateLimits(60, clock)
    assert [limits.take("a").retry_after_seconds for _ in range(61)] == [0] * 60 + [1]
    clock.now = 1.0
    assert [limits.take("a").retry_after_seconds for _ in range(2)] == [0, 1]


def test_whoever_waits_as_told_passes():
    clock = Clock()
    limits = RateLimits(7, clock)
    for _ in range(50):
        if wait := limits.take("a").retry_after_seconds:
            clock.now += wait
            assert limits.take("a").retry_after_seconds == 0


def test_a_key_does_not_pay_for_another():
    limits = RateLimits(1, Clock())
    assert limits.take("a").retry_after_seconds == 0
    assert limits.take("b").retry_after_seconds == 0
    assert limits.take("a").retry_after_seconds == 60


def test_nothing_is_limited_where_the_limit_is_0():
    scope: dict[str, object] = {}
    RateLimits(0).charge(scope, "a")
    assert scope == {}


def test_a_refusal_says_how_long_to_wait():
    limits = RateLimits(1, Clock())
    scope: dict[str, object] = {}
    limits.charge(scope, "a")
    with pytest.raises(TooManyRequests, match="Wait for 60 s"):
        limits.charge(scope, "a")
    assert scope[rate_limits.NOTED_AS].headers == {
        "ratelimit-policy": '"key";q=1;w=60',
        "ratelimit": '"key";r=0;t=60',
        "retry-after": "60",
    }


@given(st.integers(1, 20), st.lists(st.floats(0, 10), max_size=80))
def test_never_more_than_two_minutes_worth_in_any_minute(limit, pauses):
    clock = Clock()
    limits = RateLimits(limit, clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if not limits.take("a").retry_after_seconds:
            passed.append(clock.now)
    for first in passed:
        assert sum(first <= one < first + 60 for one in passed) <= 2 * limit
