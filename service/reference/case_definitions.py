"""Case definitions: which records of infection are one case, as versioned data.

In:     `data/case_definitions.json`, each row with its source.
Out:    `CaseDefinitions`, asked per record; `CaseDefinition.window_end` in days.
Source: docs/methods.md 4; NHSN's repeat infection timeframe (fixed), OHDSI and DARWIN clean window
        (rolling).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Literal

import msgspec

from service.reference.data_files import read_bytes
from service.reference.terms import INFECTION_TYPES


@dataclass(frozen=True, slots=True)
class CaseDefinition:
    """How long, counted how, and for which records a case goes on.

    `organism_group` is None in the row that holds for the whole infection type.
    """

    infection_type: str
    organism_group: str | None
    repeat_days: int
    repeat_rule: Literal["fixed", "rolling"]
    same_episode_by: Literal["site", "organism_group"]
    version: int
    source: str

    def window_end(self, onset_day: int, last_record_day: int) -> int:
        """The last day on which a further record still belongs to the case.

        Fixed: the onset is day 1 of `repeat_days`. Rolling: `repeat_days` after the last record.

        >>> nhsn = CaseDefinition("bacterial", None, 14, "fixed", "site", 1, "NHSN")
        >>> nhsn.window_end(onset_day=100, last_record_day=110)
        113
        >>> ours = CaseDefinition("viral", None, 60, "rolling", "organism_group", 1, "ours")
        >>> ours.window_end(onset_day=100, last_record_day=110)
        170
        """
        if self.repeat_rule == "fixed":
            return onset_day + self.repeat_days - 1
        return last_record_day + self.repeat_days


@dataclass(frozen=True)
class CaseDefinitions:
    """The definitions in force: one general row for every infection type, and exceptions."""

    rows: tuple[CaseDefinition, ...]
    _by_key: dict[tuple[str, str | None], CaseDefinition] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        by_key = {(row.infection_type, row.organism_group): row for row in self.rows}
        if len(by_key) < len(self.rows):
            raise ValueError("two case definitions hold for the same records")
        missing = [name for name in INFECTION_TYPES if (name, None) not in by_key]
        if missing:
            raise ValueError(f"no general case definition for {', '.join(missing)}")
        if any(row.repeat_days < 1 for row in self.rows):
            raise ValueError("repeat_days must be at least 1")
        object.__setattr__(self, "_by_key", by_key)

    def for_record(self, infection_type: str, organism_group: str | None) -> CaseDefinition:
        """The most specific row that holds for a record; KeyError for an unknown type."""
        exception = self._by_key.get((infection_type, organism_group))
        return exception or self._by_key[infection_type, None]

    def replaced_by(self, rows: Iterable[CaseDefinition]) -> "CaseDefinitions":
        """The same definitions with some rows replaced or added."""
        new = {(row.infection_type, row.organism_group): row for row in rows}
        return CaseDefinitions(tuple({**self._by_key, **new}.values()))

    @property
    def fingerprint(self) -> str:
        """The same for the same content in any order, another as soon as one value differs."""
        content = sorted(msgspec.json.encode(row) for row in self.rows)
        return blake2b(b"\n".join(content), digest_size=8).hexdigest()


@cache
def shipped_case_definitions() -> CaseDefinitions:
    """The definitions that hold unless the operator sets others."""
    return CaseDefinitions(read_rows(read_bytes("case_definitions.json")))


def read_rows(content: bytes) -> tuple[CaseDefinition, ...]:
    """Case definitions written as the shipped file is; ValueError for anything else."""
    return msgspec.json.decode(content, type=tuple[CaseDefinition, ...])
