"""What becomes of an item that is read: a draft, or a rejection with every fault it has.

In:     nothing; these are the values the readers return.
Out:    `Draft`, `Rejection` and `Fault`.
Source: CONTRACT 1: all faults at once, none repeats a value that could identify a patient.
"""

from dataclasses import dataclass

from service.domain.events import AnyEvent


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, or worth a remark: where (a JSON pointer within the item), and what to do."""

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that cannot be taken; `index` is its place in the array, or its line number."""

    index: int
    event_id: str | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An item that can be taken: the event, and the words in which it was sent."""

    index: int
    event: AnyEvent
    received: str
    warnings: tuple[Fault, ...] = ()
