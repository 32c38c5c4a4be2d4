"""Distinct values as small numbers, so that filters and groups are array operations.

In:     tuples of values, one for each of some names.
Out:    a number for each distinct tuple; which of them pass filters; the groups they form.
Source: docs/decisions/0010-sums-in-memory.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]
Values: TypeAlias = tuple[str, ...]
Filters: TypeAlias = Mapping[str, Sequence[str]]


class Groups(NamedTuple):
    """The group of each distinct tuple, and the values of each group."""

    of_code: Whole
    values: list[Values]


class Codes:
    """Numbers distinct tuples in order of appearance.

    >>> codes = Codes(("phase", "regimen"))
    >>> [codes.code(found) for found in [("0-30", "none"), ("31-100", "none"), ("0-30", "none")]]
    [0, 1, 0]
    >>> codes.groups(["regimen"])
    Groups(of_code=array([0, 0]), values=[('none',)])
    >>> codes.allowed({"phase": ["31-100"]})
    array([False,  True])
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Nothing has appeared yet."""
        self.names = tuple(names)
        self._codes: dict[Values, int] = {}

    def __len__(self) -> int:
        """How many distinct tuples have appeared."""
        return len(self._codes)

    def code(self, values: Values) -> int:
        """The number of a tuple; a new one where it has not appeared before."""
        return self._codes.setdefault(values, len(self._codes))

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Which tuples pass the filters on these names; `agent` speaks of regimens."""
        wanted = {
            place: frozenset(filters[name])
            for place, name in enumerate(self.names)
            if filters.get(name) is not None
        }
        agents = frozenset(filters.get("agent") or ()) if "regimen" in self.names else frozenset()
        regimen = self.names.index("regimen") if agents else 0
        return np.array(
            [
                all(values[place] in allowed for place, allowed in wanted.items())
                and not (agents and agents.isdisjoint(values[regimen].split("+")))
                for values in self._codes
            ],
            dtype=np.bool_,
        )

    def groups(self, by: Sequence[str]) -> Groups:
        """The groups by some of the names, others ignored."""
        places = [self.names.index(name) for name in by if name in self.names]
        numbers: dict[Values, int] = {}
        of_code = [
            numbers.setdefault(tuple(values[place] for place in places), len(numbers))
            for values in self._codes
        ]
        return Groups(np.array(of_code, dtype=np.int64), list(numbers))


def summed(groups: Whole, table: Whole) -> Iterator[tuple[int, Whole]]:
    """Each group that occurs with the sum of its lines; `table` has a line for each of `groups`."""
    if not groups.size:
        return
    found, places = np.unique(groups, return_inverse=True)
    sums = np.zeros((found.size, table.shape[1]), dtype=np.int64)
    np.add.at(sums, places, table)
    yield from zip(found.tolist(), sums, strict=True)
