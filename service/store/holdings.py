"""What the ledger holds, read back to be compared with what the events say.

In:     patients, or nothing.
Out:    their posted contributions, and whether the running sums are the sums of the segments.
Source: docs/methods.md 6: posted ledger = replay from nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Subquery,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)
from sqlmodel import col

from service.domain.contributions import MARKERS, Contributions, Exposure, LedgerEpisode, Segment
from service.domain.episodes import COLONISATION
from service.domain.strata import Stratum
from service.store.events import PatientKey
from service.store.tables import EpisodeRow, RiskStepRow, SegmentRow, StratumRow


def posted(
    connection: Connection, patients: Collection[PatientKey]
) -> dict[PatientKey, Contributions]:
    """What the ledger holds of the named patients; nothing for one it does not know."""
    segments: dict[PatientKey, set[Segment]] = defaultdict(set)
    episodes: dict[PatientKey, set[LedgerEpisode]] = defaultdict(set)
    for facility in sorted({patient.facility for patient in patients}):
        names = [patient.patient for patient in patients if patient.facility == facility]
        strata = _strata_of(connection, facility)
        for row in _current(connection, SegmentRow, facility, names):
            key = PatientKey(facility, row["patient"])
            segments[key].add(
                Segment(
                    row["index_day"],
                    strata[row["stratum_id"]],
                    row["risk_set"],
                    row["start_day"],
                    row["end_day"],
                )
            )
        for row in _current(connection, EpisodeRow, facility, names):
            stratum = strata[row["stratum_id"]] if row["stratum_id"] is not None else None
            episodes[PatientKey(facility, row["patient"])].add(_episode(row, stratum))
    return {
        patient: Contributions(frozenset(segments[patient]), frozenset(episodes[patient]))
        for patient in patients
    }


def infections(
    connection: Connection,
    infection_types: Collection[str],
    facilities: Collection[str] | None = None,
    *,
    with_colonisation: bool = False,
) -> Iterator[tuple[PatientKey, LedgerEpisode]]:
    """Every infection of the types, counted or not, of some facilities or of all (None).

    Isolation without disease comes too where it is asked for. The answer comes in order of facility
    and onset.
    """
    table = EpisodeRow.metadata.tables["episodes"].c
    strata = StratumRow.metadata.tables["strata"].c
    query = (
        select(*table, *of_stratum())
        .outerjoin(
            StratumRow,
            and_(strata.facility == table.facility, strata.stratum_id == table.stratum_id),
        )
        .where(
            table.withdrawn_at.is_(None),
            table.infection_type.in_(list(infection_types)),
        )
        .order_by(table.facility, table.onset_day)
    )
    if not with_colonisation:
        query = query.where(table.status != COLONISATION)
    if facilities is not None:
        query = query.where(table.facility.in_(list(facilities)))
    for row in connection.execute(query).mappings():
        yield PatientKey(row["facility"], row["patient"]), episode_of(row)


def of_stratum() -> list[ColumnElement[Any]]:
    """What describes a stratum, as columns that no others are mistaken for."""
    strata = StratumRow.metadata.tables["strata"].c
    return [strata[name].label(f"of_{name}") for name in Stratum._fields]


def stratum_of(row: RowMapping) -> Stratum:
    """The stratum in a row with the columns `of_stratum`."""
    return Stratum(*(row[f"of_{name}"] for name in Stratum._fields))


def episode_of(row: RowMapping) -> LedgerEpisode:
    """The episode in a row with the columns `of_stratum`, which are empty where it has none."""
    return _episode(row, stratum_of(row) if row["stratum_id"] is not None else None)


def facilities_with_sums(connection: Connection) -> list[str]:
    """Where anybody is or was counted, or a sum says so."""
    counted = select(col(SegmentRow.facility)).union(select(col(RiskStepRow.facility)))
    return sorted(connection.execute(counted).scalars())


def sums_that_differ(connection: Connection, facility: str) -> int:
    """How many of a facility's running sums differ from the segments they are sums of."""
    held = RiskStepRow.metadata.tables["risk_steps"].c
    taken_away = select(held.facility, held.stratum_id, held.risk_set, held.day, -held.change)
    taken_away = taken_away.where(held.facility == facility)
    place, total = _grouped(union_all(*_segment_steps(facility), taken_away).subquery())
    differing = select(*place).group_by(*place).having(total != 0).subquery()
    return connection.execute(select(func.count()).select_from(differing)).scalar_one()


def sum_up_again(connection: Connection, facility: str) -> None:
    """Form a facility's running sums anew from its segments."""
    place, total = _grouped(union_all(*_segment_steps(facility)).subquery())
    connection.execute(delete(RiskStepRow).where(col(RiskStepRow.facility) == facility))
    connection.execute(
        insert(RiskStepRow).from_select(
            ["facility", "stratum_id", "risk_set", "day", "change"],
            select(*place, total).group_by(*place).having(total != 0),
        )
    )


def _segment_steps(
    facility: str,
) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """The steps up and the steps down of a facility's segments that hold now."""
    held = SegmentRow.metadata.tables["segments"].c
    current = (held.facility == facility) & held.withdrawn_at.is_(None)
    key = (held.facility, held.stratum_id, held.risk_set)
    up = select(*key, held.start_day.label("day"), literal(1).label("change")).where(current)
    down = select(*key, held.end_day + 1, literal(-1)).where(current, held.risk_set.not_in(MARKERS))
    return up, down


def _grouped(entries: Subquery) -> tuple[tuple[ColumnElement[Any], ...], ColumnElement[int]]:
    columns = entries.c
    place = (columns.facility, columns.stratum_id, columns.risk_set, columns.day)
    return place, func.sum(columns.change)


def _strata_of(connection: Connection, facility: str) -> dict[int, Stratum]:
    table = StratumRow.metadata.tables["strata"]
    query = select(table.c.stratum_id, *(table.c[name] for name in Stratum._fields))
    rows = connection.execute(query.where(table.c.facility == facility))
    return {number: Stratum(*values) for number, *values in rows}


def _current(
    connection: Connection,
    table: type[SegmentRow] | type[EpisodeRow],
    facility: str,
    patients: Sequence[str],
) -> Iterator[RowMapping]:
    query = select(*table.metadata.tables[str(table.__tablename__)].c).where(
        col(table.facility) == facility,
        col(table.patient).in_(patients),
        col(table.withdrawn_at).is_(None),
    )
    yield from connection.execute(query).mappings()


def _episode(row: RowMapping, stratum: Stratum | None) -> LedgerEpisode:
    placed = row["course_index_day"] is not None
    own = {name: row[name] for name in LedgerEpisode._fields if name in row}
    return LedgerEpisode(
        **own,
        exposure=Exposure(*(row[name] for name in Exposure._fields)) if placed else None,
        stratum=stratum,
    )
