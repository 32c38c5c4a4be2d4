"""Let the kept series follow the ledger, whoever wrote.

In:     what a transaction posted, and the positions it led from and to.
Out:    series that stand where the ledger stands, or none.
Source: docs/decisions/0012-series-kept-by-the-writer.md; docs/decisions/0011-several-processes.md.
"""

from collections.abc import Iterable
from functools import partial

from service.pipeline.surveillance import Surveillance
from service.store import ledger
from service.store.engine import Connection
from service.store.ledger import Posting
from service.store.postings import postings_between
from service.store.reach import own_reach

MOST_BEHIND = 10_000
"""Events of others that are read one by one; beyond, the series are read as they stand."""


def follow(
    connection: Connection,
    surveillance: Surveillance,
    postings: Iterable[Posting],
    before: int,
    after: int,
) -> None:
    """Take in what others posted up to where this transaction found the ledger, then its own."""
    others = partial(posted_since, connection, until=before)
    surveillance.kept_series.follow(postings, before, after, others)


def catch_up(surveillance: Surveillance) -> None:
    """Take in what other processes wrote, for those who only read in this one.

    What is read for it is the whole network's, whoever asks.
    """
    with surveillance.turn(), own_reach(), surveillance.database.read() as connection:
        position, kept = ledger.head_position(connection), surveillance.kept_series
        reached = kept.published.position
        if reached is not None and reached < position:
            kept.follow((), position, position, partial(posted_since, connection, until=position))
            kept.publish()


def posted_since(connection: Connection, position: int, *, until: int) -> list[Posting] | None:
    """What others posted between two positions; None where that is much, or cannot be told."""
    is_told = ledger.head(connection).rewritten_at <= position <= until
    if not is_told or until - position > MOST_BEHIND:
        return None
    return postings_between(connection, position, until)
