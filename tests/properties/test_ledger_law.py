"""The law of the house: the ledger says what counting day by day says, for any history.

In:     `service.domain.contributions`, the auditor's `day_by_day`, random `histories`.
Out:    passes while posted ledger = replay from nothing = counting day by day.
Source: docs/methods.md 2 to 4 (what a day is worth) and 6 (the ledger and its law).

First the law, for any history; then the tricky patients by name, each read from both books.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.contributions import Contributions, Step, contributions, steps
from service.domain.events import (
    AnyEvent,
    Finding,
    FollowUpVisit,
    Infection,
    Outcome,
    Regimen,
    Transplant,
    Void,
)
from service.domain.rules import FollowUpRules
from service.reference.case_definitions import shipped_case_definitions
from tests.properties.day_by_day import CountedEpisode, DayStratum, count_day_by_day
from tests.properties.histories import (
    FIRST_DAY,
    arrivals,
    cohorts,
    deliveries,
    histories,
    interleaved,
    stored,
)

law = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
graces = st.sampled_from((90, 90, 30, 1, 0))


# --- Two books of one patient, written down alike ------------------------------------------------


class Entry(NamedTuple):
    """A day of one course on which a risk set holds."""

    risk_set: str
    day: int
    index_day: int
    stratum: DayStratum


class Book(NamedTuple):
    """All days and episodes of a patient; counted, so that nothing can stand in it twice unseen."""

    entries: Counter[Entry]
    episodes: Counter[CountedEpisode]


MARKERS = {"entered", "died", "retransplanted", "relapsed", "graft_failed"}
"""Moments, not spans: posted once, up on the day and never down."""

BookKeeper = Callable[[Sequence[AnyEvent], int], Book]


def by_hand(history: Sequence[AnyEvent], followup_grace_days: int = 90) -> Book:
    """The auditor's book."""
    count = count_day_by_day(history, followup_grace_days)
    entries: Counter[Entry] = Counter()
    for day, at_risk in count.days.items():
        risk_sets = {"follow_up", *at_risk.not_at_risk}
        if at_risk.is_entry:
            risk_sets.add("entered")
        if at_risk.is_death:
            risk_sets.add("died")
        if at_risk.is_last_before_transplant:
            risk_sets.add("retransplanted")
        if at_risk.is_first_relapse:
            risk_sets.add("relapsed")
        if at_risk.is_first_graft_failure:
            risk_sets.add("graft_failed")
        for risk_set in risk_sets:
            entries[Entry(risk_set, day, at_risk.index_day, at_risk.stratum)] += 1
    return Book(entries, Counter(count.episodes))


def by_ledger(history: Sequence[AnyEvent], followup_grace_days: int = 90) -> Book:
    """The product's book, its segments laid out in days."""
    contributed = contribute(history, followup_grace_days)
    entries: Counter[Entry] = Counter()
    for segment in contributed.segments:
        assert segment.start_day <= segment.end_day
        for day in range(segment.start_day, segment.end_day + 1):
            stratum = in_auditors_terms(segment.stratum)
            entries[Entry(segment.risk_set, day, segment.index_day, stratum)] += 1
    ids = [episode.episode_id for episode in contributed.episodes]
    assert len(ids) == len(set(ids)), "every episode has an id of its own"
    return Book(
        entries,
        Counter(
            CountedEpisode(
                course_index_day=episode.course_index_day,
                stratum=in_auditors_terms(episode.stratum) if episode.counted else None,
                counted=episode.counted,
                onset_day=episode.onset_day,
                infection_type=episode.infection_type,
                organism=episode.organism,
                organism_group=episode.organism_group,
                site=episode.site,
                site_class=episode.site_class,
                status=episode.status,
                certainty=episode.certainty,
                first_of_type=episode.first_of_type,
                first_of_any=episode.first_of_any,
            )
            for episode in contributed.episodes
        ),
    )


def contribute(history: Sequence[AnyEvent], followup_grace_days: int = 90) -> Contributions:
    """What the product says the history adds to the ledger."""
    return contributions(
        history,
        FollowUpRules(
            followup_grace_days=followup_grace_days, case_definitions=shipped_case_definitions()
        ),
    )


def in_auditors_terms(stratum: Any) -> DayStratum:
    """The product's stratum, dimension by dimension."""
    return DayStratum(*(getattr(stratum, dimension) for dimension in DayStratum._fields))


# --- The ledger as it is posted and as it is asked -----------------------------------------------

Ledger = Counter[Step]
"""Changes by (stratum, risk set, day); a change of nothing is not kept."""


def post(ledger: Ledger, before: Contributions, after: Contributions) -> None:
    """The one rule of docs/methods.md 6: add `contributions(after) - contributions(before)`."""
    ledger.update(steps(after.segments))
    ledger.subtract(steps(before.segments))
    for step in [step for step, change in ledger.items() if change == 0]:
        del ledger[step]


def person_days(
    ledger: Mapping[Step, int], risk_set: str, start: int, end: int
) -> Counter[DayStratum]:
    """The formula of docs/methods.md 6, by stratum."""
    totals: Counter[DayStratum] = Counter()
    for (stratum, of, day), change in ledger.items():
        if of == risk_set:
            totals[in_auditors_terms(stratum)] += change * max(0, end + 1 - max(start, day))
    return totals


def person_days_by_look_up(ledger: Mapping[Step, int], risk_set: str, start: int, end: int) -> int:
    """The same for the whole, as two look-ups of S0 and S1 before a day."""

    def before(day: int) -> int:
        steps = [
            (at, change) for (_, of, at), change in ledger.items() if of == risk_set and at < day
        ]
        s0: int = sum(change for _, change in steps)
        s1: int = sum(change * at for at, change in steps)
        return s0 * day - s1

    return before(end + 1) - before(start)


def days_counted(
    entries: Iterable[Entry], risk_set: str, start: int, end: int
) -> Counter[DayStratum]:
    """The same by counting the days of the auditor's book."""
    return Counter(
        entry.stratum
        for entry in entries
        if entry.risk_set == risk_set and start <= entry.day <= end
    )


def without_nothing(totals: Counter[DayStratum]) -> dict[DayStratum, int]:
    return {stratum: days for stratum, days in totals.items() if days}


# --- The law -------------------------------------------------------------------------------------


@law
@given(histories(), graces)
def test_every_day_is_worth_what_counting_day_by_day_says(
    history: list[AnyEvent], grace: int
) -> None:
    assert by_ledger(history, grace).entries == by_hand(history, grace).entries


@law
@given(histories(), graces)
def test_every_episode_is_what_counting_day_by_day_says(
    history: list[AnyEvent], grace: int
) -> None:
    assert by_ledger(history, grace).episodes == by_hand(history, grace).episodes


@law
@given(st.data())
def test_the_order_of_arrival_changes_nothing(data: st.DataObject) -> None:
    history = data.draw(histories())
    elsewhere = data.draw(arrivals(history))
    assert contribute(elsewhere) == contribute(history)


@law
@given(st.data())
def test_differences_posted_one_event_at_a_time_make_the_ledger_of_the_whole(
    data: st.DataObject,
) -> None:
    """Along any order of arrival, duplicates delivered too; late events, corrections, voids."""
    history = data.draw(histories(max_others=8))
    delivered = data.draw(deliveries(data.draw(arrivals(history))))
    ledger: Ledger = Counter()
    before = contribute([])
    for received in range(1, len(delivered) + 1):
        after = contribute(stored(delivered[:received]))
        post(ledger, before, after)
        before = after
    replayed: Ledger = Counter()
    post(replayed, contribute([]), contribute(history))
    assert ledger == replayed
    assert_ledger_counts_days(ledger, by_hand(history).entries, data)


@law
@given(st.data())
def test_a_cohort_posted_patient_by_patient_counts_everybodys_days(data: st.DataObject) -> None:
    """One ledger for one to three facilities, the patients' events arriving interleaved."""
    cohort = data.draw(cohorts())
    ledger: Ledger = Counter()
    known: dict[tuple[str, str], list[AnyEvent]] = {key: [] for key in cohort}
    for event in data.draw(interleaved(cohort)):
        key = (event.facility, event.patient)
        before = contribute(known[key])
        known[key] = stored([*known[key], event])
        post(ledger, before, contribute(known[key]))
    everybody: Counter[Entry] = Counter()
    for history in cohort.values():
        everybody.update(by_hand(history).entries)
    assert_ledger_counts_days(ledger, everybody, data)


def assert_ledger_counts_days(ledger: Ledger, entries: Counter[Entry], data: st.DataObject) -> None:
    """Over any window, in every risk set, the formula and the two look-ups count the days."""
    start = FIRST_DAY.toordinal() + data.draw(st.integers(-420, 1900), "start")
    end = start + data.draw(st.integers(0, 1500), "length")
    everything = list(entries.elements())
    risk_sets = {of for _, of, _ in ledger} | {entry.risk_set for entry in everything}
    for risk_set in sorted(risk_sets - MARKERS):
        counted = days_counted(everything, risk_set, start, end)
        assert without_nothing(person_days(ledger, risk_set, start, end)) == counted
        assert person_days_by_look_up(ledger, risk_set, start, end) == counted.total()
    for marker in MARKERS:
        moments: Counter[DayStratum] = Counter()
        for (stratum, risk_set, day), change in ledger.items():
            if risk_set == marker and start <= day <= end:
                moments[in_auditors_terms(stratum)] += change
        assert moments == days_counted(everything, marker, start, end)


@law
@given(histories(), graces)
def test_a_day_of_follow_up_has_exactly_one_stratum(history: list[AnyEvent], grace: int) -> None:
    """Strata are disjoint and add up; what is not at risk is follow-up of the same stratum."""
    entries = by_ledger(history, grace).entries
    followed = [entry for entry in entries.elements() if entry.risk_set == "follow_up"]
    stratum_of = {entry.day: (entry.index_day, entry.stratum) for entry in followed}
    assert len(followed) == len(stratum_of)
    by_stratum = Counter(entry.stratum for entry in followed)
    assert by_stratum.total() == len(stratum_of)
    for entry, times in entries.items():
        assert times == 1
        assert stratum_of[entry.day] == (entry.index_day, entry.stratum)


# --- The tricky patients, by name ----------------------------------------------------------------
#
# Days are counted from the first transplant, day 0.


@pytest.fixture(params=[by_hand, by_ledger], ids=["day by day", "ledger"])
def book(request: pytest.FixtureRequest) -> BookKeeper:
    """Each chart is read by the auditor and by the product."""
    keeper: BookKeeper = request.param
    return keeper


def stamp(day: int, name: str, event_id: str | None) -> dict[str, Any]:
    return {
        "event_id": event_id or f"{name} on {day}",
        "facility": "F1",
        "patient": "P1",
        "occurred_on": FIRST_DAY + timedelta(days=day),
    }


def transplanted(
    day: int, what: str = "kidney", event_id: str | None = None, **more: Any
) -> AnyEvent:
    return Transplant(**stamp(day, what, event_id), transplant_type=what, **more)


def seen(day: int, *found: Finding) -> AnyEvent:
    return FollowUpVisit(**stamp(day, "visit", None), findings=found)


def on_agents(day: int, *agents: str, event_id: str | None = None) -> AnyEvent:
    return Regimen(**stamp(day, "regimen", event_id), agents=agents)


def ended(day: int, how: str) -> AnyEvent:
    return Outcome(**stamp(day, how, None), outcome=how)


def ill(day: int, what: Finding, event_id: str | None = None, **more: Any) -> AnyEvent:
    return Infection(
        **stamp(day, f"{what.infection_type} {what.site}", event_id), finding=what, **more
    )


def voided(day: int, what: AnyEvent) -> AnyEvent:
    return Void(**stamp(day, "void", None), voids=what.event_id)


def bacterial(site: str = "lung", **more: Any) -> Finding:
    return Finding(infection_type="bacterial", site=site, **more)


def ntm(group: str = "Mycobacterium avium complex", **more: Any) -> Finding:
    return Finding(infection_type="ntm", organism_group=group, **more)


def day_number(ordinal: int) -> int:
    return ordinal - FIRST_DAY.toordinal()


def days_in(kept: Book, risk_set: str = "follow_up") -> set[int]:
    return {day_number(entry.day) for entry in kept.entries if entry.risk_set == risk_set}


def at_risk_of_first(kept: Book, infection_type: str) -> set[int]:
    return days_in(kept) - days_in(kept, f"not_at_risk_first:{infection_type}")


def through(first: int, last: int) -> set[int]:
    """All days from the first to the last, both included."""
    return set(range(first, last + 1))


def days_with(kept: Book, **wanted: str) -> set[int]:
    """The days of follow-up whose stratum has these values."""
    return {
        day_number(entry.day)
        for entry in kept.entries
        if entry.risk_set == "follow_up"
        and all(getattr(entry.stratum, name) == value for name, value in wanted.items())
    }


def onsets(kept: Book, **wanted: object) -> list[int]:
    """The onset days of the episodes that have these values."""
    return sorted(
        day_number(episode.onset_day)
        for episode in kept.episodes.elements()
        if all(getattr(episode, name) == value for name, value in wanted.items())
    )


def test_a_patient_enrolled_late_adds_nothing_before(book: BookKeeper) -> None:
    """
    0    kidney transplant elsewhere; enrolled here on day 45
    20   pneumonia, told by the patient
    100  seen
    """
    kept = book(
        [
            transplanted(0, enrolled_on=FIRST_DAY + timedelta(days=45)),
            ill(20, bacterial()),
            seen(100),
        ],
        90,
    )
    assert days_in(kept) == through(45, 190)
    assert days_in(kept, "entered") == {45}
    assert days_with(kept, phase="31-100") == through(45, 100)
    assert days_with(kept, phase="181-365") == through(181, 190)
    assert onsets(kept, counted=True) == []


def test_a_second_transplant_closes_the_first_course(book: BookKeeper) -> None:
    """
    0    kidney transplant
    50   lung transplant
    50   pneumonia: an infection of the second course
    """
    kept = book([transplanted(0), transplanted(50, "lung"), ill(50, bacterial())], 90)
    assert days_with(kept, transplant_type="kidney") == through(0, 49)
    assert days_with(kept, transplant_type="lung") == through(50, 140)
    assert days_with(kept, transplant_type="lung", phase="0-30") == through(50, 80)
    assert days_in(kept, "entered") == {0, 50}
    assert onsets(kept, course_index_day=FIRST_DAY.toordinal() + 50, counted=True) == [50]


def test_the_infection_that_brings_a_lost_patient_back_does_not_count(book: BookKeeper) -> None:
    """
    0    kidney transplant
    30   lost to follow-up
    100  pneumonia brings the patient back
    101  bacteraemia
    """
    kept = book(
        [
            transplanted(0),
            ended(30, "lost_to_follow_up"),
            ill(100, bacterial("lung")),
            ill(101, bacterial("blood")),
        ],
        90,
    )
    assert days_in(kept) == through(0, 30) | through(101, 191)
    assert days_in(kept, "entered") == {0}
    assert onsets(kept, counted=False) == [100]
    assert onsets(kept, counted=True, first_of_type=True, first_of_any=True) == [101]
    # The pneumonia's window, 100 to 113, is over only after the first counted one.
    assert at_risk_of_first(kept, "bacterial") == through(0, 30)


def test_two_reports_of_one_loss_add_no_time(book: BookKeeper) -> None:
    """
    0    kidney transplant
    30   lost to follow-up
    60   lost to follow-up, reported again
    80   seen, and withdrawn on the same day
    """
    history = [
        transplanted(0),
        ended(30, "lost_to_follow_up"),
        ended(60, "lost_to_follow_up"),
        seen(80),
        ended(80, "withdrawn"),
    ]
    assert days_in(book(history, 90)) == through(0, 30)


def test_a_patient_can_be_lost_and_found_more_than_once(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   lost; 20 seen
    21   lost: one day of follow-up between
    40   seen; 300 withdrawn: a contact, so the silence before it was none
    """
    history = [
        transplanted(0),
        ended(10, "lost_to_follow_up"),
        seen(20),
        ended(21, "lost_to_follow_up"),
        seen(40),
        ended(300, "withdrawn"),
    ]
    assert days_in(book(history, 90)) == through(0, 10) | {21} | through(41, 300)


def test_death_before_entry_leaves_no_time(book: BookKeeper) -> None:
    """
    0    kidney transplant elsewhere; enrolled here on day 45
    20   died
    50   a visit, surely somebody else's
    60   another transplant, surely too
    """
    kept = book(
        [
            transplanted(0, enrolled_on=FIRST_DAY + timedelta(days=45)),
            ended(20, "death"),
            seen(50, ntm()),
            transplanted(60),
        ],
        90,
    )
    assert days_in(kept) == days_in(kept, "entered") == set()
    assert onsets(kept, counted=False) == [50]


def test_the_day_of_entry_and_the_day_of_death_are_time_at_risk(book: BookKeeper) -> None:
    """
    0    kidney transplant; died of sepsis on the same day
    """
    kept = book([transplanted(0), ill(0, bacterial("blood")), ended(0, "death")], 90)
    assert days_in(kept) == days_in(kept, "entered") == days_in(kept, "died") == {0}
    assert onsets(kept, counted=True) == [0]


def test_a_death_on_the_day_of_the_next_transplant_belongs_to_it(book: BookKeeper) -> None:
    """
    0    kidney transplant
    50   lung transplant; died in theatre
    """
    kept = book([transplanted(0), transplanted(50, "lung"), ended(50, "death")], 90)
    assert days_with(kept, transplant_type="kidney") == through(0, 49)
    assert days_with(kept, transplant_type="lung") == days_in(kept, "died") == {50}


def test_a_death_after_the_loss_ends_no_follow_up(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   lost to follow-up
    40   died, as the registry says
    """
    kept = book([transplanted(0), ended(10, "lost_to_follow_up"), ended(40, "death")], 90)
    assert days_in(kept) == through(0, 10)
    assert days_in(kept, "died") == set()


def test_an_infection_counts_against_the_regimen_before_the_change_it_caused(
    book: BookKeeper,
) -> None:
    """
    0    kidney transplant, tacrolimus
    40   pneumonia; immunosuppression stopped on the very day
    """
    kept = book(
        [
            transplanted(0),
            on_agents(0, "tacrolimus"),
            ill(40, bacterial()),
            on_agents(40),
        ],
        90,
    )
    assert days_with(kept, regimen="tacrolimus") == through(0, 40)
    assert days_with(kept, regimen="none") == through(41, 130)
    [case] = kept.episodes
    assert case.stratum is not None
    assert case.stratum.regimen == "tacrolimus"


def test_a_regimen_carries_over_into_the_next_course(book: BookKeeper) -> None:
    """
    -5   sirolimus, before any transplant
    0    kidney transplant
    10   mycophenolic acid and tacrolimus; a second sheet of that day, of greater id, says sirolimus
    100  lung transplant
    200  kidney transplant; tacrolimus from that day, so from entry
    """
    kept = book(
        [
            on_agents(-5, "sirolimus"),
            transplanted(0),
            on_agents(10, "sirolimus", event_id="sheet 2"),
            on_agents(10, "mycophenolic acid", "tacrolimus", event_id="sheet 1"),
            transplanted(100, "lung"),
            transplanted(200),
            on_agents(200, "tacrolimus"),
        ],
        90,
    )
    assert days_with(kept, regimen="sirolimus") == through(0, 199)
    assert days_with(kept, regimen="tacrolimus") == through(200, 290)


def test_silence_is_not_health_until_news_arrives(book: BookKeeper) -> None:
    """
    0    kidney transplant
    200  seen
    """
    assert days_in(book([transplanted(0)], 90)) == through(0, 90)
    assert days_in(book([transplanted(0)], 0)) == {0}
    assert days_in(book([transplanted(0), seen(200)], 90)) == through(0, 290)


def test_an_ntm_disease_under_way_hides_the_first_one(book: BookKeeper) -> None:
    """
    -100  M. avium complex
    0     kidney transplant
    260   M. abscessus, counted, though inside the other group's window (to day 265)
    """
    before = [ill(-100, ntm()), transplanted(0)]
    kept = book([*before, seen(300)], 90)
    assert at_risk_of_first(kept, "ntm") == through(266, 390)
    assert onsets(kept, course_index_day=None, counted=False) == [-100]

    kept = book([*before, ill(260, ntm("Mycobacterium abscessus complex")), seen(300)], 90)
    assert at_risk_of_first(kept, "ntm") == set()
    assert onsets(kept, counted=True, first_of_type=True) == [260]


def test_a_bacterial_infection_before_transplant_does_not_hide_the_next(book: BookKeeper) -> None:
    """
    -5   pneumonia; its window ends on day 8
    0    kidney transplant
    8    pneumonia: still the same
    9    pneumonia: a new one, the first that counts
    """
    kept = book(
        [
            ill(-5, bacterial()),
            transplanted(0),
            ill(8, bacterial()),
            ill(9, bacterial()),
        ],
        90,
    )
    assert onsets(kept, counted=True, first_of_type=True) == [9]
    assert at_risk_of_first(kept, "bacterial") == {9}
    assert days_in(kept, "not_at_risk_repeat:bacterial") == through(0, 8) | through(10, 22)
    assert days_in(kept, "not_at_risk_first:any") == through(10, 99)


def test_an_infection_of_the_course_before_is_under_way_in_the_next(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   M. avium complex: the first of this course
    50   lung transplant; the disease is still the same one until day 375
    400  M. avium complex: the first of this course
    """
    kept = book([transplanted(0), ill(10, ntm()), transplanted(50, "lung"), ill(400, ntm())], 90)
    assert onsets(kept, counted=True, first_of_type=True, first_of_any=True) == [10, 400]
    assert at_risk_of_first(kept, "ntm") == through(0, 10) | through(376, 400)
    assert days_in(kept, "not_at_risk_first:any") == through(11, 49) | through(401, 490)


@pytest.mark.parametrize(
    ("finding", "days_of_records", "days_of_onset"),
    [
        (bacterial(), (10, 23), [10]),
        (bacterial(), (10, 24), [10, 24]),
        (bacterial(), (10, 20, 24), [10, 24]),
        (bacterial(organism_group="Clostridioides difficile"), (10, 65), [10]),
        (bacterial(organism_group="Clostridioides difficile"), (10, 66), [10, 66]),
        (Finding(infection_type="unknown", site="lung", pending=True), (10, 24), [10, 24]),
        (Finding(infection_type="viral"), (10, 70, 130), [10]),
        (Finding(infection_type="viral"), (10, 71), [10, 71]),
        (Finding(infection_type="fungal"), (10, 100, 191), [10, 191]),
        (Finding(infection_type="parasitic"), (10, 70, 131), [10, 131]),
        (ntm(), (10, 375, 740), [10]),
        (ntm(), (10, 375, 741), [10, 741]),
        (Finding(infection_type="tuberculosis"), (10, 376), [10, 376]),
    ],
)
def test_a_window_ends_on_its_day(
    book: BookKeeper, finding: Finding, days_of_records: tuple[int, ...], days_of_onset: list[int]
) -> None:
    """
    0       kidney transplant
    10...   the same infection again: fixed windows end n - 1 days after the onset,
            rolling windows n days after the last record
    """
    kept = book([transplanted(0), *(ill(day, finding) for day in days_of_records)], 90)
    assert onsets(kept) == days_of_onset


def test_colonisation_is_kept_apart(book: BookKeeper) -> None:
    """
    0    lung transplant
    20   M. avium complex isolated, no disease
    40   M. avium complex disease: the first infection, not the same episode
    """
    kept = book(
        [
            transplanted(0, "lung"),
            ill(20, ntm(status="colonisation")),
            ill(40, ntm(status="disease")),
        ],
        90,
    )
    assert onsets(kept, status="colonisation", first_of_type=True, first_of_any=False) == [20]
    assert onsets(kept, status="disease", first_of_type=True, first_of_any=True) == [40]
    assert at_risk_of_first(kept, "ntm") == through(0, 40)
    assert at_risk_of_first(kept, "ntm:colonisation") == through(0, 20)
    assert at_risk_of_first(kept, "any") == through(0, 40)


def test_two_transplants_of_one_day_are_one_course(book: BookKeeper) -> None:
    """
    0    pancreas (event a) and kidney (event b); b's fields hold
    """
    kept = book(
        [
            transplanted(0, "kidney", event_id="b", sex="female", age_years=40),
            transplanted(0, "pancreas", event_id="a", sex="male", indication="diabetes"),
        ],
        90,
    )
    assert days_in(kept, "entered") == {0}
    assert days_in(kept) == days_with(
        kept,
        transplant_type="kidney+pancreas",
        sex="female",
        age_group="40-59",
        indication="unknown",
        regimen="unrecorded",
    )


def test_the_first_identified_record_names_the_episode(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   pneumonia, possible, no organism
    12   Staphylococcus aureus, the disease, probable
    14   Escherichia coli, confirmed
    """
    aureus, coli = "Staphylococcus aureus", "Escherichia coli"
    kept = book(
        [
            transplanted(0),
            ill(10, bacterial(certainty="possible")),
            ill(12, bacterial(organism=aureus, status="disease", certainty="probable")),
            ill(14, bacterial(organism=coli)),
        ],
        90,
    )
    [episode] = kept.episodes
    assert (episode.organism, episode.status, episode.certainty) == (aureus, "disease", "confirmed")
    assert day_number(episode.onset_day) == 10


def test_of_records_of_one_day_the_smallest_event_id_speaks(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   Staphylococcus aureus in the lung (event b)
    10   a visit (event a): bacteraemia, and second Escherichia coli in the lung
    """
    visit = FollowUpVisit(
        **stamp(10, "visit", "a"),
        findings=(bacterial("blood"), bacterial("lung", organism="Escherichia coli")),
    )
    aureus = ill(10, bacterial("lung", organism="Staphylococcus aureus"), event_id="b")
    kept = book([transplanted(0), aureus, visit], 90)
    [pneumonia] = [episode for episode in kept.episodes if episode.site == "lung"]
    assert pneumonia.organism == "Escherichia coli"


def test_voiding_a_correction_brings_the_original_back(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   "AFB in sputum", pending
    10   corrected: M. abscessus
         the correction is withdrawn; the withdrawal is withdrawn too
    """
    pending = ill(10, Finding(infection_type="unknown", site="lung", pending=True), event_id="afb")
    named = ill(
        10, ntm("Mycobacterium abscessus complex"), event_id="named", replaces=pending.event_id
    )
    withdrawn = voided(20, named)
    kept_after = [transplanted(0), pending, named]
    assert onsets(book(kept_after, 90), infection_type="ntm") == [10]
    assert onsets(book([*kept_after, withdrawn], 90), infection_type="ntm") == []
    assert onsets(book([*kept_after, withdrawn], 90), infection_type="unknown") == [10]
    again = book([*kept_after, withdrawn, voided(30, withdrawn)], 90)
    assert onsets(again, infection_type="ntm", first_of_any=True) == [10]
    assert onsets(again, infection_type="unknown") == []
    assert days_in(again) == through(0, 100), "a void is no contact"


def test_of_infections_of_one_day_the_smallest_event_id_is_first(book: BookKeeper) -> None:
    """
    0    kidney transplant
    10   pneumonia (event b); CMV and bacteraemia (event a, in this order)
    """
    cmv = Finding(infection_type="viral", organism="Cytomegalovirus")
    visit = FollowUpVisit(**stamp(10, "visit", "a"), findings=(cmv, bacterial("blood")))
    kept = book([transplanted(0), ill(10, bacterial("lung"), event_id="b"), visit], 90)
    [first] = [episode for episode in kept.episodes if episode.first_of_any]
    assert first.infection_type == "viral"
    [first_bacterial] = [
        episode
        for episode in kept.episodes
        if episode.first_of_type and episode.infection_type == "bacterial"
    ]
    assert first_bacterial.site == "blood"


def test_a_patient_whose_transplant_is_not_known_yet_has_no_time(book: BookKeeper) -> None:
    """
    10   pneumonia reported; the transplant report is late or was withdrawn
    """
    transplant = transplanted(0)
    for history in (
        [ill(10, bacterial())],
        [transplant, ill(10, bacterial()), voided(20, transplant)],
    ):
        kept = book(history, 90)
        assert not kept.entries
        assert onsets(kept, counted=False, course_index_day=None) == [10]
    assert book([], 90) == Book(Counter(), Counter())


def test_the_calendar_is_the_patients(book: BookKeeper) -> None:
    """A leap day counts as every other day."""
    kept = book([transplanted(0), seen(365)], 90)
    assert FIRST_DAY + timedelta(days=59) == date(2020, 2, 29)
    assert days_in(kept) == through(0, 455)
