"""The ledger: what all patients contribute, posted as differences.

In:     a patient's contributions before and after a batch of events.
Out:    segments and episodes with the positions between which they held, and the running sums
        in `risk_steps` that rates are read from.
Source: docs/methods.md 6: post `contributions(after) - contributions(before)`; add, never amend.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from service.domain.contributions import (
    Contributions,
    Exposure,
    LedgerEpisode,
    Segment,
    Step,
    steps,
)
from service.domain.strata import Stratum
from service.store.events import PatientKey
from service.store.tables import (
    EpisodeRow,
    LedgerCommit,
    LedgerHead,
    RiskStepRow,
    SegmentRow,
    StratumRow,
)

UPSERT: Mapping[str, Callable[[type[SQLModel]], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""Each dialect has its own INSERT … ON CONFLICT, alike in use and without a common type."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One patient's contributions before and after."""

    patient: PatientKey
    before: Contributions
    after: Contributions

    @property
    def changed_episodes(self) -> frozenset[LedgerEpisode]:
        """Episodes that came or went."""
        return self.before.episodes ^ self.after.episodes

    @property
    def changed_segments(self) -> frozenset[Segment]:
        """Segments that came or went."""
        return self.before.segments ^ self.after.segments


@lru_cache(maxsize=100_000)
def stratum_id(stratum: Stratum) -> int:
    """The stratum's number: 63 bits of a hash, so that any process names it alike."""
    digest = blake2b("\x1f".join(stratum).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Head(NamedTuple):
    """How far the ledger is, and up to where its past was rewritten: by an erasure, a rebuild."""

    position: int
    rewritten_at: int


def head(connection: Connection) -> Head:
    """How far the ledger is."""
    query = select(col(LedgerHead.position), col(LedgerHead.rewritten_at))
    return Head(*connection.execute(query).one())


def head_position(connection: Connection) -> int:
    """The last position given out."""
    return head(connection).position


def rewritten(connection: Connection, position: int) -> None:
    """Note that what came and went up to a position can no longer be told one by one."""
    connection.execute(update(LedgerHead).values(rewritten_at=position))


def rules_fingerprint(connection: Connection) -> str:
    """The rules the ledger was built under; empty before the first event."""
    return connection.execute(select(col(LedgerHead.rules_fingerprint))).scalar_one()


def set_rules_fingerprint(connection: Connection, fingerprint: str) -> None:
    """Note the rules that the ledger is built under from now on."""
    connection.execute(update(LedgerHead).values(rules_fingerprint=fingerprint))


def advance(connection: Connection, position: int, recorded_at: datetime) -> None:
    """Move the head to the last position of this transaction."""
    connection.execute(update(LedgerHead).values(position=position))
    connection.execute(insert(LedgerCommit), {"position": position, "recorded_at": recorded_at})


def position_at(connection: Connection, instant: datetime) -> int:
    """The last position reached by an instant; 0 where nothing was recorded yet."""
    query = select(func.max(col(LedgerCommit.position))).where(
        col(LedgerCommit.recorded_at) <= instant
    )
    return connection.execute(query).scalar_one() or 0


def recorded_at(connection: Connection, position: int) -> datetime | None:
    """When the ledger reached a position; None before the first."""
    query = select(func.max(col(LedgerCommit.recorded_at))).where(
        col(LedgerCommit.position) <= position
    )
    return connection.execute(query).scalar_one()


def post(connection: Connection, postings: list[Posting], position: int) -> None:
    """Post every patient's difference at one position."""
    strata: set[Stratum] = set()
    changes: Counter[Step] = Counter()
    withdrawn_segments, added_segments = [], []
    withdrawn_episodes, added_episodes = [], []
    for posting in postings:
        before, after, patient = posting.before, posting.after, posting.patient
        gone, new = before.segments - after.segments, after.segments - before.segments
        strata |= {segment.stratum for segment in new}
        changes.update(steps(new))
        changes.subtract(steps(gone))
        withdrawn_segments += [_segment_key(patient, segment) for segment in gone]
        added_segments += [_segment_row(patient, segment, position) for segment in new]
        withdrawn_episodes += [
            {
                "of_facility": patient.facility,
                "of_patient": patient.patient,
                "of_episode": e.episode_id,
            }
            for e in before.episodes - after.episodes
        ]
        added_episodes += [
            _episode_row(patient, episode, position) for episode in after.episodes - before.episodes
        ]
    _add_strata(connection, strata)
    _withdraw_segments(connection, withdrawn_segments, position)
    _withdraw_episodes(connection, withdrawn_episodes, position)
    if added_segments:
        connection.execute(insert(SegmentRow), added_segments)
    if added_episodes:
        connection.execute(insert(EpisodeRow), added_episodes)
    _add_to_sums(connection, {step: change for step, change in changes.items() if change})


def forget(connection: Connection, patient: PatientKey, position: int) -> None:
    """Remove a patient's segments and episodes, past ones too; the sums are corrected by `post`."""
    rewritten(connection, position)
    for table in (SegmentRow, EpisodeRow):
        connection.execute(
            delete(table).where(
                col(table.facility) == patient.facility, col(table.patient) == patient.patient
            )
        )


def _segment_key(patient: PatientKey, segment: Segment) -> dict[str, Any]:
    return {
        "of_facility": patient.facility,
        "of_patient": patient.patient,
        "of_index_day": segment.index_day,
        "of_stratum": stratum_id(segment.stratum),
        "of_risk_set": segment.risk_set,
        "of_start_day": segment.start_day,
    }


def _segment_row(patient: PatientKey, segment: Segment, position: int) -> dict[str, Any]:
    return {
        "facility": patient.facility,
        "patient": patient.patient,
        "index_day": segment.index_day,
        "stratum_id": stratum_id(segment.stratum),
        "risk_set": segment.risk_set,
        "start_day": segment.start_day,
        "end_day": segment.end_day,
        "posted_at": position,
        "withdrawn_at": None,
    }


def _episode_key(patient: PatientKey, episode: LedgerEpisode) -> dict[str, Any]:
    return {
        "of_facility": patient.facility,
        "of_patient": patient.patient,
        "of_episode": episode.episode_id,
    }


def _episode_row(patient: PatientKey, episode: LedgerEpisode, position: int) -> dict[str, Any]:
    row = episode._asdict()
    exposure = row.pop("exposure")
    stratum = row.pop("stratum")
    exposed = exposure._asdict() if exposure else dict.fromkeys(Exposure._fields)
    return {
        **row,
        **exposed,
        "facility": patient.facility,
        "patient": patient.patient,
        "stratum_id": stratum_id(stratum) if stratum else None,
        "posted_at": position,
        "withdrawn_at": None,
    }


def _add_strata(connection: Connection, strata: set[Stratum]) -> None:
    if strata:
        rows = [{**s._asdict(), "stratum_id": stratum_id(s)} for s in sorted(strata)]
        statement = UPSERT[connection.dialect.name](StratumRow).on_conflict_do_nothing()
        connection.execute(statement, rows)


def _withdraw_segments(connection: Connection, keys: list[dict[str, Any]], position: int) -> None:
    if keys:
        statement = (
            update(SegmentRow)
            .where(
                col(SegmentRow.facility) == bindparam("of_facility"),
                col(SegmentRow.patient) == bindparam("of_patient"),
                col(SegmentRow.index_day) == bindparam("of_index_day"),
                col(SegmentRow.stratum_id) == bindparam("of_stratum"),
                col(SegmentRow.risk_set) == bindparam("of_risk_set"),
                col(SegmentRow.start_day) == bindparam("of_start_day"),
                col(SegmentRow.withdrawn_at).is_(None),
            )
            .values(withdrawn_at=position)
        )
        connection.execute(statement, keys)


def _withdraw_episodes(connection: Connection, keys: list[dict[str, Any]], position: int) -> None:
    if keys:
        statement = (
            update(EpisodeRow)
            .where(
                col(EpisodeRow.facility) == bindparam("of_facility"),
                col(EpisodeRow.patient) == bindparam("of_patient"),
                col(EpisodeRow.episode_id) == bindparam("of_episode"),
                col(EpisodeRow.withdrawn_at).is_(None),
            )
            .values(withdrawn_at=position)
        )
        connection.execute(statement, keys)


def _add_to_sums(connection: Connection, changes: Mapping[Step, int]) -> None:
    """Add to the sums; a sum that comes to nothing leaves no row."""
    if not changes:
        return
    rows = [
        {
            "facility": step.stratum.facility,
            "stratum_id": stratum_id(step.stratum),
            "risk_set": step.risk_set,
            "day": step.day,
            "change": change,
        }
        for step, change in sorted(changes.items())
    ]
    statement = UPSERT[connection.dialect.name](RiskStepRow)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["facility", "stratum_id", "risk_set", "day"],
            set_={"change": col(RiskStepRow.change) + statement.excluded.change},
        ),
        rows,
    )
    connection.execute(
        delete(RiskStepRow).where(
            col(RiskStepRow.facility) == bindparam("of_facility"),
            col(RiskStepRow.stratum_id) == bindparam("of_stratum_id"),
            col(RiskStepRow.risk_set) == bindparam("of_risk_set"),
            col(RiskStepRow.day) == bindparam("of_day"),
            col(RiskStepRow.change) == 0,
        ),
        [{f"of_{name}": value for name, value in row.items() if name != "change"} for row in rows],
    )
