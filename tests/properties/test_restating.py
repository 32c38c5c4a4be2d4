"""However often a source says something else, what stands is what it says now.

In:     documents in many versions, of several patients, sent in turn and again.
Out:    passes while the standing events of each source = its last statements.
Source: docs/decisions/0016-sources-restate.md.
"""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from service.domain.events import Void
from service.domain.history import struck_by
from service.domain.restating import Source, Statement, restate
from service.ingest.faults import Draft
from service.ingest.items import read_item
from service.pipeline.restating import record_sources
from service.pipeline.surveillance import Surveillance
from service.store import sources
from service.store.engine import Database
from tests.properties.test_rates_law import law

patients = st.sampled_from(("p-1", "p-2"))
days = st.sampled_from(("2024-01-05", "2024-03-01"))
bodies = st.one_of(
    st.builds(lambda day: {"type": "outcome", "outcome": "relapse", "occurred_on": day}, days),
    st.builds(
        lambda day, organism: {"type": "infection", "organism": organism, "occurred_on": day},
        days,
        st.sampled_from(("E. coli", "M. avium")),
    ),
)
statements = st.lists(st.builds(Statement, patients, bodies), max_size=3)
versions = st.lists(
    st.builds(Source, st.sampled_from(("s-1", "s-2")), statements.map(tuple)), max_size=8
)


def said(source: Source) -> Counter[tuple[str, str, str]]:
    return Counter((p, body["type"], body["occurred_on"]) for p, body in source.statements)


@law
@given(told=versions)
def test_what_stands_is_what_was_said_last(migrated_url: str, told: list[Source]) -> None:
    with_facility = f"f{abs(hash(str(told))) % 10**9}"
    surveillance = Surveillance(Database(migrated_url))
    try:
        last = {}
        for source in told:
            found = record_sources(surveillance, with_facility, [source])
            assert not found.outcomes[0].faults
            again = record_sources(surveillance, with_facility, [source])
            assert (again.outcomes[0].recorded, again.outcomes[0].voided) == (0, 0)
            assert again.position == found.position
            last[source.name] = source
        with surveillance.database.read() as connection:
            events = sources.events_of_sources(connection, with_facility, ["s-1", "s-2"])
        for name, source in last.items():
            struck = struck_by(events[name])
            standing = Counter(
                (e.patient, e.__struct_config__.tag, e.occurred_on.isoformat())
                for e in events[name]
                if e.event_id not in struck and not isinstance(e, Void)
            )
            assert standing == said(source)
    finally:
        surveillance.database.close()


def test_a_changed_statement_replaces_and_a_dropped_one_is_voided() -> None:
    def death(day: str) -> Statement:
        return Statement("p", {"type": "outcome", "outcome": "death", "occurred_on": day})

    def recorded(source: Source, earlier: tuple = ()) -> tuple:
        drafts = [
            read_item(0, event, today_latest=date(2025, 1, 1))
            for event in restate(source, "f", earlier).events
        ]
        assert all(isinstance(draft, Draft) for draft in drafts), drafts
        return (*earlier, *(draft.event for draft in drafts))

    first = recorded(Source("s", (death("2024-01-01"),)))
    corrected = recorded(Source("s", (death("2024-02-01"),)), first)
    assert corrected[1].replaces == first[0].event_id
    withdrawn = recorded(Source("s"), corrected)
    assert {void.voids for void in withdrawn[2:]} == {event.event_id for event in corrected}
    said_again = recorded(Source("s", (death("2024-01-01"),)), withdrawn)
    assert said_again[-1].event_id == f"{first[0].event_id}~2"
