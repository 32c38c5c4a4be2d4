"""The chain of the audit trail: what an entry's hash is made of, and what a break in it looks like.

In:     entries in order, each with the hash that was kept of it.
Out:    hashes; a `Check` that names every entry that does not follow from the one before it.
Source: docs/audit.md; docs/decisions/0019-audit-chain.md. FIPS 180-4 (SHA-256), FIPS 198-1 (HMAC).

A hash is taken over the hash before it and the entry's content, so that whoever knows a late one
(the head) can tell whether anything before it was changed, left out, added or put elsewhere.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

BEGINNING = "0" * 64
"""What stands for the hash before the first entry."""

MOST_FAULTS = 100
"""Faults that are told one by one; of a chain rewritten throughout the first ones say enough."""


class Actor(NamedTuple):
    """Who did or saw something: the name of a key and its id; no id for a command."""

    name: str
    key_id: str | None = None


COMMAND_LINE = Actor("command line")
"""Whoever may run commands on the machine."""


class ChainedEntry(NamedTuple):
    """An entry in its place; `subjects` are digests of the patients it is about, in order."""

    sequence: int
    recorded_at: datetime
    actor: str
    key_id: str | None
    action: str
    position: int | None
    detail: Mapping[str, Any]
    subjects: tuple[str, ...] = ()


class Link(NamedTuple):
    """Where a chain ends: the number of its last entry and that entry's hash.

    >>> Link.read("7:" + "a" * 64).sequence
    7
    """

    sequence: int
    sha256: str

    def __str__(self) -> str:
        """The head as it is written down."""
        return f"{self.sequence}:{self.sha256}"

    @classmethod
    def read(cls, text: str) -> "Link":
        """The head that was written down; raises `ValueError` for anything else."""
        number, _, digest = text.strip().partition(":")
        if not (number.isascii() and number.isdigit()) or len(digest) != len(BEGINNING):
            raise ValueError("a head is written NUMBER:HASH, as `graftwatch audit head` prints it")
        return cls(int(number), bytes.fromhex(digest).hex())


NOTHING_YET = Link(0, BEGINNING)


def hash_of(entry: ChainedEntry, previous: str) -> str:
    """The hash of an entry that follows the one with the hash `previous`, as 64 hex digits.

    SHA-256 over the previous hash, a line feed, and the entry as a JSON array in the order of its
    fields: keys sorted, no white space, ASCII only, instants in UTC to the microsecond.
    """
    content = [
        entry.sequence,
        f"{entry.recorded_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        entry.actor,
        entry.key_id,
        entry.action,
        entry.position,
        entry.detail,
        entry.subjects,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def subject_of(salt: str, facility: str, patient: str) -> str:
    """What stands for a patient in the trail: without the salt it says nothing of anybody.

    >>> subject_of("00" * 32, "ucd-01", "p1") == subject_of("01" * 32, "ucd-01", "p1")
    False
    """
    named = f"{facility}\0{patient}".encode()
    return hmac.new(bytes.fromhex(salt), named, sha256).hexdigest()[:32]


class Break(NamedTuple):
    """One thing that is wrong, at an entry or after it."""

    sequence: int
    code: str
    message: str


@dataclass
class Check:
    """Follows a chain entry by entry; `breaks` holds the first hundred of `found`.

    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> first = ChainedEntry(1, at, "lab", None, "events_recorded", 3, {"events": 3})
    >>> check = Check()
    >>> check.follow(first, hash_of(first, BEGINNING))
    >>> check.follow(first._replace(sequence=2, actor="me"), "0" * 64)
    >>> [(one.sequence, one.code) for one in check.breaks]
    [(2, 'changed')]
    """

    anchor: Link | None = None
    last: Link = NOTHING_YET
    entries: int = 0
    found: int = 0
    breaks: list[Break] = field(default_factory=list)

    def follow(self, entry: ChainedEntry, kept: str) -> None:
        """Take the next entry and the hash that was kept of it."""
        expected = self.last.sequence + 1
        if entry.sequence != expected:
            words = f"Entry {expected} should be here: entries are missing or renumbered."
            self.note(entry.sequence, "gap", words)
        elif hash_of(entry, self.last.sha256) != kept:
            words = "The entry, its hash, or the hash before it is not what was written."
            self.note(entry.sequence, "changed", words)
        if self.anchor and self.anchor.sequence == entry.sequence and self.anchor.sha256 != kept:
            words = "Another hash stood here when the head was written down."
            self.note(entry.sequence, "anchor_differs", words)
        self.last = Link(entry.sequence, kept)
        self.entries += 1

    def end(self, head: Link | None) -> None:
        """Compare the end with the head that is kept beside the chain."""
        if head is None:
            self.note(self.last.sequence, "head_missing", "The chain's head is not kept any more.")
        elif head != self.last:
            words = (
                f"The head speaks of entry {head.sequence}: the end is missing or was rewritten."
            )
            self.note(self.last.sequence, "head_differs", words)
        if self.anchor and self.anchor.sequence > self.last.sequence:
            words = f"Entry {self.anchor.sequence} was there when the head was written down."
            self.note(self.last.sequence, "tail_missing", words)

    def note(self, sequence: int, code: str, message: str) -> None:
        """Keep what is wrong."""
        self.found += 1
        if len(self.breaks) < MOST_FAULTS:
            self.breaks.append(Break(sequence, code, message))
