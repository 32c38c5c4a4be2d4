"""What a writer kept of a series is what the ledger tells, whatever was written, by whomever.

In:     random cohorts, batch after batch, recorded by this process or by another one.
Out:    passes while the series and courses that grew = those read anew.
Source: docs/methods.md 8: signals are functions of daily series taken from the ledger.
"""

from functools import partial

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.domain.competing_risks import CASE, incidence_rows
from service.domain.contributions import DIED
from service.domain.events import AnyEvent
from service.monitors.cases import Case, in_order
from service.monitors.linkage import may_share
from service.monitors.questions import CasesOf, Infections, Question
from service.monitors.series import LedgerSeries
from service.pipeline.course_rows import CODES, CourseQuestion, Runs
from service.pipeline.following import posted_since
from service.pipeline.growing import GrowingCourses
from service.pipeline.kept_series import KeptSeries
from service.pipeline.observations import CaseFile, at_facilities, cases_for, series_for
from service.reference.baselines import Baseline, Numerator, Population, Source
from service.store.cohorts import course_histories
from service.store.engine import Connection
from tests.properties.histories import FIRST_DAY, PatientKey, cohorts, interleaved, stored
from tests.properties.recorded import recorded
from tests.properties.test_rates_law import law


def untold(_connection: Connection, _position: int) -> None:
    """Nobody tells what others posted."""


LAST_DAY = FIRST_DAY.toordinal() + 4000
FIRST_NTM = Baseline(
    id="first-ntm",
    version=1,
    title="NTM",
    measure="rate",
    value=0.2,
    printed="",
    verified=True,
    numerator=Numerator(infection_type=("ntm",)),
    source=Source(title="Paper"),
)
variant = msgspec.structs.replace
BASELINES = (
    FIRST_NTM,
    variant(FIRST_NTM, id="all-ntm", episodes="all"),
    variant(FIRST_NTM, id="first-viral", numerator=Numerator(infection_type=("viral",))),
    variant(FIRST_NTM, id="first-of-any", numerator=Numerator()),
    variant(
        FIRST_NTM,
        id="colonised",
        numerator=Numerator(infection_type=("ntm",), status=("colonisation",)),
    ),
    variant(
        FIRST_NTM,
        id="of-kidneys",
        population=Population(transplant_type=("kidney",)),
        denominator_phase=("0-30", "31-100"),
        numerator=Numerator(phase=("0-30", "31-100")),
        episodes="all",
    ),
    variant(FIRST_NTM, id="early", measure="cumulative_incidence", value=0.1, horizon_days=100),
    variant(FIRST_NTM, id="proportion", measure="proportion", value=0.1),
    variant(
        FIRST_NTM,
        id="share",
        measure="share",
        value=0.1,
        numerator=Numerator(infection_type=("ntm",), site_class=("pulmonary",)),
        among=Numerator(infection_type=("ntm",)),
    ),
)
QUESTIONS = [Question(baseline, clean) for baseline in BASELINES for clean in (True, False)]
PLACES = ("F1", "F2", None)
NTM = Infections("ntm")
OF_COURSES = [
    CourseQuestion(variant(baseline, measure="cumulative_incidence", value=0.1, horizon_days=100))
    for baseline in BASELINES
    if baseline.measure == "rate"
]


def told(series: LedgerSeries, today: int) -> list[list[int]]:
    """All that can be asked of a series: cases since ever or a day, exposure, the first day."""
    days = np.arange(FIRST_DAY.toordinal() - 500, today + 1, 97)
    since = FIRST_DAY.toordinal() + 50
    return [
        [min(series.first_day or today, today)],
        *(series.onsets(begin, today).tolist() for begin in (None, since)),
        *(series.exposure(begin, days).tolist() for begin in (None, since)),
    ]


def read(connection: Connection, question: Question, place: str | None, today: int) -> LedgerSeries:
    """The series as the ledger tells it."""
    case_file, facilities = CaseFile(connection), None if place is None else (place,)
    clean, baseline = question.without_contaminants, question.baseline
    cases = cases_for(case_file, baseline, facilities, without_contaminants=clean)
    return series_for(case_file, baseline, cases, facilities, today, without_contaminants=clean)


def runs_of(
    connection: Connection, question: CourseQuestion, place: str | None, today: int
) -> list[tuple[int, int, str, bool]]:
    """The runs of days at risk by today, walked through course by course."""
    facilities = None if place is None else (place,)
    counted = cases_for(CaseFile(connection), question.cases.baseline, facilities)
    onsets = {(case.facility, case.patient, case.course_index_day): case for case in counted}
    walked = []
    for history in course_histories(
        connection, at_facilities(question.cases.population, facilities)
    ):
        case = onsets.get((history.facility, history.patient, history.index_day))
        first = (case.onset_day, CASE) if case else None
        rows = list(incidence_rows(history, first, (DIED,), today))
        walked += [(*row, place == 0) for place, row in enumerate(rows)]
    return sorted(walked)


def cases(connection: Connection, question: Question, place: str | None) -> tuple[Case, ...]:
    """The cases themselves as the ledger tells them."""
    return cases_for(
        CaseFile(connection),
        question.baseline,
        None if place is None else (place,),
        without_contaminants=question.without_contaminants,
    )


def infections(connection: Connection) -> frozenset[Case]:
    """Every infection with NTM as the ledger tells it."""
    return frozenset(CaseFile(connection).infections([NTM.infection_type]))


def told_runs(runs: Runs) -> list[tuple[int, int, str, bool]]:
    """The same of those that were kept."""
    names = {number: name for name, number in CODES.items()}
    columns = zip(*(column.tolist() for column in runs), strict=True)
    return sorted((entry, end, names[cause], bool(first)) for entry, end, cause, first in columns)


@law
@given(cohort=cohorts(), data=st.data())
def test_courses_grow_as_the_ledger_does(
    migrated_url: str, cohort: dict[PatientKey, list[AnyEvent]], data: st.DataObject
) -> None:
    """What a reader read once is what the ledger tells later, whoever wrote."""
    arrivals = stored(data.draw(interleaved(cohort)))
    today = LAST_DAY - data.draw(st.sampled_from((0, 3500, 3900, 3990)))
    kept = KeptSeries()
    with recorded(migrated_url) as book:
        while arrivals:
            size = data.draw(st.integers(1, 6))
            batch, arrivals = arrivals[:size], arrivals[size:]
            is_own = data.draw(st.booleans())
            position = book.record(batch, kept if is_own else None)
            with book.database.read() as connection:
                if not is_own:
                    others = partial(posted_since, connection, until=position)
                    kept.follow((), position, position, others)
                known = kept.infections_of(NTM, lambda: infections(connection))
                there = infections(connection)
                assert known.at(known.facilities) == there
                assert known.facilities == {case.facility for case in there}
                assert known.linkable == {case for case in there if may_share(case)}
                kept.publish()
                for question in OF_COURSES:
                    for place in PLACES:
                        growing = kept.published.series.get((question.key, place))
                        if growing is None:
                            facilities = None if place is None else (place,)
                            population = at_facilities(question.cases.population, facilities)
                            growing = GrowingCourses(
                                question.numbers(
                                    course_histories(connection, population),
                                    cases_for(
                                        CaseFile(connection), question.cases.baseline, facilities
                                    ),
                                )
                            )
                            kept.offer(question, place, growing, position)
                        walked = runs_of(connection, question, place, today)
                        assert told_runs(growing.until(today)) == walked


@law
@given(cohort=cohorts(), data=st.data())
def test_series_grow_as_the_ledger_does(
    migrated_url: str, cohort: dict[PatientKey, list[AnyEvent]], data: st.DataObject
) -> None:
    """Where others wrote, what they posted is taken in, or else all is read anew."""
    others_are_told = data.draw(st.booleans())
    arrivals = stored(data.draw(interleaved(cohort)))
    kept = KeptSeries(most_series=data.draw(st.sampled_from((5, 1000))))
    with recorded(migrated_url) as book:
        while arrivals:
            size = data.draw(st.integers(1, 6))
            batch, arrivals = arrivals[:size], arrivals[size:]
            is_own = data.draw(st.sampled_from((True, True, True, False)))
            position = book.record(batch, kept if is_own else None)
            if not is_own and data.draw(st.booleans()):
                continue  # it is noticed when this process writes again
            if not is_own:
                others = partial(posted_since, until=position) if others_are_told else untold
                with book.database.read() as connection:
                    kept.follow((), position, position, partial(others, connection))
            asked = data.draw(st.lists(st.sampled_from(QUESTIONS), max_size=4, unique=True))
            today = LAST_DAY - data.draw(st.sampled_from((0, 3500, 3900)))
            with book.database.read() as connection:
                for question in asked:
                    for place in PLACES:
                        found = kept.series_of(
                            question,
                            place,
                            today,
                            lambda q=question, p=place: read(connection, q, p, LAST_DAY),
                        )
                        assert told(found, today) == told(
                            read(connection, question, place, today), today
                        )
                        there = partial(cases, connection, question, place)
                        assert in_order(kept.cases_of(CasesOf(question), place, there)) == in_order(
                            there()
                        )
