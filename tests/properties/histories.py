"""Patients as chance would have them: histories of events in order of receipt, for property tests.

In:     Hypothesis; small alphabets and a compact calendar, so that windows, phases, gaps and
        references collide often.
Out:    strategies `histories`, `arrivals`, `deliveries`, `cohorts`; `stored` and `interleaved`.
Source: the events of `service.domain.events`; what can happen to a patient: docs/methods.md 2 to 4.

The number of an event's id says nothing of when it happened nor of when it arrived: ids are
dealt out at random, because "the greater event_id" decides ties and must not be "the later".
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from service.domain.events import (
    AnyEvent,
    Demographics,
    Finding,
    FollowUpVisit,
    Infection,
    Medication,
    Outcome,
    Regimen,
    Transplant,
    Void,
)

FIRST_DAY = date(2020, 1, 1)
"""The day most first transplants happen on; the calendar runs on for about three years."""

EDGES = (0, 1, 13, 14, 15, 30, 31, 56, 57, 60, 61, 90, 91, 100, 101, 180, 181, 365, 366, 730)
"""Distances in days at which a window, a phase or the grace period ends."""

days = st.one_of(
    st.sampled_from((0, 1, 10, 14, 31, 45)),
    st.sampled_from(EDGES),
    st.tuples(st.sampled_from(EDGES), st.sampled_from(EDGES)).map(sum),
    st.integers(-40, 120),
    st.integers(-400, 1000),
).map(lambda offset: FIRST_DAY + timedelta(days=offset))

agents = st.sets(st.sampled_from(("mycophenolic acid", "sirolimus", "tacrolimus")), max_size=2).map(
    lambda chosen: tuple(sorted(chosen))
)

kinds = st.sampled_from(
    (
        "infection",
        "infection",
        "visit",
        "visit",
        "regimen",
        "medication",
        "demographics",
        "outcome",
        "outcome",
    )
)
outcomes = st.sampled_from(
    ("lost_to_follow_up", "withdrawn", "transferred_out", "death", "death", "relapse")
)
statuses = st.sampled_from(("infection", "disease", "infection", "colonisation"))
certainties = st.sampled_from(("possible", "probable", "confirmed"))
sites = st.sampled_from(
    (("lung", "pulmonary"), ("blood", "extrapulmonary"), ("unknown", "unknown"))
)

ORGANISMS: Mapping[str, Sequence[tuple[str, str | None, str]]] = {
    "bacterial": [
        ("bacterial", "Escherichia coli", "Escherichia coli"),
        ("bacterial", "Staphylococcus aureus", "Staphylococcus aureus"),
        ("bacterial", "Clostridioides difficile", "Clostridioides difficile"),
        ("bacterial", None, "unknown"),
    ],
    "ntm": [
        ("ntm", "Mycobacterium avium", "Mycobacterium avium complex"),
        ("ntm", "Mycobacterium intracellulare", "Mycobacterium avium complex"),
        ("ntm", "Mycobacterium abscessus", "Mycobacterium abscessus complex"),
        ("ntm", None, "Mycobacterium avium complex"),
    ],
    "other": [
        ("viral", "Cytomegalovirus", "Cytomegalovirus"),
        ("viral", None, "unknown"),
        ("fungal", "Aspergillus fumigatus", "Aspergillus"),
        ("parasitic", "Toxoplasma gondii", "Toxoplasma"),
        ("tuberculosis", "Mycobacterium tuberculosis", "Mycobacterium tuberculosis complex"),
        ("unknown", None, "unknown"),
    ],
}
organisms = st.one_of(*(st.sampled_from(choices) for choices in ORGANISMS.values()))

identified_findings = st.builds(
    lambda what, where, status, certainty: Finding(
        infection_type=what[0],
        organism=what[1],
        organism_group=what[2],
        site=where[0],
        site_class=where[1],
        status=status,
        certainty=certainty,
    ),
    organisms,
    sites,
    statuses,
    certainties,
)
pending_findings = st.builds(
    lambda infection_type, where, status: Finding(
        infection_type=infection_type,
        site=where[0],
        site_class=where[1],
        status=status,
        pending=True,
    ),
    st.sampled_from(("unknown", "unknown", "tuberculosis")),
    sites,
    statuses,
)
findings = st.one_of(
    identified_findings, identified_findings, identified_findings, pending_findings
)

Draft = tuple[type[Any], dict[str, Any]]
"""An event that has neither id nor patient nor references yet."""


@st.composite
def transplant_drafts(draw: st.DrawFn, transplant_days: st.SearchStrategy[date] = days) -> Draft:
    occurred_on = draw(transplant_days)
    waited_days = draw(st.sampled_from((None, None, None, -5, 0, 1, 14, 45, 100, 400)))
    return Transplant, {
        "occurred_on": occurred_on,
        "transplant_type": draw(st.sampled_from(("kidney", "pancreas", "lung"))),
        "indication": draw(st.sampled_from(("unknown", "fibrosis"))),
        "birth_year": draw(st.sampled_from((None, 1950, 2002))),
        "age_years": draw(st.sampled_from((None, None, 0, 17, 18, 39, 40, 59, 60))),
        "sex": draw(st.sampled_from(("female", "male", "unknown"))),
        "enrolled_on": None if waited_days is None else occurred_on + timedelta(days=waited_days),
    }


@st.composite
def other_drafts(draw: st.DrawFn) -> Draft:
    occurred_on = draw(days)
    kind = draw(kinds)
    if kind == "infection":
        return Infection, {"occurred_on": occurred_on, "finding": draw(findings)}
    if kind == "visit":
        return FollowUpVisit, {
            "occurred_on": occurred_on,
            "agents": draw(st.none() | agents),
            "findings": tuple(draw(st.lists(findings, max_size=2))),
        }
    if kind == "regimen":
        return Regimen, {"occurred_on": occurred_on, "agents": draw(agents)}
    if kind == "medication":
        lasted = draw(st.none() | st.integers(0, 200))
        ended_on = None if lasted is None else occurred_on + timedelta(days=lasted)
        agent = draw(st.sampled_from(("sirolimus", "tacrolimus")))
        return Medication, {"occurred_on": occurred_on, "agent": agent, "ended_on": ended_on}
    if kind == "demographics":
        birth_year = draw(st.sampled_from((None, 1965, 2010)))
        sex = draw(st.sampled_from(("female", "other", "unknown")))
        return Demographics, {"occurred_on": occurred_on, "birth_year": birth_year, "sex": sex}
    outcome = draw(outcomes)
    return Outcome, {"occurred_on": occurred_on, "outcome": outcome}


@st.composite
def echo_drafts(draw: st.DrawFn, drafts: Sequence[Draft]) -> Draft:
    """An infection already reported, found again at about the end of its window, or elsewhere."""
    heard = [
        (fields["occurred_on"], finding)
        for kind, fields in drafts
        for finding in (fields["findings"] if kind is FollowUpVisit else [fields.get("finding")])
        if finding is not None
    ]
    if not heard:
        return draw(other_drafts())
    occurred_on, finding = draw(st.sampled_from(heard))
    other = draw(findings)
    if other.infection_type == finding.infection_type:
        finding = draw(
            st.sampled_from(
                (
                    finding,
                    msgspec.structs.replace(other, organism_group=finding.organism_group),
                    msgspec.structs.replace(other, site=finding.site),
                )
            )
        )
    elif finding.organism is None:
        finding = msgspec.structs.replace(finding, organism="named at last", pending=False)
    later = timedelta(days=draw(st.sampled_from(EDGES)))
    return Infection, {"occurred_on": occurred_on + later, "finding": finding}


transplant_lists = st.one_of(
    st.tuples(transplant_drafts(st.just(FIRST_DAY))),
    st.tuples(transplant_drafts(st.just(FIRST_DAY)), transplant_drafts()),
    st.lists(transplant_drafts(), max_size=3),
    st.tuples(  # two on one day, and perhaps one more
        transplant_drafts(st.just(FIRST_DAY)), transplant_drafts(st.just(FIRST_DAY))
    ),
    st.tuples(*[transplant_drafts(st.sampled_from((FIRST_DAY, date(2020, 4, 1))))] * 3),
).map(list)


@st.composite
def histories(
    draw: st.DrawFn, facility: str = "F1", patient: str = "P1", max_others: int = 12
) -> list[AnyEvent]:
    """One patient's events in order of receipt, each once, references pointing backwards."""
    drafts = draw(transplant_lists) + draw(st.lists(other_drafts(), max_size=max_others))
    for _ in range(draw(st.integers(0, 3))):
        drafts.append(draw(echo_drafts(drafts)))
    drafts = draw(st.permutations(drafts))
    undoings = draw(st.lists(st.integers(0, 40), max_size=4))
    for position in undoings:  # voids arrive anywhere, but not first
        drafts.insert(1 + position % max(len(drafts), 1), (Void, {}))
    numbers = draw(st.permutations(range(len(drafts))))
    events: list[AnyEvent] = []
    for (kind, fields), number in zip(drafts, numbers, strict=True):
        earlier = [event.event_id for event in events]
        name = {"event_id": f"{patient}-{number:02}", "facility": facility, "patient": patient}
        if kind is Void and not earlier:
            continue
        if kind is Void:
            fields = {"occurred_on": draw(days), "voids": draw(st.sampled_from(earlier))}
        if earlier and draw(st.integers(0, 5)) == 5:
            fields = {**fields, "replaces": draw(st.sampled_from(earlier))}
        events.append(kind(**name, **fields))
    return events


def refers_to(event: AnyEvent) -> set[str]:
    """The ids of the earlier events that this one corrects or withdraws."""
    return {
        named
        for named in (event.replaces, event.voids if isinstance(event, Void) else None)
        if named is not None
    }


@st.composite
def arrivals(draw: st.DrawFn, history: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The same events in another order of receipt; what is referred to still comes first."""
    waiting = draw(st.permutations(list(history)))
    arrived: list[AnyEvent] = []
    known: set[str] = set()
    while waiting:
        ready = next(event for event in waiting if refers_to(event) <= known)
        waiting.remove(ready)
        arrived.append(ready)
        known.add(ready.event_id)
    return arrived


@st.composite
def deliveries(draw: st.DrawFn, history: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The history as an unreliable sender delivers it: in order, some events again later on."""
    delivered: list[AnyEvent] = list(history)
    for _ in range(draw(st.integers(0, 3)) if delivered else 0):
        again = draw(st.integers(0, len(delivered) - 1))
        later = draw(st.integers(again + 1, len(delivered)))
        delivered.insert(later, msgspec.structs.replace(delivered[again]))
    return delivered


def stored(delivered: Iterable[AnyEvent]) -> list[AnyEvent]:
    """What the event store keeps of a delivery: each event once, where it first came."""
    kept: dict[tuple[str, str, str], AnyEvent] = {}
    for event in delivered:
        kept.setdefault((event.facility, event.patient, event.event_id), event)
    return list(kept.values())


PatientKey = tuple[str, str]
"""(facility, patient): a pseudonym means nothing outside its facility."""


@st.composite
def cohorts(
    draw: st.DrawFn, max_patients: int = 4, max_others: int = 6
) -> dict[PatientKey, list[AnyEvent]]:
    """A few patients of one to three facilities; some pseudonyms recur in another facility."""
    keys = st.tuples(st.sampled_from(("F1", "F2", "F3")), st.sampled_from(("P1", "P2", "P3")))
    return {
        key: draw(histories(facility=key[0], patient=key[1], max_others=max_others))
        for key in draw(st.lists(keys, unique=True, min_size=1, max_size=max_patients))
    }


@st.composite
def interleaved(draw: st.DrawFn, cohort: Mapping[PatientKey, Sequence[AnyEvent]]) -> list[AnyEvent]:
    """All patients' events in one order of receipt, some of them delivered twice."""
    left = {key: list(history) for key, history in cohort.items() if history}
    merged: list[AnyEvent] = []
    while left:
        key = draw(st.sampled_from(sorted(left)))
        merged.append(left[key].pop(0))
        if not left[key]:
            del left[key]
    return draw(deliveries(merged))
