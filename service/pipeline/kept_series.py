"""The series that monitors asked for, kept from one write transaction to the next.

In:     the ledger's position, postings, and what the ledger shows of a question nobody asked yet.
Out:    the series of a question at a place, as the transaction that asks sees the ledger.
Source: docs/performance.md; docs/decisions/0012-series-kept-by-the-writer.md.

A series grows by what a transaction posts: reading it anew for each event would take as long as
all events before it. Where the ledger's position says that somebody else wrote, what they posted
is taken in first; where that can no longer be told, all is forgotten.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from service.monitors.cases import Case
from service.monitors.questions import CasesOf, Infections, Question
from service.monitors.series import LedgerSeries
from service.pipeline.growing import Growing, GrowingCases, GrowingInfections, GrowingSeries
from service.pipeline.posted import AnyQuestion, Place, Posted
from service.store.ledger import Posting

QuestionKey: TypeAlias = Hashable

MOST_SERIES = 2_000
"""Some twenty thousand bytes each; those asked for least lately go first."""


class Published(NamedTuple):
    """What was kept when the ledger stood at a position; readers hold it while writers go on."""

    position: int | None
    series: Mapping[tuple[QuestionKey, Place], Growing]


class KeptSeries:
    """Grows with the ledger; for one writer at a time, and for readers as it was last published."""

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        """Nothing was asked for."""
        self._most_series = most_series
        self._position: int | None = None
        self._questions: dict[QuestionKey, AnyQuestion] = {}
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
        growing = self._series.get(key)
        if not isinstance(growing, GrowingSeries):
            growing = GrowingSeries.of(read())
            self._keep(question, place, growing)
        self._series.move_to_end(key)
        return growing.until(end_day)

    def cases_of(
        self, question: CasesOf, place: Place, read: Callable[[], Iterable[Case]]
    ) -> frozenset[Case]:
        """The cases of a place; `read` has the ledger tell them where they are new."""
        key = (question.key, place)
        growing = self._series.get(key)
        if not isinstance(growing, GrowingCases):
            growing = GrowingCases(read())
            self._keep(question, place, growing)
        self._series.move_to_end(key)
        return growing.cases

    def infections_of(
        self, question: Infections, read: Callable[[], Iterable[Case]]
    ) -> GrowingInfections:
        """The infections of a type; `read` has the ledger tell them where they are new."""
        growing = self._series.get((question.key, None))
        if not isinstance(growing, GrowingInfections):
            growing = GrowingInfections(read())
            self._keep(question, None, growing)
        self._series.move_to_end((question.key, None))
        return growing

    def publish(self) -> None:
        """Let readers have what is kept: what it was posted with is committed."""
        self.published = Published(self._position, dict(self._series))

    def offer(self, question: AnyQuestion, place: Place, growing: Growing, position: int) -> None:
        """Keep what a reader found at a position, unless the ledger has moved on."""
        if self._position is None:
            self._position = position
        if self._position == position:
            self._keep(question, place, growing)
            self.publish()

    def revert(self) -> None:
        """Go back to what was last published: what came after was not committed."""
        self._position, series = self.published
        self._series = OrderedDict(series)

    def forget(self) -> None:
        """Keep nothing: what came since cannot be told."""
        self._position = None
        self._questions.clear()
        self._series.clear()
        self.publish()

    def _keep(self, question: AnyQuestion, place: Place, growing: Growing) -> None:
        self._questions[question.key] = question
        self._series[question.key, place] = growing
        if len(self._series) > self._most_series:
            self._series.popitem(last=False)
