"""Figures that stay the same as long as nothing new is known, worked out once.

In:     a key that names everything a figure depends on, and how to work it out.
Out:    the figure, new or remembered.
Source: ours. Comparing every published figure takes a second or two; a wall of screens asks often.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Figure = TypeVar("Figure")
MOST_REMEMBERED = 16


class Memory(Generic[Figure]):
    """Remembers the figures asked for last; safe to share between threads."""

    def __init__(self) -> None:
        """Nothing is remembered yet."""
        self._figures: OrderedDict[Hashable, Figure] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, work_out: Callable[[], Figure]) -> Figure:
        """The figure for a key; two that ask at once may both work it out, to the same end."""
        with self._lock:
            if key in self._figures:
                self._figures.move_to_end(key)
                return self._figures[key]
        figure = work_out()
        with self._lock:
            self._figures[key] = figure
            while len(self._figures) > MOST_REMEMBERED:
                self._figures.popitem(last=False)
        return figure
