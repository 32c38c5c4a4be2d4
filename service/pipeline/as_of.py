"""The state of knowledge a figure speaks for.

In:     a position of the ledger, an instant, or neither: now.
Out:    `KnownState`, and the last day that could be known then.
Source: docs/methods.md 1, three clocks: `occurred_on`, `recorded_at`, `as_of`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from service.errors import BadQuery, Detail
from service.pipeline.surveillance import Surveillance
from service.store import ledger
from service.store.commits import commit_at
from service.store.engine import Connection


@dataclass(frozen=True, slots=True)
class KnownState:
    """What was known: everything up to a position at which a transaction ended.

    `past_position` is that position where it is not the ledger's head, else None: the present
    is read from sums, the past from what held then.
    """

    position: int
    recorded_at: datetime | None
    past_position: int | None
    latest_day: date


def known_at(
    connection: Connection, surveillance: Surveillance, as_of: int | datetime | None
) -> KnownState:
    """The state of knowledge at a position or an instant; raises `BadQuery` for one not reached.

    What was known on a day reaches to that day: no figure of it ends later.
    """
    head = ledger.head_position(connection)
    asked = head
    if isinstance(as_of, datetime):
        asked = ledger.position_at(connection, as_of.astimezone(UTC))
    elif as_of is not None:
        asked = as_of
    if asked > head:
        message = f"The ledger has reached position {head}."
        raise BadQuery(message, details=(Detail("?as_of", "not_reached", message),))
    position, recorded_at = commit_at(connection, asked)
    latest_day = surveillance.today()
    then = as_of if isinstance(as_of, datetime) else recorded_at
    if as_of is not None and then is not None:
        latest_day = min(latest_day, then.astimezone(surveillance.zone).date())
    return KnownState(position, recorded_at, None if position == head else position, latest_day)
