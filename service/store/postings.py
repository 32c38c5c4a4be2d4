"""What others posted: the difference between two positions, patient by patient.

In:     a position that was known, and one that the ledger has reached since.
Out:    postings, as if whoever wrote had handed them on.
Source: docs/methods.md 6: a row holds from `posted_at` until before `withdrawn_at`;
        docs/decisions/0012-series-kept-by-the-writer.md.

What an erasure or a rebuild removed cannot be told so: see `ledger.Head.rewritten_at`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, and_, or_, select, union

from service.domain.contributions import Contributions, LedgerEpisode, Segment
from service.store.events import PatientKey
from service.store.holdings import episode_of, of_stratum, stratum_of
from service.store.ledger import Posting
from service.store.tables import EpisodeRow, SegmentRow, StratumRow

Row = TypeVar("Row", Segment, LedgerEpisode)
AnySelect = Select[*tuple[Any, ...]]
Table = type[SegmentRow] | type[EpisodeRow]


def postings_between(connection: Connection, after: int, until: int) -> list[Posting]:
    """What was posted after one position and up to another.

    A posting has all of its patient's: which episode is the first, and how a course went on, is
    told by the others.
    """
    segments = _held(_of_changed(connection, SegmentRow, after), _segment, after, until)
    episodes = _held(_of_changed(connection, EpisodeRow, after), episode_of, after, until)
    return [
        Posting(
            patient,
            *(
                Contributions(frozenset(segments[patient][i]), frozenset(episodes[patient][i]))
                for i in (0, 1)
            ),
        )
        for patient in sorted({*segments, *episodes})
    ]


def _held(
    rows: Iterator[RowMapping], read: Callable[[RowMapping], Row], after: int, until: int
) -> dict[PatientKey, tuple[set[Row], set[Row]]]:
    """What of each patient's held at either position."""
    found: dict[PatientKey, tuple[set[Row], set[Row]]] = defaultdict(lambda: (set(), set()))
    for row in rows:
        for held, position in zip(
            found[PatientKey(row["facility"], row["patient"])], (after, until), strict=True
        ):
            gone_at = row["withdrawn_at"]
            if row["posted_at"] <= position and (gone_at is None or gone_at > position):
                held.add(read(row))
    return found


def _of_changed(connection: Connection, table: Table, after: int) -> Iterator[RowMapping]:
    """What held then or later of the patients of whom anything came or went since."""
    changed = union(*(_changed_since(one, after) for one in (SegmentRow, EpisodeRow))).subquery()
    own = table.metadata.tables[str(table.__tablename__)].c
    is_of_them = and_(own.facility == changed.c.facility, own.patient == changed.c.patient)
    query: AnySelect = select(*own, *of_stratum())
    query = query.join(changed, is_of_them).outerjoin(StratumRow, _is_stratum_of(own))
    query = query.where(or_(own.withdrawn_at.is_(None), own.withdrawn_at > after))
    yield from connection.execute(query).mappings()


def _changed_since(table: Table, after: int) -> AnySelect:
    own = table.metadata.tables[str(table.__tablename__)].c
    query: AnySelect = select(own.facility, own.patient)
    return query.where(or_(own.posted_at > after, own.withdrawn_at > after))


def _segment(row: RowMapping) -> Segment:
    days = (row["start_day"], row["end_day"])
    return Segment(row["index_day"], stratum_of(row), row["risk_set"], *days)


def _is_stratum_of(table: Any) -> Any:
    strata = StratumRow.metadata.tables["strata"].c
    return and_(strata.facility == table.facility, strata.stratum_id == table.stratum_id)
