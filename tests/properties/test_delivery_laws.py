"""Laws of telling: nothing critical is hidden, nothing goes out too early, nobody is told twice."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from service.domain.delivery_outcomes import RESULTS, Health, Outcome, next_try
from service.domain.delivery_times import (
    Patience,
    after_quiet,
    earliest,
    is_quiet,
    next_time,
    seconds_to_wait,
)
from service.domain.recipients import SEVERITIES, QuietHours, Recipient
from service.monitors.alerts import AlertState
from service.monitors.telling import ESCALATED, EVENT_OF, SETTLES, Told, messages_of

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kolkata")
zones = st.sampled_from(ZONES).map(ZoneInfo)
beginning = datetime(2024, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(), timedelta(days=1100)).map(lambda ago: beginning + ago)
# Many tests of clocks never meet the hours in which clocks change: half of these do.
changes = st.integers(0, 7200).map(
    lambda minutes: datetime(2026, 3, 27, tzinfo=UTC) + timedelta(minutes=minutes)
) | st.integers(0, 7200).map(
    lambda minutes: datetime(2026, 10, 23, tzinfo=UTC) + timedelta(minutes=minutes)
)
moments = instants | changes
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
quiet_hours = st.builds(QuietHours, clocks, clocks)
chances = st.floats(0, 1, exclude_max=True)
patiences = st.builds(
    lambda first, more, days: Patience(first, first + more, timedelta(days=days)),
    st.floats(0.01, 3600),
    st.floats(0, 86_400),
    st.integers(3, 90),
)


@given(quiet_hours, zones, moments)
def test_after_quiet_hours_is_never_before_and_never_within(quiet, zone, at):
    found = after_quiet(quiet, zone, at)
    assert found >= at
    assert not is_quiet(quiet, zone, found)
    assert (found == at) == (not is_quiet(quiet, zone, at))
    assert found - at <= timedelta(days=2, hours=2)


@given(quiet_hours, zones, moments, st.integers(1, 2000))
def test_in_quiet_hours_nothing_goes_out_until_their_end(quiet, zone, at, minutes):
    between = at + timedelta(minutes=minutes)
    if between < after_quiet(quiet, zone, at):
        assert is_quiet(quiet, zone, between) or between < at


@given(clocks, zones, moments)
def test_the_next_time_of_day_is_within_a_day_and_shows_on_local_clocks(clock, zone, at):
    found = next_time(clock, zone, at)
    assert at < found <= at + timedelta(hours=26)
    shown = found.astimezone(zone)
    if shown.utcoffset() == (found - timedelta(hours=3)).astimezone(zone).utcoffset():
        assert shown.time() == clock


@given(st.integers(1, 10_000), chances, patiences)
def test_the_wait_grows_up_to_its_limit_and_is_never_nothing(failures, chance, patience):
    wait = seconds_to_wait(failures, chance, patience)
    assert patience.first / 2 <= wait <= patience.most
    assert wait <= seconds_to_wait(failures + 1, chance, patience)
    assert wait <= 2 * seconds_to_wait(failures, 0.0, patience)


results = st.builds(
    Outcome,
    st.sampled_from(RESULTS),
    st.none(),
    st.none(),
    st.none() | st.floats(0, 1e9),
)


@given(st.lists(st.tuples(results, chances), max_size=30), instants, patiences)
def test_health_counts_failures_since_the_last_success(outcomes, now, patience):
    health, failing = Health(), 0
    for outcome, chance in outcomes:
        health = health.after(outcome, now, chance, patience)
        failing = failing + 1 if outcome.result in ("failed", "blocked") else 0
        assert health.failures == failing
        assert (health.retry_at is None) == (health.failing_since is None) == (failing == 0)
        if health.retry_at is not None:
            longest = timedelta(seconds=max(3600.0, patience.most))
            assert now < health.retry_at <= now + longest
            assert not health.is_given_up(health.failing_since + timedelta(days=2.99), patience)
            now = health.retry_at


@given(st.integers(1, 100), instants, st.floats(0, 2.99), chances, patiences)
def test_what_is_refused_is_tried_for_three_days_at_least(attempts, since, days, chance, patience):
    now = since + timedelta(days=days)
    assert next_try(attempts, since, now, chance, patience) > now
    assert next_try(attempts, since, since + patience.keep, chance, patience) is None


facilities = st.none() | st.sets(st.sampled_from(("a", "b", "c")), min_size=1).map(tuple)
recipients = st.builds(
    Recipient,
    id=st.sampled_from([f"r-{number}" for number in range(6)]),
    name=st.just("ward"),
    channel=st.just("webhook"),
    facilities=facilities,
    least_severity=st.sampled_from(SEVERITIES),
    quiet_hours=st.none() | quiet_hours,
    timezone=st.sampled_from(ZONES),
    escalate_after_minutes=st.none() | st.integers(1, 10_000),
    digest_at=st.none() | clocks,
    is_enabled=st.booleans(),
)
groups = st.lists(recipients, max_size=6, unique_by=lambda one: one.id)


@st.composite
def alerts(draw: st.DrawFn, **fixed: Any) -> AlertState:
    fields = {
        "status": draw(st.sampled_from(("open", "acknowledged", "closed"))),
        "severity": draw(st.sampled_from(SEVERITIES)),
        "kind": draw(st.sampled_from(("excess", "sentinel", "cluster"))),
        "scope_key": draw(st.sampled_from(("network", "facility:a"))),
        "facilities": tuple(sorted(draw(st.sets(st.sampled_from(("a", "b")), min_size=1)))),
        **fixed,
    }
    return AlertState(
        id="alert-1-0",
        monitor_id="m",
        title="",
        cases=frozenset(),
        latest_evidence={},
        opened_position=1,
        **fields,
    )


@given(groups, alerts(severity="critical"), st.sampled_from(sorted(EVENT_OF)), moments)
def test_what_is_critical_goes_out_at_once_whatever_the_hour(group, alert, happened, now):
    for message in messages_of(group, alert, happened, now):
        assert message.is_urgent
        assert not message.is_in_digest
        (recipient,) = [one for one in group if one.id == message.recipient_id]
        later = timedelta(minutes=recipient.escalate_after_minutes or 0)
        assert message.due_at == now + later


@given(groups, alerts(), st.sampled_from(sorted(EVENT_OF)), moments)
def test_everybody_hears_once_and_only_of_what_they_asked_for_and_may(group, alert, happened, now):
    messages = messages_of(group, alert, happened, now)
    told = [message.recipient_id for message in messages]
    assert len(told) == len(set(told))
    for recipient in group:
        bound = recipient.facilities
        is_in = bound is None or set(alert.facilities) <= set(bound)
        is_severe = SEVERITIES.index(alert.severity) >= SEVERITIES.index(recipient.least_severity)
        may = recipient.is_enabled and is_in and is_severe
        if recipient.id in told:
            assert may
        elif bound is None and recipient.escalate_after_minutes is None:
            assert not may


@given(groups, alerts(severity="warning"), st.sampled_from(sorted(EVENT_OF)), moments)
def test_what_is_not_critical_never_goes_out_in_quiet_hours(group, alert, happened, now):
    by_id = {recipient.id: recipient for recipient in group}
    for message in messages_of(group, alert, happened, now):
        recipient = by_id[message.recipient_id]
        assert message.due_at >= now
        assert after_quiet(recipient.quiet_hours, recipient.zone, message.due_at) == message.due_at
        if message.is_in_digest:
            assert message.due_at == earliest(recipient, now) > now


@given(groups, alerts(), st.sampled_from(sorted(EVENT_OF)), moments)
def test_an_escalation_is_planned_once_and_never_for_what_is_settled(group, alert, happened, now):
    first = messages_of(group, alert, happened, now)
    escalated = [message for message in first if message.event == ESCALATED]
    assert not (escalated and (happened in SETTLES or alert.status != "open"))
    told = [Told(one.recipient_id, one.event, one.due_at, one.is_urgent) for one in first]
    again = messages_of(group, alert, "updated", now, told)
    planned = {message.recipient_id for message in escalated}
    assert not [one for one in again if one.event == ESCALATED and one.recipient_id in planned]


@given(groups, alerts(), moments)
def test_what_people_said_is_told_to_nobody(group, alert, now):
    assert messages_of(group, alert, "commented", now) == []


def test_where_clocks_go_back_the_hour_that_comes_twice_is_quiet_twice():
    berlin, quiet = ZoneInfo("Europe/Berlin"), QuietHours(time(2, 15), time(2, 45))
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert after_quiet(quiet, berlin, first) == datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    assert after_quiet(quiet, berlin, second) == datetime(2026, 10, 25, 1, 45, tzinfo=UTC)
