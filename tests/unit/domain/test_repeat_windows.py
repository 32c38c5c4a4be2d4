"""What a longer repeat window can do to a count, and what it cannot."""

import doctest
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import repeat_windows
from service.domain.episodes import InfectionRecord, episodes
from service.domain.events import Finding, Infection, Transplant
from service.domain.repeat_windows import RepeatWindow, variations, varied_rows
from service.domain.rules import FollowUpRules
from service.domain.timeline import timeline, under
from service.reference.case_definitions import CaseDefinition, shipped_case_definitions

SHIPPED = shipped_case_definitions()
C_DIFFICILE = "Clostridioides difficile"
FINDING = Finding(infection_type="viral", organism_group="Cytomegalovirus", site="blood")
lengths = st.integers(1, 400)


def under_window(rule: repeat_windows.Rule, days: int) -> FollowUpRules:
    (chosen,) = [
        one
        for one in variations(SHIPPED, "viral", (), [RepeatWindow(rule, days)])
        if one.window == RepeatWindow(rule, days)
    ]
    return FollowUpRules(case_definitions=chosen.definitions)


def count(record_days: list[int], rule: repeat_windows.Rule, days: int) -> int:
    records = [
        InfectionRecord(day, f"e{number:03}", 0, FINDING) for number, day in enumerate(record_days)
    ]
    return len(episodes(records, under_window(rule, days).case_definitions))


@given(
    record_days=st.lists(st.integers(0, 1500), max_size=30).map(sorted),
    two=st.tuples(lengths, lengths),
)
def test_a_longer_window_never_makes_more_episodes_of_the_same_records(
    record_days: list[int], two: tuple[int, int]
) -> None:
    """Fixed windows laid greedily are the fewest that cover all records; rolling end at gaps."""
    short, long = sorted(two)
    for rule in repeat_windows.Rule.__args__:  # type: ignore[attr-defined]
        assert count(record_days, rule, long) <= count(record_days, rule, short)
    assert count(record_days, "rolling", short) <= count(record_days, "fixed", short)


def test_but_it_may_make_more_of_them_count() -> None:
    """Records on days 0, 10, 20 and 25, enrolled on day 21: only an onset on day 25 counts.

    Fixed 11 days: 0 with 10, and 20 with 25, so both onsets lie before entry. Fixed 21 days: 0 with
    10 and 20, and 25 is an episode of its own.
    """
    index = date(2024, 1, 1)
    who = {"facility": "f", "patient": "p"}
    events = [
        Transplant(
            event_id="t",
            **who,
            occurred_on=index,
            transplant_type="kidney",
            enrolled_on=index + timedelta(days=21),
        ),
        *(
            Infection(
                event_id=f"i{day}", **who, occurred_on=index + timedelta(days=day), finding=FINDING
            )
            for day in (0, 10, 20, 25)
        ),
    ]
    found = timeline(events, FollowUpRules())
    counted = {
        days: sum(
            placed.counts
            for placed in under(found, under_window("fixed", days).case_definitions).episodes
        )
        for days in (11, 21)
    }
    assert counted == {11: 0, 21: 1}


def test_a_timeline_under_other_definitions_is_the_one_they_would_have_made() -> None:
    index = date(2024, 1, 1)
    who = {"facility": "f", "patient": "p"}
    events = [
        Transplant(event_id="t", **who, occurred_on=index, transplant_type="kidney"),
        Infection(event_id="a", **who, occurred_on=index + timedelta(days=5), finding=FINDING),
        Infection(event_id="b", **who, occurred_on=index + timedelta(days=40), finding=FINDING),
    ]
    rules = under_window("fixed", 14)
    again = under(timeline(events, FollowUpRules()), rules.case_definitions)
    assert again == timeline(events, rules)
    assert len(again.episodes) == 2


def test_the_window_in_force_is_there_unasked_and_each_once() -> None:
    asked = [RepeatWindow("rolling", 60), RepeatWindow("fixed", 9), RepeatWindow("fixed", 9)]
    found = variations(SHIPPED, "viral", (), asked)
    assert [(one.window, one.in_force) for one in found] == [
        (RepeatWindow("fixed", 9), False),
        (RepeatWindow("rolling", 60), True),
    ]
    assert found[1].definitions.fingerprint == SHIPPED.fingerprint
    alone = variations(SHIPPED, "viral", (), [])
    assert [one.window for one in alone] == [RepeatWindow("rolling", 60)]


@pytest.mark.parametrize(
    ("groups", "varied"),
    [
        ((), [None]),
        ((C_DIFFICILE,), [C_DIFFICILE]),
        (("Escherichia coli",), [None]),
        ((C_DIFFICILE, "Escherichia coli"), [None]),
    ],
)
def test_whose_definition_is_varied(groups: tuple[str, ...], varied: list[str | None]) -> None:
    assert [row.organism_group for row in varied_rows(SHIPPED, "bacterial", groups)] == varied


def test_groups_with_different_windows_have_none_in_force() -> None:
    general = SHIPPED.for_record("bacterial", None)
    other: CaseDefinition = replace(general, organism_group="Escherichia coli", repeat_days=30)
    mixed = SHIPPED.replaced_by([other])
    found = variations(
        mixed, "bacterial", (C_DIFFICILE, "Escherichia coli"), [RepeatWindow("fixed", 30)]
    )
    assert [one.in_force for one in found] == [False]
    for group in (C_DIFFICILE, "Escherichia coli"):
        assert found[0].definitions.for_record("bacterial", group).repeat_days == 30


def test_the_examples_hold() -> None:
    ran = doctest.testmod(repeat_windows)
    assert ran.attempted
    assert not ran.failed
