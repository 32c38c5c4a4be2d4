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

from sqlalchemy import Connection, RowMapping, Select, and_, or_, select

from service.domain.contributions import Contributions, LedgerEpisode, Segment
from service.store.events import PatientKey
from service.store.holdings import episode_of, of_stratum, stratum_of
from service.store.ledger import Posting
from service.store.tables import EpisodeRow, SegmentRow, StratumRow

Row = TypeVar("Row", Segment, LedgerEpisode)
AnySelect = Select[*tuple[Any, ...]]


def postings_between(connection: Connection, after: int, until: int) -> list[Posting]:
    """What was posted after one position and up to another.

    Of segments a posting has those that came or went; of episodes, where any did, all of the
    patient's, because which of them is the first is told by the others.
    """
    segments = _held(_segments(connection, after), _segment, after, until)
    episodes = _held(_episodes(connection, after), episode_of, after, until)
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


def _segments(connection: Connection, after: int) -> Iterator[RowMapping]:
    """The segments that came or went since."""
    table = SegmentRow.metadata.tables["segments"].c
    query: AnySelect = select(*table, *of_stratum())
    query = query.join(StratumRow, _is_stratum_of(table)).where(_changed(table, after))
    yield from connection.execute(query).mappings()


def _episodes(connection: Connection, after: int) -> Iterator[RowMapping]:
    """Every episode of those patients of whom one came or went since."""
    table = EpisodeRow.metadata.tables["episodes"].c
    of_patients = select(table.facility, table.patient).where(_changed(table, after))
    changed = of_patients.distinct().subquery()
    is_of_them = and_(table.facility == changed.c.facility, table.patient == changed.c.patient)
    query: AnySelect = select(*table, *of_stratum())
    query = query.outerjoin(StratumRow, _is_stratum_of(table))
    yield from connection.execute(query.join(changed, is_of_them)).mappings()


def _segment(row: RowMapping) -> Segment:
    days = (row["start_day"], row["end_day"])
    return Segment(row["index_day"], stratum_of(row), row["risk_set"], *days)


def _is_stratum_of(table: Any) -> Any:
    strata = StratumRow.metadata.tables["strata"].c
    return and_(strata.facility == table.facility, strata.stratum_id == table.stratum_id)


def _changed(table: Any, after: int) -> Any:
    return or_(table.posted_at > after, table.withdrawn_at > after)
