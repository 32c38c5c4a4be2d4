"""The ledger's sums in memory: what reading a rate takes, whatever the number of events.

In:     a reading transaction.
Out:    person-days, steps and cases exactly as its snapshot of the database has them, or None
        where the database has to be asked.
Source: docs/methods.md 6; docs/decisions/0010-sums-in-memory.md.

Each view follows the ledger by its positions: what changed since its last look is read and added.
It never runs ahead of a transaction that could still be undone, because only readers move it; a
look that failed in the midst, or a database that came back without what was read of it (a standby,
a copy), makes it begin again. A past position is the present less what came or went since, where
that is the shorter way.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, RLock

from sqlalchemy import Connection

from service.domain.days import Days
from service.store import changes, ledger
from service.store.case_view import CaseTally, CaseView, added_up
from service.store.changes import STRATUM
from service.store.codes import Filters, Values, Whole
from service.store.commits import NO_COMMIT, Commit, instants_of
from service.store.step_view import GroupStep, StepView

NETWORK = STRATUM[1:]
"""Every dimension but the facility: what most figures are asked by."""
MOST_VIEWS = 8
"""Views by facility that are kept, those asked for last."""
FEW_FACILITIES = 10
"""So many facilities are read from the database, where their rows stand together."""


@dataclass(frozen=True, slots=True)
class Since:
    """What came or went after the first position and up to the second."""

    between: tuple[int, int]
    steps: StepView
    cases: CaseView


@dataclass
class RunningSums:
    """Views of the ledger; none until `load`, and `missing` says that there is something to load.

    `few_facilities` are asked of the database; with `waits` a view is made when it is first asked
    for, else beside the service's work, and the database answers until it is there.
    """

    few_facilities: int = FEW_FACILITIES
    waits: bool = False
    missing: Event = field(default_factory=Event)
    _cases: CaseView | None = None
    _steps: OrderedDict[tuple[str, ...], StepView] = field(default_factory=OrderedDict)
    _wanted: set[tuple[str, ...]] = field(default_factory=lambda: {NETWORK})
    _later: Since | None = None
    _seen: Commit = NO_COMMIT
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """Nothing is loaded yet."""
        self.missing.set()

    def load(self, connection: Connection) -> None:
        """Make every view that is wanted, as this transaction sees the ledger."""
        position = ledger.head_position(connection)
        seen = Commit(position, instants_of(connection, [position]).get(position))
        with self._lock:
            self._seen = max(self._seen, seen, key=lambda commit: commit.position)
        if self._cases is None:
            cases = CaseView(position)
            cases.add(changes.all_cases(connection))
            self._cases = cases
        while self._wanted:
            dimensions = next(iter(self._wanted))
            view = StepView(dimensions, position)
            for part in changes.all_steps(connection):
                view.add(part)
            with self._lock:
                self._wanted.discard(dimensions)
                self._steps[dimensions] = view
                while len(self._steps) > MOST_VIEWS:
                    self._steps.popitem(last=False)

    def person_days(
        self,
        connection: Connection,
        filters: Filters,
        by: Sequence[str],
        risk_sets: Sequence[str],
        windows: Sequence[Days],
        position: int | None = None,
    ) -> dict[tuple[Values, str], Whole] | None:
        """Person-days of each group and risk set in each window."""
        with self._lock:
            view = self._view(connection, by, filters, position)
            if view is None:
                return None
            found = view.person_days(filters, by, risk_sets, windows)
            if position is not None:
                later = self._since(connection, position, view.position).steps
                for key, days in later.person_days(filters, by, risk_sets, windows).items():
                    found[key] = found.get(key, 0) - days
            return found

    def steps(
        self,
        connection: Connection,
        filters: Filters,
        by: Sequence[str],
        risk_sets: Sequence[str],
        until_day: int,
        position: int | None = None,
    ) -> list[GroupStep] | None:
        """Each group's steps up to a day."""
        with self._lock:
            view = self._view(connection, by, filters, position)
            if view is None:
                return None
            found = list(view.steps(filters, by, risk_sets, until_day))
            if position is not None:
                later = self._since(connection, position, view.position).steps
                found += [
                    step._replace(change=-step.change)
                    for step in later.steps(filters, by, risk_sets, until_day)
                ]
            return found

    def counts(
        self,
        connection: Connection,
        filters: Filters,
        by: Sequence[str],
        between: tuple[int | None, int],
        *,
        by_day: bool,
        position: int | None = None,
    ) -> list[CaseTally] | None:
        """The cases of each group and infection type between two days, by day where wanted."""
        with self._lock:
            cases = self._cases
            if cases is None or not self._follows(connection, cases, position):
                return None
            found = cases.counts(filters, by, *between, by_day=by_day)
            if position is None:
                return list(found)
            later = self._since(connection, position, cases.position).cases
            taken = later.counts(filters, by, *between, by_day=by_day)
            return added_up([*found, *(one._replace(counted=-one.counted) for one in taken)])

    def first_day(self, connection: Connection, filters: Filters) -> tuple[bool, int | None]:
        """Whether it can be told, and the first day on which anybody of these was at risk."""
        with self._lock:
            view = self._view(connection, (), filters, None)
            return (False, None) if view is None else (True, view.first_day(filters))

    def _view(
        self, connection: Connection, by: Sequence[str], filters: Filters, position: int | None
    ) -> StepView | None:
        """The view that a question needs, as the snapshot has it."""
        named = {name for name in (*STRATUM, "agent") if filters.get(name) is not None}
        asked = {"regimen" if name == "agent" else name for name in (*by, *named)}
        facilities = filters.get("facility")
        if facilities is not None and len(facilities) <= self.few_facilities:
            return None
        dimensions: tuple[str, ...] = NETWORK
        if "facility" in asked:
            dimensions = tuple(name for name in STRATUM if name in asked)
        if dimensions not in self._steps:
            self._want(dimensions)
            if not self.waits:
                return None
            self.load(connection)
        self._steps.move_to_end(dimensions)
        view = self._steps[dimensions]
        return view if self._follows(connection, view, position) else None

    def _follows(
        self, connection: Connection, view: StepView | CaseView, position: int | None
    ) -> bool:
        """Take in what changed up to the snapshot; False where that cannot be spoken for.

        A past position must be nearer to the present than to the beginning.
        """
        head = ledger.head(connection)
        if head.position < self._seen.position:
            return False
        instants = instants_of(connection, {self._seen.position, head.position})
        is_same_past = instants.get(self._seen.position) == self._seen.recorded_at
        if view.position < head.rewritten_at or not is_same_past:
            self._give_up()
            return False
        if position is not None and 2 * position < head.position:
            return False
        if view.position < head.position:
            try:
                view.follow(connection, head.position)
            except Exception:
                self._give_up()  # it may have taken in a part
                raise
        self._seen = Commit(head.position, instants.get(head.position))
        return True

    def _since(self, connection: Connection, position: int, until: int) -> Since:
        """What came or went between two positions; the last such is kept."""
        if self._later is None or self._later.between != (position, until):
            steps, cases = StepView(STRATUM, position), CaseView(position)
            steps.follow(connection, until)
            cases.follow(connection, until)
            self._later = Since((position, until), steps, cases)
        return self._later

    def _want(self, dimensions: tuple[str, ...]) -> None:
        self._wanted.add(dimensions)
        self.missing.set()

    def _give_up(self) -> None:
        """What is kept is not what the ledger holds: begin again."""
        self._wanted |= set(self._steps)
        self._steps.clear()
        self._cases, self._later, self._seen = None, None, NO_COMMIT
        self.missing.set()
