"""Which events stand: corrections of corrections, voids, and voids of either."""

from datetime import date

from service.domain.events import AnyEvent, Outcome, Void
from service.domain.history import standing_events

DAY = date(2024, 1, 1)


def report(event_id: str, replaces: str | None = None) -> Outcome:
    return Outcome(
        event_id=event_id,
        facility="ucd-01",
        patient="p1",
        occurred_on=DAY,
        outcome="relapse",
        replaces=replaces,
    )


def void(event_id: str, voids: str, replaces: str | None = None) -> Void:
    return Void(
        event_id=event_id,
        facility="ucd-01",
        patient="p1",
        occurred_on=DAY,
        voids=voids,
        replaces=replaces,
    )


def standing(*received: AnyEvent) -> list[str]:
    return [event.event_id for event in standing_events(received) if not isinstance(event, Void)]


def test_a_correction_of_a_correction_stands_for_all_before_it() -> None:
    """1, then 2 corrects 1, then 3 corrects 2: an infection corrected twice is one infection."""
    assert standing(report("1"), report("2", "1"), report("3", "2")) == ["3"]


def test_voiding_the_last_correction_brings_back_the_one_before_it() -> None:
    received = (report("1"), report("2", "1"), report("3", "2"), void("v", "3"))
    assert standing(*received) == ["2"]


def test_voiding_a_correction_that_was_itself_corrected_changes_nothing() -> None:
    received = (report("1"), report("2", "1"), report("3", "2"), void("v", "2"))
    assert standing(*received) == ["3"]


def test_voiding_a_correction_brings_the_original_back() -> None:
    assert standing(report("1"), report("2", "1"), void("v", "2")) == ["1"]


def test_a_void_that_is_voided_or_corrected_withdraws_nothing() -> None:
    assert standing(report("1"), void("v", "1"), void("w", "v")) == ["1"]
    assert standing(report("1"), void("v", "1"), report("2", replaces="v")) == ["1", "2"]
