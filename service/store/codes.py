"""Distinct values as small numbers, so that filters and groups are array operations.

In:     tuples of values, one for each of some names.
Out:    a number for each distinct tuple; which of them pass filters; the groups they form.
Source: docs/decisions/0010-sums-in-memory.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]
Values: TypeAlias = tuple[str, ...]
Filters: TypeAlias = Mapping[str, Sequence[str]]


class Groups(NamedTuple):
    """The group of each distinct tuple, and the values of each group, also of one without any."""

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
        self._terms: list[dict[str, int]] = [{} for _ in self.names]
        self._columns = np.zeros((len(self.names), 0), dtype=np.int64)

    def __len__(self) -> int:
        """How many distinct tuples have appeared."""
        return len(self._codes)

    def code(self, values: Values) -> int:
        """The number of a tuple; a new one where it has not appeared before."""
        return self._codes.setdefault(values, len(self._codes))

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Which tuples pass the filters on these names; `agent` speaks of regimens."""
        passes = np.ones(len(self), dtype=np.bool_)
        for terms, column, name in zip(self._terms, self._numbered(), self.names, strict=True):
            wanted = filters.get(name)
            if wanted is not None:
                passes &= _chosen(terms, frozenset(wanted).__contains__)[column]
            if name == "regimen" and (agents := frozenset(filters.get("agent") or ())):
                passes &= _chosen(terms, lambda term: not agents.isdisjoint(term.split("+")))[
                    column
                ]
        return passes

    def groups(self, by: Sequence[str]) -> Groups:
        """The groups by some of the names, others ignored."""
        columns = self._numbered()
        of_code = np.zeros(len(self), dtype=np.int64)
        values: list[Values] = [()]
        for name in by:
            if name in self.names:
                place = self.names.index(name)
                terms = list(self._terms[place])
                of_code = of_code * len(terms) + columns[place]
                values = [(*value, term) for value in values for term in terms]
        return Groups(of_code, values)

    def _numbered(self) -> Whole:
        """For each name, the number of the term of each tuple; those since the last look added."""
        done = self._columns.shape[1]
        if done < len(self):
            new = [
                [
                    terms.setdefault(term, len(terms))
                    for terms, term in zip(self._terms, values, strict=True)
                ]
                for values in islice(self._codes, done, None)
            ]
            added = np.array(new, dtype=np.int64).reshape(len(new), len(self.names)).T
            self._columns = np.concatenate((self._columns, added), axis=1)
        return self._columns


def _chosen(terms: Iterable[str], is_wanted: Callable[[str], bool]) -> NDArray[np.bool_]:
    return np.array([is_wanted(term) for term in terms], dtype=np.bool_)


def summed(groups: Whole, table: Whole) -> Iterator[tuple[int, Whole]]:
    """Each group that occurs with the sum of its lines; `table` has a line for each of `groups`."""
    if not groups.size:
        return
    found, places = np.unique(groups, return_inverse=True)
    sums = np.zeros((found.size, table.shape[1]), dtype=np.int64)
    np.add.at(sums, places, table)
    yield from zip(found.tolist(), sums, strict=True)
