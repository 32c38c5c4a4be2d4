"""The ways in which an infection becomes known: at once, at a visit, by and by, or by mistake.

In:     an infection and the desk that reports it.
Out:    `infection_reports(desk, infection)`, the events sent about it.
Source: docs/api.md; the shares of corrections and mistakes are invented.
"""

from collections.abc import Iterator

from service.examples.desk import Desk, Event, Sent
from service.examples.happenings import Infected
from service.examples.spellings import NOT_YET_IDENTIFIED

CORRECTED_SHARE = 0.03
VOIDED_SHARE = 0.02
WITHIN_A_VISIT_SHARE = 0.25


def infection_reports(desk: Desk, infection: Infected) -> Iterator[Sent]:
    """One of the ways in which an infection becomes known."""
    finding = _finding(desk, infection)
    chance = desk.rng.random()
    if infection.cause == "ntm" and chance < 0.5:
        yield from _identified_later(desk, infection, finding)
    elif chance < CORRECTED_SHARE:
        yield from _dated_wrongly(desk, infection, finding)
    elif chance < CORRECTED_SHARE + WITHIN_A_VISIT_SHARE:
        visit = desk.event("follow_up", infection.day, infections=[finding])
        yield desk.sent(visit, infection.day)
    else:
        yield desk.sent(desk.event("infection", infection.day, **finding), infection.day)
        if chance > 1 - VOIDED_SHARE:
            yield from _meant_for_another(desk, infection, finding)


def _identified_later(desk: Desk, infection: Infected, finding: Event) -> Iterator[Sent]:
    pending: Event = {key: finding[key] for key in ("specimen", "status") if key in finding}
    pending["organism"] = desk.spelled(NOT_YET_IDENTIFIED)
    smear = desk.event("infection", infection.day, **pending)
    first = desk.sent(smear, infection.day)
    yield first
    culture = desk.event("infection", infection.day, **finding, replaces=smear["event_id"])
    yield desk.sent(culture, first.day + 21)


def _dated_wrongly(desk: Desk, infection: Infected, finding: Event) -> Iterator[Sent]:
    wrong_day = max(infection.day - 4, desk.life.happenings[0].day)
    wrong = desk.event("infection", wrong_day, **finding)
    first = desk.sent(wrong, infection.day)
    yield first
    right = desk.event("infection", infection.day, **finding, replaces=wrong["event_id"])
    yield desk.sent(right, first.day + 1)


def _meant_for_another(desk: Desk, infection: Infected, finding: Event) -> Iterator[Sent]:
    stray_day = min(infection.day + int(desk.rng.integers(20, 60)), desk.end_day)
    stray = desk.event("infection", stray_day, **finding)
    first = desk.sent(stray, stray_day)
    yield first
    void = desk.event("void", stray_day, voids=stray["event_id"], reason="wrong patient")
    yield desk.sent(void, first.day + 1)


def _finding(desk: Desk, infection: Infected) -> Event:
    cause = infection.cause
    finding: Event = {
        "organism": desk.spelled(infection.organism.spellings),
        "specimen": desk.spelled(infection.specimens),
    }
    if desk.rng.random() < 0.5:
        finding["infection_type"] = "ntm" if cause == "ntm_colonisation" else cause
    if cause == "ntm_colonisation":
        finding["status"] = "colonisation"
    elif cause == "ntm":
        finding["status"] = "disease"
    if desk.rng.random() < 0.1:
        finding["certainty"] = "probable"
    return finding
