"""The ledger's sums in memory: what reading a rate takes, whatever the number of events.

In:     a reading transaction.
Out:    person-days, steps and cases exactly as its snapshot of the database has them, or None
        where the database has to be asked.
Source: docs/methods.md 6; docs/decisions/0010-sums-in-memory.md.

The sums follow the ledger by its positions: what changed since the last look is read and added.
They never run ahead of a transaction that could still be undone, because only readers move them.
A past position is the present less what came or went since, where that is the shorter way.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Event, RLock

from sqlalchemy import Connection

from service.domain.days import Days
from service.store import changes, ledger
from service.store.case_view import CaseTally, CaseView, added_up
from service.store.changes import STRATUM
from service.store.codes import Filters, Values, Whole
from service.store.step_view import GroupStep, StepView

NETWORK = STRATUM[1:]
"""Every dimension but the facility: what most figures are asked by."""
MOST_VIEWS = 8
"""Views by facility that are kept; each is made when first asked for."""
FEW_FACILITIES = 10
"""So many facilities are read from the database, where their rows stand together."""
AT_ONCE = 100_000
NOT_LOADED = -1


@dataclass(frozen=True, slots=True)
class Since:
    """What came or went after the first position and up to the second."""

    between: tuple[int, int]
    steps: StepView
    cases: CaseView


@dataclass
class RunningSums:
    """Views of the ledger at one position; empty until `load`, and `missing` says so."""

    position: int = NOT_LOADED
    missing: Event = field(default_factory=Event)
    few_facilities: int = FEW_FACILITIES
    _network: StepView = field(default_factory=lambda: StepView(NETWORK))
    _by_facility: OrderedDict[frozenset[str], StepView] = field(default_factory=OrderedDict)
    _cases: CaseView = field(default_factory=CaseView)
    _later: Since | None = None
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        """Nothing is loaded yet."""
        self.missing.set()

    @property
    def is_loaded(self) -> bool:
        """Is there anything to answer from?"""
        return self.position != NOT_LOADED

    def load(self, connection: Connection) -> None:
        """Read the whole ledger as this transaction sees it."""
        network, cases = StepView(NETWORK), CaseView()
        position = ledger.head_position(connection)
        network.add(changes.all_steps(connection))
        cases.add(changes.all_cases(connection))
        with self._lock:
            self._network, self._cases, self.position = network, cases, position
            self._by_facility.clear()
            self._later = None

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
                later = self._since(connection, position).steps
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
                later = self._since(connection, position).steps
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
        days: tuple[int | None, int],
        *,
        by_day: bool,
        position: int | None = None,
    ) -> list[CaseTally] | None:
        """The cases of each group and infection type between two days, by day where wanted."""
        with self._lock:
            if not (self._follow(connection) and self._reaches(position)):
                return None
            found = self._cases.counts(filters, by, *days, by_day=by_day)
            if position is None:
                return list(found)
            later = self._since(connection, position).cases
            taken = later.counts(filters, by, *days, by_day=by_day)
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
        if not (self._follow(connection) and self._reaches(position)):
            return None
        named = {name for name in (*STRATUM, "agent") if filters.get(name) is not None}
        asked = {"regimen" if name == "agent" else name for name in (*by, *named)}
        if "facility" not in asked:
            return self._network
        facilities = filters.get("facility")
        if facilities is not None and len(facilities) <= self.few_facilities:
            return None
        return self._of_facilities(connection, frozenset(asked))

    def _follow(self, connection: Connection) -> bool:
        """Take in what changed up to the snapshot; False where that cannot be spoken for."""
        head = ledger.head(connection)
        if not self.is_loaded or self.position > head.position:
            return False
        if self.position < head.rewritten_at:
            self.position = NOT_LOADED
            self.missing.set()
            return False
        if self.position < head.position:
            steps = changes.steps_since(connection, self.position)
            while part := list(islice(steps, AT_ONCE)):
                for view in (self._network, *self._by_facility.values()):
                    view.add(part)
            self._cases.add(changes.cases_since(connection, self.position))
            self.position = head.position
        return True

    def _reaches(self, position: int | None) -> bool:
        """Is a past position nearer to the present than to the beginning?"""
        return position is None or 2 * position >= self.position

    def _since(self, connection: Connection, position: int) -> Since:
        """What came or went between a past position and the present one; the last such is kept."""
        between = (position, self.position)
        if self._later is None or self._later.between != between:
            steps, cases = StepView(STRATUM), CaseView()
            steps.add(changes.steps_since(connection, position))
            cases.add(changes.cases_since(connection, position))
            self._later = Since(between, steps, cases)
        return self._later

    def _of_facilities(self, connection: Connection, asked: frozenset[str]) -> StepView:
        if asked not in self._by_facility:
            view = StepView([name for name in STRATUM if name in asked])
            view.add(changes.all_steps(connection))
            self._by_facility[asked] = view
            if len(self._by_facility) > MOST_VIEWS:
                self._by_facility.popitem(last=False)
        self._by_facility.move_to_end(asked)
        return self._by_facility[asked]
