"""What becomes of something sent: a draft of an event, or a rejection with every fault.

In:     nothing.
Out:    `Draft`, `Rejection`, `DocumentFault` and the `Fault` they hold.
Source: docs/api.md: all faults at once, and no message repeats a value.
"""

from dataclasses import dataclass

from service.domain.events import AnyEvent


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, or one warning: where, a stable code, and what to do.

    `pointer` is a JSON pointer within the item ("/agents/0", "" for the item itself).
    """

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that is no event; `index` counts from 0 in an array, lines count from 1."""

    index: int
    event_id: str | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event ready to be recorded; `index` counts from 0 in an array, lines count from 1.

    `received` is what was sent as canonical JSON: keys sorted, no spaces, nulls left out. Two
    reports with the same `received` say the same.
    """

    index: int
    event: AnyEvent
    received: str
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentFault:
    """Why a body as a whole cannot be read; `position` says where ("line 1, column 17")."""

    code: str
    message: str
    position: str | None = None
