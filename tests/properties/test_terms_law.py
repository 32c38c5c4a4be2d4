"""An event sent before its terms were decided comes to what it comes to if sent after.

In:     random charts of three patients at two facilities with terms that nobody can read, and
        decisions on those terms between arrivals, taken back and made again.
Out:    passes while every figure is that of the decisions as they are, the past stays as it was,
        a rebuild finds nothing, and a mapped term counts as the term it is mapped to.
Source: docs/decisions/0013-terms-that-wait.md.
"""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.audit_chain import Actor
from service.domain.figures import RateDefinition
from service.domain.terms import Kind, Meaning
from service.ingest.faults import Draft
from service.ingest.items import read_item
from service.pipeline.explain import explain
from service.pipeline.rates import rate_table
from service.pipeline.rebuild import rebuild
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.pipeline.terms import decide_term, meaning_of_name, term_named
from tests.properties.recorded import empty, recorded
from tests.properties.test_rates_law import law

ME = Actor("test")
FIRST_DAY = date(2024, 1, 1)
END_DAY = FIRST_DAY.toordinal() + 600
PLACES = (("F1", "P1"), ("F1", "P2"), ("F2", "P1"))
TARGETS: dict[tuple[Kind, str], str] = {
    ("organism", "Zqx absessus"): "Mycobacterium abscessus",
    ("organism", "zqx colii"): "Escherichia coli",
    ("agent", "Zqximus"): "tacrolimus",
    ("agent", "Zqxporin"): "ciclosporin",
    ("site", "zqx lobe"): "lung",
    ("site", "zqx fluid"): "sputum",
    ("transplant_type", "zqx graft"): "kidney",
}
TERMS = list(TARGETS)
FIGURES = [
    RateDefinition(None, END_DAY, by=("transplant_type", "regimen", "infection_type")),
    RateDefinition(None, END_DAY, by=("site",), episodes="all", person_time="follow_up"),
]
TOTAL = RateDefinition(None, END_DAY)
Events = list[dict[str, Any]]


def words(kind: Kind, *known: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*known, *(text for of, text in TERMS if of == kind)])


organisms = words("organism", "M. abscessus", "AFB")
places = words("site", "lung", "unknown", "CSF")
findings = st.fixed_dictionaries(
    {"organism": organisms},
    optional={
        "site": places,
        "specimen": places,
        "infection_type": st.sampled_from(["ntm", "tuberculosis", "unknown"]),
    },
)
agents = st.lists(words("agent", "tacrolimus", "MMF"), max_size=3, unique=True)
reports = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("transplant"),
            "transplant_type": words("transplant_type", "kidney", "lung"),
        }
    ),
    st.fixed_dictionaries({"type": st.just("regimen"), "agents": agents}),
    st.fixed_dictionaries({"type": st.just("medication"), "agent": words("agent", "tacrolimus")}),
    findings.map(lambda finding: {"type": "infection", **finding}),
    st.fixed_dictionaries(
        {"type": st.just("follow_up"), "infections": st.lists(findings, max_size=2)},
        optional={"agents": agents},
    ),
)


@st.composite
def charts(draw: st.DrawFn) -> Events:
    """Events of three patients, each of whom may have had a transplant on the first day."""
    events: Events = []
    for facility, patient in PLACES:
        report = {"type": "transplant", "transplant_type": draw(words("transplant_type", "lung"))}
        events.append({**report, "facility": facility, "patient": patient, "day": 0})
    for report in draw(st.lists(reports, min_size=2, max_size=10)):
        facility, patient = draw(st.sampled_from(PLACES))
        day = draw(st.integers(0, 300))
        events.append({**report, "facility": facility, "patient": patient, "day": day})
    return [
        {"occurred_on": on(event.pop("day")), "event_id": f"e{number}", **event}
        for number, event in enumerate(events)
    ]


def on(day: int) -> str:
    return (FIRST_DAY + timedelta(days=day)).isoformat()


def send(surveillance: Surveillance, events: Events) -> None:
    drafts = []
    for number, event in enumerate(events):
        draft = read_item(number, event, today_latest=date.max)
        assert isinstance(draft, Draft), draft
        drafts.append(draft)
    record(surveillance, drafts)


def figures(surveillance: Surveillance, position: int | None = None) -> list[object]:
    """Rates by several dimensions, and the same total worked out from the events."""
    with surveillance.database.read() as connection:
        tables = [
            rate_table(connection, asked, position=position, with_recipients=True)
            for asked in FIGURES
        ]
        total = rate_table(connection, TOTAL, position=position).total
        at = 10**9 if position is None else position
        walked = explain(connection, surveillance.rules, TOTAL, position=at, after=None, limit=100)
        assert total is not None
        assert (walked.cases, walked.person_days) == (
            total.estimate.cases,
            total.estimate.person_days,
        )
    return tables


def decide(
    surveillance: Surveillance,
    term: tuple[Kind, str],
    verdict: str,
    facility: str | None,
    patients_at_once: int = 100,
) -> int:
    kind, text = term
    meaning = None
    if verdict == "map":
        meaning = meaning_of_name(kind, TARGETS[term])
    elif verdict != "wait":
        meaning = Meaning(verdict)  # type: ignore[arg-type]
    named = term_named(kind, text.upper())  # another spelling of the same term
    done = decide_term(surveillance, named, meaning, facility, ME, patients_at_once)
    return done.position


decisions = st.tuples(
    st.sampled_from(TERMS),
    st.sampled_from(["map", "map", "none", "ignore", "wait"]),
    st.sampled_from([None, "F1", "F2"]),
)


@law
@given(data=st.data())
def test_sent_before_or_after_its_terms_were_decided_an_event_comes_to_the_same(
    migrated_url: str, data: st.DataObject
) -> None:
    events = data.draw(charts())
    pages = data.draw(st.integers(1, 3))
    with recorded(migrated_url) as kept:
        surveillance = kept.surveillance
        left, made, past = list(events), [], []
        while left:
            size = data.draw(st.integers(1, 6))
            send(surveillance, left[:size])
            left = left[size:]
            for term, verdict, facility in data.draw(st.lists(decisions, max_size=3)):
                position = decide(surveillance, term, verdict, facility, pages)
                made.append((term, verdict, facility))
                past.append((position, figures(surveillance)))
        assert rebuild(surveillance).is_clean
        found = figures(surveillance)
        for position, then in past:
            assert figures(surveillance, position) == then
        empty(kept.database)
        for term, verdict, facility in made:
            decide(surveillance, term, verdict, facility)
        send(surveillance, events)
        assert figures(surveillance) == found


@law
@given(events=charts())
def test_a_mapped_term_counts_as_the_term_it_is_mapped_to(
    migrated_url: str, events: Events
) -> None:
    with recorded(migrated_url) as kept:
        surveillance = kept.surveillance
        send(surveillance, events)
        waiting = figures(surveillance)
        for term in TERMS:
            decide(surveillance, term, "map", None)
        found = figures(surveillance)
        for term in TERMS:
            decide(surveillance, term, "wait", None)
        assert figures(surveillance) == waiting
        empty(kept.database)
        send(surveillance, [in_known_words(event) for event in events])
        assert figures(surveillance) == found


def in_known_words(told: Any) -> Any:
    """The same report with every unread term in the words of what it is mapped to."""
    if isinstance(told, dict):
        return {name: in_known_words(part) for name, part in told.items()}
    if isinstance(told, list):
        return [in_known_words(part) for part in told]
    return next((to for (_, text), to in TARGETS.items() if text == told), told)
