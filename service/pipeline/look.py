"""One look at the ledger: a state of it, and the series that monitors and comparisons ask for.

In:     the running surveillance.
Out:    a `Look`, whose series and courses come from what the writer keeps where it stands at the
        same position, and are read from the ledger, and kept, where it does not.
Source: docs/decisions/0012-series-kept-by-the-writer.md; docs/performance.md, "Reads".
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from service.domain.days import FAR_FUTURE_DAY
from service.monitors.questions import Question
from service.monitors.series import LedgerSeries
from service.pipeline.course_rows import CourseQuestion, Runs
from service.pipeline.following import catch_up
from service.pipeline.growing import Growing, GrowingCourses, GrowingSeries
from service.pipeline.kept_series import QuestionKey
from service.pipeline.observations import CaseFile, at_facilities, cases_for, series_for
from service.pipeline.posted import AnyQuestion, Place
from service.pipeline.surveillance import Surveillance
from service.store import ledger
from service.store.cohorts import course_histories
from service.store.engine import Connection

Facilities = tuple[str, ...] | None
TRIES = 3
"""A writer may commit between opening the transaction and taking what it kept."""


class Look:
    """A transaction that reads, and the series of its state that are in memory."""

    def __init__(
        self,
        surveillance: Surveillance,
        connection: Connection,
        position: int,
        kept: Mapping[tuple[QuestionKey, Place], Growing],
    ) -> None:
        """Nothing is read yet."""
        self.connection = connection
        self._surveillance = surveillance
        self._position = position
        self._kept = kept
        self._case_files: dict[Facilities, CaseFile] = {}

    def series(self, question: Question, facilities: Facilities, end_day: int) -> LedgerSeries:
        """The series of some facilities (None: all) with what it is held against up to a day."""
        growing = self._known(question, facilities)
        if not isinstance(growing, GrowingSeries):
            growing = GrowingSeries.of(self._read(question, facilities))
            self._offer(question, facilities, growing)
        return growing.until(end_day)

    def courses(
        self, questions: Sequence[CourseQuestion], facilities: Facilities, end_day: int
    ) -> list[Runs]:
        """The days at risk that each question asks for, as they stand on a day.

        Those that are not kept are read together.
        """
        found = {question: self._known(question, facilities) for question in questions}
        if missing := [question for question, growing in found.items() if growing is None]:
            found |= self._read_courses(missing, facilities)
        return [
            growing.until(end_day)
            for growing in map(found.get, questions)
            if isinstance(growing, GrowingCourses)
        ]

    def case_file(self, facilities: Facilities) -> CaseFile:
        """The cases of some facilities, read once for all who ask."""
        if facilities not in self._case_files:
            self._case_files[facilities] = CaseFile(self.connection, facilities)
        return self._case_files[facilities]

    def _known(self, question: AnyQuestion, facilities: Facilities) -> Growing | None:
        if facilities is not None and len(facilities) != 1:
            return None
        return self._kept.get((question.key, facilities[0] if facilities else None))

    def _offer(self, question: AnyQuestion, facilities: Facilities, growing: Growing) -> None:
        """Keep what was read of one place for those who ask after it."""
        if facilities is None or len(facilities) == 1:
            place: Place = facilities[0] if facilities else None
            self._surveillance.offer(question, place, growing, self._position)

    def _read(self, question: Question, facilities: Facilities) -> LedgerSeries:
        case_file, clean = self.case_file(facilities), question.without_contaminants
        cases = cases_for(case_file, question.baseline, None, without_contaminants=clean)
        return series_for(
            case_file,
            question.baseline,
            cases,
            facilities,
            FAR_FUTURE_DAY,
            without_contaminants=clean,
        )

    def _read_courses(
        self, questions: Sequence[CourseQuestion], facilities: Facilities
    ) -> dict[CourseQuestion, GrowingCourses]:
        populations = [question.cases.population for question in questions]
        common = populations[0] if all(one == populations[0] for one in populations) else {}
        population = at_facilities(common, facilities)
        histories = list(course_histories(self.connection, population))
        found = {}
        for question in questions:
            counted = cases_for(self.case_file(facilities), question.cases.baseline, None)
            found[question] = GrowingCourses(question.numbers(histories, counted))
            self._offer(question, facilities, found[question])
        return found


@contextmanager
def look_at(surveillance: Surveillance) -> Iterator[Look]:
    """Look at the ledger as it stands."""
    for left in reversed(range(TRIES)):
        with surveillance.database.read() as connection:
            position = ledger.head_position(connection)
            kept = surveillance.kept_series.published
            is_same = kept.position == position
            if is_same or kept.position is None or not left:
                yield Look(surveillance, connection, position, kept.series if is_same else {})
                return
        catch_up(surveillance)
