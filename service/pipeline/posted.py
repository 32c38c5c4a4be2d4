"""What some postings change of the answers that are kept.

In:     postings, and a question.
Out:    a `Change` for each place whose answer is another one now.
Source: docs/methods.md 6 and 8; docs/decisions/0012-series-kept-by-the-writer.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TypeAlias

from service.domain.competing_risks import CourseHistory, course_histories
from service.domain.contributions import Contributions, LedgerEpisode, Step
from service.domain.strata import Stratum
from service.monitors.cases import Case
from service.monitors.questions import CasesOf, Infections, Question
from service.pipeline.course_rows import CourseQuestion
from service.pipeline.growing import INDEX_BITS, Change
from service.reference import INFECTION_TYPES
from service.store.events import PatientKey
from service.store.ledger import Posting

Place: TypeAlias = str | None
"""A facility, or None for the network."""
Days: TypeAlias = dict[int, int]
AnyQuestion: TypeAlias = Question | CasesOf | CourseQuestion | Infections
Counted: TypeAlias = tuple[Case, ...]
Courses: TypeAlias = tuple[list[CourseHistory], Iterable[LedgerEpisode]]


class Posted:
    """What some postings change, sorted once for all questions."""

    def __init__(self, postings: Iterable[Posting]) -> None:
        """Sort the steps by stratum and risk set, the episodes by patient."""
        self._steps: dict[tuple[Stratum, str], Days] = defaultdict(dict)
        self._changed = [posting for posting in postings if posting.came or posting.went]
        self._with_episodes: list[tuple[Posting, frozenset[str]]] = []
        changes: Counter[Step] = Counter()
        for posting in self._changed:
            changes.update(posting.steps)
            if changed := (*posting.came.episodes, *posting.went.episodes):
                types = frozenset(episode.infection_type for episode in changed)
                self._with_episodes.append((posting, types))
        for (stratum, risk_set, day), change in changes.items():
            if change:
                self._steps[stratum, risk_set][day] = change

    def changes_of(self, question: AnyQuestion) -> dict[Place, Change]:
        """What is changed of the question's answer, at each facility and in the network."""
        if isinstance(question, CourseQuestion):
            return self._of_courses(question)
        if isinstance(question, Infections):
            return self._of_infections(question)
        if isinstance(question, CasesOf):
            return self._of_cases(question.question)
        return self._of_series(question)

    def _of_infections(self, question: Infections) -> dict[Place, Change]:
        change = _nothing()
        for posting, types in self._with_episodes:
            if question.infection_type in types:
                change.cases.update(question.among(*posting.patient, posting.came.episodes))
                change.cases.subtract(question.among(*posting.patient, posting.went.episodes))
        return {None: change} if change.cases else {}

    def _of_cases(self, question: Question) -> dict[Place, Change]:
        found: dict[Place, Change] = defaultdict(_nothing)
        for facility, counted, before in self._counted(question):
            for place in (facility, None):
                found[place].cases.update(question.own_of(counted))
                found[place].cases.subtract(question.own_of(before))
        return found

    def _of_courses(self, question: CourseQuestion) -> dict[Place, Change]:
        found: dict[Place, Change] = defaultdict(_nothing)
        for (facility, patient), before, after in self._courses:
            change = Counter(question.numbers_of(facility, patient, *after))
            change.subtract(Counter(question.numbers_of(facility, patient, *before)))
            if any(change.values()):
                for place in (facility, None):
                    found[place].cases.update(change)
        return found

    def _of_series(self, question: Question) -> dict[Place, Change]:
        found: dict[Place, Change] = defaultdict(_nothing)
        for facility, change in self._of_patients(question):
            for place in (facility, None):
                found[place].cases.update(change.cases)
                found[place].exposure.update(change.exposure)
        signs = question.risk_sets
        for (stratum, risk_set), days in self._steps.items():
            sign = signs.get(risk_set)
            if sign and question.takes(stratum):
                signed = {day: sign * change for day, change in days.items()}
                for place in (stratum.facility, None):
                    found[place].exposure.update(signed)
        return found

    @cached_property
    def _courses(self) -> list[tuple[PatientKey, Courses, Courses]]:
        """Each changed patient's courses and episodes, before and after."""
        return [
            (
                posting.patient,
                _courses_of(posting.patient, posting.before),
                _courses_of(posting.patient, posting.after),
            )
            for posting in self._changed
        ]

    def _of_patients(self, question: Question) -> Iterator[tuple[str, Change]]:
        for facility, after, before in self._counted(question):
            change = _nothing()
            for counted, add in ((after, Counter.update), (before, Counter.subtract)):
                add(change.cases, [_number(question, case) for case in question.own_of(counted)])
                if question.baseline.measure == "share":
                    add(change.exposure, [case.onset_day for case in counted])
            yield facility, change

    def _counted(self, question: Question) -> Iterator[tuple[str, Counted, Counted]]:
        """The facility of each patient with other episodes, and the cases after and before."""
        types = question.numerator.infection_type or INFECTION_TYPES
        for posting, changed_types in self._with_episodes:
            if not changed_types.isdisjoint(types):
                after, before = (
                    question.all_of(question.candidates(*posting.patient, one.episodes))
                    for one in (posting.after, posting.before)
                )
                yield posting.patient.facility, after, before


def _nothing() -> Change:
    return Change(Counter(), Counter())


def _courses_of(patient: PatientKey, contributions: Contributions) -> Courses:
    return course_histories(*patient, contributions.segments), contributions.episodes


def _number(question: Question, case: Case) -> int:
    is_of_cohort = question.baseline.measure == "proportion"
    return (case.onset_day << INDEX_BITS) + (case.course_index_day or 0) * is_of_cohort
