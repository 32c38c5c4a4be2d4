"""What operators decided of terms that nobody could read, and from which position it holds.

In:     decisions, and the positions at which patients were counted again under them.
Out:    the meaning of a term for a patient, at a position or now.
Source: docs/decisions/0013-terms-that-wait.md.

A decision is never changed, only followed by another; "wait" takes one back. Of those that have
reached a patient the last one holds: that of the patient's facility before that of the network.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlmodel import col

from service.domain.findings import Place, Species
from service.domain.terms import Meaning, MeaningOf, Term, Verdict, term_id
from service.store.events import PatientKey
from service.store.tables import TermDecisionRow

WAIT = "wait"


class Decision(NamedTuple):
    """One decision; `positions` has one for each bucket of patients that it has reached."""

    sequence: int
    facility: str | None
    term_id: str
    kind: str
    label: str
    verdict: str
    target: list[Any] | None
    actor: str
    recorded_at: datetime
    buckets: int
    positions: list[int]

    @property
    def is_under_way(self) -> bool:
        """Are there patients who are not counted under it yet?"""
        return len(self.positions) < self.buckets

    def concerns(self, patient: PatientKey, position: int | None) -> bool:
        """Does it hold for the patient, at a position or (None) now?"""
        if self.facility not in (None, patient.facility):
            return False
        bucket = bucket_of(patient, self.buckets)
        if bucket >= len(self.positions):
            return False
        return position is None or self.positions[bucket] <= position

    @property
    def meaning(self) -> Meaning | None:
        """What the term means by it; None where it is to wait."""
        if self.verdict == WAIT:
            return None
        verdict: Verdict = self.verdict  # type: ignore[assignment]
        return Meaning(verdict, _target(self.kind, self.target))


def bucket_of(patient: PatientKey, buckets: int) -> int:
    """The patient's bucket: patients are spread evenly, and none is named to say how far one is."""
    if buckets == 1:
        return 0
    digest = blake2b("\x1f".join(patient).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % buckets


class Meanings:
    """What the terms of some events mean for each patient, at a position or (None) now."""

    def __init__(
        self, connection: Connection, terms: Iterable[Term], position: int | None = None
    ) -> None:
        """Read what was decided of the terms."""
        self._ids = {term: term_id(term) for term in terms}
        self._position = position
        self._decisions: dict[str, list[Decision]] = defaultdict(list)
        for decision in decisions_of(connection, set(self._ids.values())):
            self._decisions[decision.term_id].append(decision)

    def of(self, patient: PatientKey) -> MeaningOf:
        """What a term means where this patient is."""

        def meaning_of(term: Term) -> Meaning | None:
            decisions = self._decisions.get(self._ids[term], ())
            return in_force(decisions, patient, self._position)

        return meaning_of


def in_force(
    decisions: Sequence[Decision], patient: PatientKey, position: int | None = None
) -> Meaning | None:
    """The meaning by the last decision of the facility, else by the network's."""
    for facility in (patient.facility, None):
        reached = [
            decision
            for decision in decisions
            if decision.facility == facility and decision.concerns(patient, position)
        ]
        if reached and reached[-1].verdict != WAIT:
            return reached[-1].meaning
    return None


def decisions_of(connection: Connection, term_ids: Iterable[str]) -> list[Decision]:
    """All that was ever decided of some terms, in order."""
    asked = sorted(set(term_ids))
    return _found(connection, col(TermDecisionRow.term_id).in_(asked)) if asked else []


def all_decisions(connection: Connection) -> list[Decision]:
    """All that was ever decided, in order."""
    return _found(connection)


def under_way(connection: Connection) -> Decision | None:
    """The oldest decision under which not all patients are counted yet."""
    row = TermDecisionRow.metadata.tables["term_decisions"].c
    return next((one for one in _found(connection, row.buckets > 1) if one.is_under_way), None)


def add_decision(connection: Connection, decision: Decision) -> Decision:
    """Keep a decision under the next number."""
    last = connection.execute(select(func.max(col(TermDecisionRow.sequence)))).scalar_one()
    numbered = decision._replace(sequence=(last or 0) + 1)
    connection.execute(insert(TermDecisionRow), numbered._asdict())
    return numbered


def reach(connection: Connection, decision: Decision, position: int) -> Decision:
    """Let a decision hold for the next bucket of patients from a position on."""
    positions = [*decision.positions, position]
    connection.execute(
        update(TermDecisionRow)
        .where(col(TermDecisionRow.sequence) == decision.sequence)
        .values(positions=positions)
    )
    return decision._replace(positions=positions)


def forget_decisions(connection: Connection, term_ids: Iterable[str]) -> None:
    """Remove what was decided of terms that no event holds any more."""
    for one in term_ids:
        connection.execute(delete(TermDecisionRow).where(col(TermDecisionRow.term_id) == one))


def _found(connection: Connection, *where: Any) -> list[Decision]:
    columns = [col(getattr(TermDecisionRow, name)) for name in Decision._fields]
    query = select(*columns).where(*where).order_by(col(TermDecisionRow.sequence))
    return [Decision(*row) for row in connection.execute(query)]


def _target(kind: str, target: list[Any] | None) -> Species | Place | str | None:
    if target is None:
        return None
    if kind == "organism":
        return Species(*target)
    return Place(*target) if kind == "site" else str(target[0])
