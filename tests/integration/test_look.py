"""A look tells what the ledger holds, whoever wrote last and whatever is kept in memory."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest

from service.domain.events import AnyEvent, Finding, Infection, Transplant, encode
from service.ingest.faults import Draft
from service.monitors.questions import Question
from service.monitors.series import LedgerSeries
from service.pipeline.comparisons import compare
from service.pipeline.look import Facilities, look_at
from service.pipeline.observations import CaseFile, cases_for, series_for
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.store import ledger
from service.store.engine import Connection, Database
from tests.properties.test_kept_series import QUESTIONS, told

FIRST = date(2020, 1, 1)
TODAY = FIRST.toordinal() + 2000
PLACES = (None, ("F1",), ("F1", "F2"))


class Broken(Exception):
    """The transaction failed."""


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    with closing(Database(migrated_url)) as database:
        yield Surveillance(database)


def course(number: int) -> list[AnyEvent]:
    """A recipient with an infection of the lung on day 20 + number."""
    who = {"facility": f"F{1 + number % 2}", "patient": f"P{number}"}
    finding = Finding(
        infection_type="ntm",
        organism_group="m. abscessus complex",
        site="lung",
        site_class="pulmonary",
    )
    return [
        Transplant(event_id=f"{number}-1", occurred_on=FIRST, transplant_type="kidney", **who),
        Infection(
            event_id=f"{number}-2",
            occurred_on=FIRST + timedelta(days=20 + number),
            finding=finding,
            **who,
        ),
    ]


def send(surveillance: Surveillance, number: int) -> None:
    events = course(number)
    drafts = [Draft(place, event, encode(event).decode()) for place, event in enumerate(events)]
    assert {one.status for one in record(surveillance, drafts).verdicts} == {"accepted"}


def from_ledger(connection: Connection, question: Question, facilities: Facilities) -> LedgerSeries:
    case_file, baseline = CaseFile(connection, facilities), question.baseline
    clean = question.without_contaminants
    cases = cases_for(case_file, baseline, None, without_contaminants=clean)
    return series_for(case_file, baseline, cases, facilities, TODAY, without_contaminants=clean)


def require_the_ledgers_own(surveillance: Surveillance) -> None:
    """Every series of a look is the one the ledger tells."""
    with look_at(surveillance) as look:
        for question in QUESTIONS:
            for facilities in PLACES:
                found = look.series(question, facilities, TODAY)
                expected = from_ledger(look.connection, question, facilities)
                assert told(found, TODAY) == told(expected, TODAY)


def test_a_comparison_before_does_not_change_what_a_look_tells(surveillance: Surveillance) -> None:
    """Cases after the horizon belong to the curve's courses, and not to the series weighed."""
    for number in (1, 2, 150, 160):
        send(surveillance, number)
    question = next(one for one in QUESTIONS if one.baseline.id == "early")
    with look_at(surveillance) as look:
        (compared,) = compare(look, [question.baseline], None, TODAY)
        found = look.series(question, None, TODAY)
        assert told(found, TODAY) == told(from_ledger(look.connection, question, None), TODAY)
        assert compared.evidence
        assert compared.evidence.observed == 2


def fail_to_write(surveillance: Surveillance) -> None:
    with surveillance.write() as connection:
        position = ledger.head_position(connection)
        surveillance.kept_series.follow((), position, position + 7)
        raise Broken


def kept(surveillance: Surveillance) -> int:
    """How many series of the present state are in memory."""
    with surveillance.database.read() as connection:
        head = ledger.head_position(connection)
    published = surveillance.kept_series.published
    return len(published.series) if published.position == head else 0


def test_what_a_reader_found_is_kept_and_grows(surveillance: Surveillance) -> None:
    send(surveillance, 1)
    require_the_ledgers_own(surveillance)
    known = kept(surveillance)
    assert known >= 2 * len(QUESTIONS)
    for number in range(2, 5):
        send(surveillance, number)
        assert kept(surveillance) >= known
        require_the_ledgers_own(surveillance)


def test_what_another_process_wrote_is_seen(surveillance: Surveillance) -> None:
    send(surveillance, 1)
    require_the_ledgers_own(surveillance)
    known = kept(surveillance)
    send(Surveillance(surveillance.database), 2)
    assert kept(surveillance) == 0
    with look_at(surveillance):
        assert kept(surveillance) == known
    require_the_ledgers_own(surveillance)
    send(surveillance, 3)
    require_the_ledgers_own(surveillance)


def test_what_was_never_committed_is_not_seen(surveillance: Surveillance) -> None:
    send(surveillance, 1)
    require_the_ledgers_own(surveillance)
    known = kept(surveillance)
    with pytest.raises(Broken):
        fail_to_write(surveillance)
    assert kept(surveillance) == known
    require_the_ledgers_own(surveillance)


def test_a_look_keeps_to_its_state_while_others_write(surveillance: Surveillance) -> None:
    send(surveillance, 1)
    require_the_ledgers_own(surveillance)
    with look_at(surveillance) as look:
        send(surveillance, 2)
        for question in QUESTIONS:
            expected = told(from_ledger(look.connection, question, None), TODAY)
            assert told(look.series(question, None, TODAY), TODAY) == expected
    require_the_ledgers_own(surveillance)
