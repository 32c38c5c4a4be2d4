"""Which facilities the request in hand may reach: what PostgreSQL itself holds reads to.

In:     the facilities that the holder of a key is bound to, said once where the key is recognised.
Out:    the same wherever the request reads, in whatever thread; None where all may be reached.
Source: docs/access.md, "A second wall"; docs/decisions/0022-second-wall.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Reach:
    """Of one request; shared by the threads that work on it."""

    facilities: tuple[str, ...] | None = None


_OF_REQUEST: ContextVar[Reach | None] = ContextVar("reach", default=None)


@contextmanager
def own_reach() -> Iterator[None]:
    """Begin a request, or anything else that nobody has been recognised for yet."""
    before = _OF_REQUEST.set(Reach())
    try:
        yield
    finally:
        _OF_REQUEST.reset(before)


def bind(facilities: tuple[str, ...] | None) -> None:
    """Hold the reads of the request in hand to these facilities from now on."""
    reach = _OF_REQUEST.get()
    if reach is not None:
        reach.facilities = facilities


def reached() -> tuple[str, ...] | None:
    """The facilities that may be read; None for all."""
    reach = _OF_REQUEST.get()
    return None if reach is None else reach.facilities
