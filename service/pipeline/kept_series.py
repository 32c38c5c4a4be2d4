"""The series that monitors asked for, kept from one write transaction to the next.

In:     the ledger's position, postings, and what the ledger shows of a question nobody asked yet.
Out:    the series of a question at a place, as the transaction that asks sees the ledger.
Source: docs/performance.md; docs/decisions/0012-series-kept-by-the-writer.md.

A series grows by what a transaction posts: reading it anew for each event would take as long as
all events before it. Where the ledger's position says that somebody else wrote, what they posted
is taken in first; where that can no longer be told, all is forgotten.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from typing import NamedTuple, TypeAlias

import numpy as np

from service.domain.contributions import Step
from service.domain.strata import Stratum
from service.monitors.cases import Case
from service.monitors.day_counts import Ascending, DayCounts, Whole
from service.monitors.questions import Question
from service.monitors.series import CohortSeries, DailySeries, LedgerSeries, ShareSeries
from service.reference import INFECTION_TYPES
from service.store.ledger import Posting

Place: TypeAlias = str | None
"""A facility, or None for the network."""
QuestionKey: TypeAlias = tuple[str, int, bool]
Days: TypeAlias = dict[int, int]

MOST_SERIES = 2_000
"""Some twenty thousand bytes each; those asked for least lately go first."""
INDEX_BITS = 32
"""A case is one number: its onset day, and in cohorts behind it the index day of its course."""


class Change(NamedTuple):
    """What some postings change of one series."""

    cases: Counter[int]
    exposure: Counter[int]


class Published(NamedTuple):
    """What was kept when the ledger stood at a position; readers hold it while writers go on."""

    position: int | None
    series: "Mapping[tuple[QuestionKey, Place], Growing]"


class KeptSeries:
    """Grows with the ledger; for one writer at a time, and for readers as it was last published."""

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        """Nothing was asked for."""
        self._most_series = most_series
        self._position: int | None = None
        self._questions: dict[QuestionKey, Question] = {}
        self._series: OrderedDict[tuple[QuestionKey, Place], Growing] = OrderedDict()
        self.published = Published(None, {})

    def follow(
        self,
        postings: Iterable[Posting],
        before: int,
        after: int,
        posted_since: Callable[[int], Iterable[Posting] | None] = lambda _position: None,
    ) -> None:
        """Take in what a transaction posted that found the ledger at `before`.

        Where that is not where it was left, somebody else wrote: `posted_since` tells what since a
        position, and where it cannot, all is forgotten.
        """
        if before != self._position:
            others = posted_since(self._position) if self._position and self._series else None
            if others is None:
                self.forget()
            else:
                self._grow(others)
        self._position = after
        self._grow(postings)

    def _grow(self, postings: Iterable[Posting]) -> None:
        if self._series:
            posted = Posted(postings)
            for key, question in self._questions.items():
                for place, change in posted.changes_of(question).items():
                    growing = self._series.get((key, place))
                    if growing is not None:
                        self._series[key, place] = growing.with_change(change)

    def series_of(
        self, question: Question, place: Place, end_day: int, read: Callable[[], LedgerSeries]
    ) -> LedgerSeries:
        """The series up to a day; `read` has the ledger tell it, over all days, where it is new."""
        key = (question.key, place)
        if key not in self._series:
            self._keep(question, place, Growing.of(read()))
        self._series.move_to_end(key)
        return self._series[key].until(end_day)

    def publish(self) -> None:
        """Let readers have what is kept: what it was posted with is committed."""
        self.published = Published(self._position, dict(self._series))

    def offer(self, question: Question, place: Place, growing: "Growing", position: int) -> None:
        """Keep what a reader found at a position, unless the ledger has moved on."""
        if self._position is None:
            self._position = position
        if self._position == position:
            self._keep(question, place, growing)
            self.publish()

    def forget(self) -> None:
        """Keep nothing: what was followed may be undone."""
        self._position = None
        self._questions.clear()
        self._series.clear()
        self.publish()

    def _keep(self, question: Question, place: Place, growing: "Growing") -> None:
        self._questions[question.key] = question
        self._series[question.key, place] = growing
        if len(self._series) > self._most_series:
            self._series.popitem(last=False)


class Growing:
    """One series as it stands; with cases and exposure added or taken away it is another one."""

    def __init__(self, kind: type[LedgerSeries], cases: Iterable[int], exposure: DayCounts) -> None:
        """Begin with these."""
        self._kind = kind
        self._cases = Ascending(cases)
        self._exposure = exposure

    @classmethod
    def of(cls, series: LedgerSeries) -> "Growing":
        """The series as it was read."""
        exposure = DayCounts()
        exposure.add(*series.steps)
        index_days = getattr(series, "case_index_days", np.zeros_like(series.case_days))
        return cls(type(series), (series.case_days << INDEX_BITS) + index_days, exposure)

    def with_change(self, change: Change) -> "Growing":
        """The series grown, or shrunk."""
        grown = copy(self)
        grown._cases, grown._exposure = copy(self._cases), copy(self._exposure)
        grown._cases.change(change.cases)
        days = np.fromiter(change.exposure.keys(), dtype=np.int64, count=len(change.exposure))
        changes = np.fromiter(change.exposure.values(), dtype=np.int64, count=len(change.exposure))
        grown._exposure.add(days, changes)
        return grown

    def until(self, end_day: int) -> LedgerSeries:
        """The series with what it is held against up to a day."""
        return SERIES_WITH[self._kind](self._cases.values, *self._exposure.until(end_day))


def _daily(cases: Whole, days: Whole, changes: Whole) -> LedgerSeries:
    return DailySeries(cases >> INDEX_BITS, days, changes)


def _cohort(cases: Whole, days: Whole, recipients: Whole) -> LedgerSeries:
    index_days = cases & ((1 << INDEX_BITS) - 1)
    return CohortSeries(cases >> INDEX_BITS, index_days, np.repeat(days, recipients))


def _share(cases: Whole, days: Whole, among: Whole) -> LedgerSeries:
    return ShareSeries(cases >> INDEX_BITS, np.repeat(days, among))


SERIES_WITH: Mapping[type[LedgerSeries], Callable[[Whole, Whole, Whole], LedgerSeries]] = {
    DailySeries: _daily,
    CohortSeries: _cohort,
    ShareSeries: _share,
}


class Posted:
    """What some postings change, sorted once for all questions."""

    def __init__(self, postings: Iterable[Posting]) -> None:
        """Sort the steps by stratum and risk set, the episodes by patient."""
        self._steps: dict[tuple[Stratum, str], Days] = defaultdict(dict)
        self._with_episodes: list[tuple[Posting, frozenset[str]]] = []
        changes: Counter[Step] = Counter()
        for posting in postings:
            changes.update(posting.steps)
            if changed := (*posting.came.episodes, *posting.went.episodes):
                types = frozenset(episode.infection_type for episode in changed)
                self._with_episodes.append((posting, types))
        for (stratum, risk_set, day), change in changes.items():
            if change:
                self._steps[stratum, risk_set][day] = change

    def changes_of(self, question: Question) -> dict[Place, Change]:
        """What is changed of the question's series, at each facility and in the network."""
        found: dict[Place, Change] = defaultdict(lambda: Change(Counter(), Counter()))
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

    def _of_patients(self, question: Question) -> Iterator[tuple[str, Change]]:
        types = question.numerator.infection_type or INFECTION_TYPES
        for posting, changed_types in self._with_episodes:
            if changed_types.isdisjoint(types):
                continue
            change = Change(Counter(), Counter())
            for contributions, add in (
                (posting.after, Counter.update),
                (posting.before, Counter.subtract),
            ):
                counted = question.all_of(
                    question.candidates(*posting.patient, contributions.episodes)
                )
                add(change.cases, [_number(question, case) for case in question.own_of(counted)])
                if question.baseline.measure == "share":
                    add(change.exposure, [case.onset_day for case in counted])
            yield posting.patient.facility, change


def _number(question: Question, case: Case) -> int:
    is_of_cohort = question.baseline.measure == "proportion"
    return (case.onset_day << INDEX_BITS) + (case.course_index_day or 0) * is_of_cohort
