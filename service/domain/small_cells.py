"""Small cells: which counts of a table must be hidden, so that none of them can be worked out.

In:     the counts of a table's rows, their person-time, and their sum where it is shown too.
Out:    a mask: which rows are hidden, and whether the sum is.
Source: docs/decisions/0017-small-cells.md; Hundepool et al., Statistical Disclosure Control, Wiley
        2012, chapter 4 (primary and secondary suppression).

The reader is taken to know these rules. So nothing is decided by what a hidden count is, but only
by what stays known: which rows are hidden, their sum, and person-time.
"""

from collections.abc import Sequence
from typing import NamedTuple

SMALLEST_BOUND = 3
"""Below 3 only a 1 would be hidden, and everybody would know that it is one."""


class Mask(NamedTuple):
    """True where a count is hidden."""

    rows: tuple[bool, ...]
    total: bool

    @property
    def hides(self) -> bool:
        """Is anything hidden?"""
        return self.total or any(self.rows)


def is_small(count: int | None, below: int) -> bool:
    """Is it a count that is hidden for its own sake?"""
    return count is not None and 0 < count < below


def mask_of(
    counts: Sequence[int], person_time: Sequence[float], total: int | None, below: int
) -> Mask:
    """Hide every count from 1 to `below - 1`, and what would give one of them away.

    `total` is the sum of the counts as it is shown, None where none is. Without a sum only small
    counts are hidden. With a small sum all rows are. Else further rows are hidden, those with the
    least person-time first and never a zero, until the hidden ones add up to more than they would
    if each small count were `below - 1` and each other one `below`: then every small count may be
    any from 1 to `below - 1`, whatever the others are. Where the rows do not suffice, all are
    hidden and the sum alone is shown. `below` is 0 for hiding nothing, or at least 3.

    >>> mask_of([3, 40, 0], [900.0, 5000.0, 100.0], 43, below=5)
    Mask(rows=(True, True, False), total=False)
    >>> mask_of([3, 0], [900.0, 100.0], 3, below=5)
    Mask(rows=(True, True), total=True)
    >>> mask_of([12, 40], [900.0, 5000.0], 52, below=5)
    Mask(rows=(False, False), total=False)
    """
    if below and below < SMALLEST_BOUND:
        raise ValueError(f"below must be 0 or at least {SMALLEST_BOUND}")
    small = [is_small(count, below) for count in counts]
    if total is None:
        return Mask(tuple(small), total=False)
    if is_small(total, below):
        return Mask((True,) * len(counts), total=True)
    if not any(small):
        return Mask(tuple(small), total=False)
    hidden = list(small)
    room = -sum(below - 1 - count for count in counts if is_small(count, below))
    for place in _others(counts, person_time, below):
        hidden[place] = True
        room += counts[place] - below
        if room > 0:
            return Mask(tuple(hidden), total=False)
    return Mask((True,) * len(counts), total=False)


def joined(masks: Sequence[Mask]) -> Mask:
    """One mask for several counts of the same rows: a row that hides one of them hides all.

    >>> joined([Mask((True, False), False), Mask((False, False), True)])
    Mask(rows=(True, False), total=True)
    """
    rows = zip(*(mask.rows for mask in masks), strict=True)
    return Mask(tuple(any(row) for row in rows), any(mask.total for mask in masks))


def _others(counts: Sequence[int], person_time: Sequence[float], below: int) -> list[int]:
    """The rows that are neither small nor zero, those with the least person-time first."""
    places = [place for place, count in enumerate(counts) if count >= below]
    return sorted(places, key=lambda place: (person_time[place], place))
