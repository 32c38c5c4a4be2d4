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
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
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
from service.store.bulk import Columns, Row, Table, change_rows, insert_rows
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


SEGMENT_KEY = ("facility", "patient", "index_day", "stratum_id", "risk_set", "start_day")
SEGMENT = (*SEGMENT_KEY, "posted_at", "end_day")
EPISODE_KEY = ("facility", "patient", "episode_id")
_OF_EPISODE = tuple(name for name in LedgerEpisode._fields if name not in ("exposure", "stratum"))
EPISODE = ("facility", "patient", "posted_at", "stratum_id", *_OF_EPISODE, *Exposure._fields)
NO_EXPOSURE = (None,) * len(Exposure._fields)
STEP = ("facility", "stratum_id", "risk_set", "day")


@dataclass(frozen=True)
class Posting:
    """One patient's contributions before and after."""

    patient: PatientKey
    before: Contributions
    after: Contributions

    @cached_property
    def came(self) -> Contributions:
        """What holds now and did not before."""
        return self.after - self.before

    @cached_property
    def went(self) -> Contributions:
        """What held before and does no longer."""
        return self.before - self.after

    @cached_property
    def steps(self) -> Counter[Step]:
        """The change in the numbers at risk, without steps that come to nothing."""
        return steps(self.came.segments, less=self.went.segments)


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
        came, went, patient = posting.came, posting.went, posting.patient
        strata |= {segment.stratum for segment in came.segments}
        changes.update(posting.steps)
        withdrawn_segments += [_segment_key(patient, segment) for segment in went.segments]
        added_segments += [_segment_row(patient, segment, position) for segment in came.segments]
        withdrawn_episodes += [(*patient, episode.episode_id) for episode in went.episodes]
        added_episodes += [_episode_row(patient, episode, position) for episode in came.episodes]
    _add_strata(connection, strata)
    _withdraw(connection, SegmentRow, SEGMENT_KEY, withdrawn_segments, position)
    _withdraw(connection, EpisodeRow, EPISODE_KEY, withdrawn_episodes, position)
    insert_rows(connection, SegmentRow, SEGMENT, added_segments)
    insert_rows(connection, EpisodeRow, EPISODE, added_episodes)
    _add_to_sums(connection, {step: change for step, change in changes.items() if change})


def forget(
    connection: Connection, patient: PatientKey, position: int, *, only_past: bool = False
) -> None:
    """Remove a patient's segments and episodes, past ones too; the sums are corrected by `post`."""
    rewritten(connection, position)
    for table in (SegmentRow, EpisodeRow):
        rows = delete(table).where(
            col(table.facility) == patient.facility, col(table.patient) == patient.patient
        )
        if only_past:
            rows = rows.where(col(table.withdrawn_at).is_not(None))
        connection.execute(rows)


def _segment_key(patient: PatientKey, segment: Segment) -> Row:
    number = stratum_id(segment.stratum)
    return (*patient, segment.index_day, number, segment.risk_set, segment.start_day)


def _segment_row(patient: PatientKey, segment: Segment, position: int) -> Row:
    return (*_segment_key(patient, segment), position, segment.end_day)


def _episode_row(patient: PatientKey, episode: LedgerEpisode, position: int) -> Row:
    own = episode._asdict()
    exposure, stratum = own.pop("exposure"), own.pop("stratum")
    number = stratum_id(stratum) if stratum else None
    return (*patient, position, number, *own.values(), *(exposure or NO_EXPOSURE))


def _add_strata(connection: Connection, strata: set[Stratum]) -> None:
    rows = [(*stratum, stratum_id(stratum)) for stratum in sorted(strata)]
    columns = (*Stratum._fields, "stratum_id")
    insert_rows(connection, StratumRow, columns, rows, on_conflict="DO NOTHING")


def _withdraw(
    connection: Connection, table: Table, key: Columns, rows: list[Row], position: int
) -> None:
    change = f"UPDATE {table.__tablename__} SET withdrawn_at = {{given}} {{of}}"  # noqa: S608
    change_rows(connection, table, key, rows, f"{change} AND withdrawn_at IS NULL", position)


def _add_to_sums(connection: Connection, changes: Mapping[Step, int]) -> None:
    """Add to the sums; a sum that comes to nothing leaves no row."""
    rows = [
        (step.stratum.facility, stratum_id(step.stratum), step.risk_set, step.day, change)
        for step, change in sorted(changes.items())
    ]
    keys = [row[:-1] for row in rows]
    add = f"({', '.join(STEP)}) DO UPDATE SET change = risk_steps.change + excluded.change"
    insert_rows(connection, RiskStepRow, (*STEP, "change"), rows, on_conflict=add)
    change_rows(connection, RiskStepRow, STEP, keys, "DELETE FROM risk_steps {of} AND change = 0")
