"""Cases and person-days of one population by any dimensions that part its days.

In:     a `RateDefinition`, the dimensions, and the position to speak for (None: now).
Out:    two `Cells`: cases, and person-days.
Source: docs/methods.md 3 to 5.
"""

from collections import Counter
from collections.abc import Mapping

from service.domain.days import Days
from service.domain.figures import RateDefinition
from service.errors import BadQuery, Detail
from service.pipeline.tally import tally
from service.store.engine import Connection
from service.store.sums import Values

Cells = Mapping[Values, int]
"""A number for each combination of values."""


def cells_of(
    connection: Connection, definition: RateDefinition, by: Values, position: int | None
) -> tuple[Cells, Cells]:
    """Cases, and person-days, over the definition's window.

    Raises `BadQuery` where there is no time at risk that all cases share.
    """
    group = definition.total
    if group is None:
        message = "Each infection type has its own time at risk: ask for one infection_type."
        raise BadQuery(message, details=(Detail("?infection_type", "bad_query", message),))
    window = Days(definition.start_day or 0, definition.end_day)
    found = tally(connection, definition, [group], by, (), [window], position)
    return (
        {values: int(count[0]) for values, count in found.cases_of(group)},
        {values: int(days[0]) for values, days in found.at_risk(group)},
    )


def added_up(cells: Cells, part: slice) -> Counter[Values]:
    """The cells added up by a part of their values.

    >>> added_up({("a", "x"): 1, ("a", "y"): 2}, slice(1))
    Counter({('a',): 3})
    """
    added: Counter[Values] = Counter()
    for values, number in cells.items():
        added[values[part]] += number
    return added
