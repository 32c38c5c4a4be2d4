"""The days at risk behind an observed cumulative incidence, one whole number for each run of them.

In:     a baseline, a patient's courses and episodes.
Out:    `CourseRows`: who was at risk from when to when and what ended it, as columns.
Source: docs/methods.md 5 and 7; docs/decisions/0012-series-kept-by-the-writer.md.

A run of days at risk is a number whose bits are, from the highest: the index day of the course, the
days before entry, the days at risk, what ended them, and whether it is the course's first run. So
runs can be kept in order, put in and taken out, and none says whose it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np

from service.domain.competing_risks import CASE, CENSORED, CourseHistory, incidence_rows
from service.domain.contributions import DIED, LedgerEpisode
from service.domain.days import FAR_FUTURE_DAY
from service.monitors.cases import Case
from service.monitors.day_counts import Whole
from service.monitors.questions import Question
from service.reference.baselines import Baseline

CODES = {CENSORED: 0, CASE: 1, DIED: 2}
"""As `service.stats.cumulative_incidence` wants them."""
COURSE_BITS, CAUSE_BITS = 18, 2
MOST_DAYS = (1 << COURSE_BITS) - 2
"""Seven centuries after its index date a course ends."""


class Runs(NamedTuple):
    """Runs of days in (entry, exit], counted from the index date, as columns of one length."""

    entry: Whole
    exit: Whole
    cause: Whole
    is_first: Whole


@dataclass(frozen=True)
class CourseQuestion:
    """Whose days at risk a cumulative incidence speaks of, and which case ends them."""

    baseline: Baseline

    @cached_property
    def cases(self) -> Question:
        """The same cases, whenever they occur: what lies beyond the horizon is cut off later."""
        anywhen = msgspec.structs.replace(
            self.baseline, measure="proportion", horizon_days=None, episodes="first"
        )
        return Question(anywhen)

    @cached_property
    def key(self) -> tuple[str, int, str]:
        """What tells it from other questions."""
        return (self.baseline.id, self.baseline.version, "courses")

    def takes(self, history: CourseHistory) -> bool:
        """Is the course one of the population's?"""
        population = self.cases.population.items()
        return all(history.at_entry[name] in values for name, values in population)

    def numbers_of(
        self,
        facility: str,
        patient: str,
        histories: Sequence[CourseHistory],
        episodes: Iterable[LedgerEpisode],
    ) -> Iterator[int]:
        """The runs of one patient's courses."""
        if any(map(self.takes, histories)):
            counted = self.cases.all_of(self.cases.candidates(facility, patient, episodes))
            yield from self.numbers(histories, counted)

    def numbers(self, histories: Iterable[CourseHistory], counted: Iterable[Case]) -> Iterator[int]:
        """The runs of the courses that the population takes in; of each, one case may be given."""
        onsets: Mapping[tuple[str, str, int | None], int] = {
            (case.facility, case.patient, case.course_index_day): case.onset_day for case in counted
        }
        for history in histories:
            if self.takes(history):
                key = (history.facility, history.patient, history.index_day)
                yield from _run_numbers(history, onsets.get(key))


@dataclass(frozen=True, slots=True)
class CourseRows:
    """The runs of days at risk of many courses, in ascending order of their numbers."""

    numbers: Whole

    def until(self, day: int) -> Runs:
        """The runs as they stand on a day, with what is later cut off."""
        rest, is_first = np.divmod(self.numbers, 2)
        rest, cause = np.divmod(rest, 1 << CAUSE_BITS)
        rest, days_at_risk = np.divmod(rest, 1 << COURSE_BITS)
        index_day, entered = np.divmod(rest, 1 << COURSE_BITS)
        entry, last = entered - 1, day - index_day
        exit_day = entry + days_at_risk
        begun = entry < last
        exit_day, cause = np.minimum(exit_day, last), np.where(exit_day > last, 0, cause)
        return Runs(entry[begun], exit_day[begun], cause[begun], is_first[begun])


def _run_numbers(history: CourseHistory, onset_day: int | None) -> Iterator[int]:
    """The course's runs of days at risk, up to its first case or death."""
    case = None if onset_day is None else (onset_day, CASE)
    is_first = 1
    for row in incidence_rows(history, case, (DIED,), FAR_FUTURE_DAY):
        if row.entry >= MOST_DAYS:
            return
        number = (history.index_day << COURSE_BITS) + row.entry + 1
        number = (number << COURSE_BITS) + min(row.exit, MOST_DAYS) - row.entry
        yield (((number << CAUSE_BITS) + CODES[row.cause]) << 1) + is_first
        is_first = 0
