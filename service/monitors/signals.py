"""Signals: what one evaluation of one monitor finds, in one shape for all kinds.

In:     cases and evidence.
Out:    `Signal`, and `Evaluation`, which also says what was evaluated when nothing was found.
Source: docs/api-alerts.md; docs/methods.md 8. No title or finding holds a patient's data.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from service.monitors.cases import Case, CaseKey, in_order
from service.monitors.definitions import Kind

NETWORK = "network"


def facility_scope(facility: str) -> str:
    """The scope key of one facility.

    >>> facility_scope("ucd-01")
    'facility:ucd-01'
    """
    return f"facility:{facility}"


def facility_of(scope_key: str) -> str | None:
    """The facility of a scope key; None for the network.

    >>> facility_of("facility:ucd-01"), facility_of("network")
    ('ucd-01', None)
    """
    _, of_facility, facility = scope_key.partition("facility:")
    return facility if of_facility else None


def place_words(scope_key: str) -> str:
    """Where, for a title.

    >>> place_words("facility:ucd-01"), place_words("network")
    ('at ucd-01', 'across the network')
    """
    facility = facility_of(scope_key)
    return f"at {facility}" if facility else "across the network"


@dataclass(frozen=True, slots=True)
class Signal:
    """A monitor's finding; `cases` are in order of onset and `evidence` is plain JSON."""

    monitor_id: str
    kind: Kind
    scope_key: str
    severity: str
    title: str
    cases: tuple[Case, ...]
    evidence: dict[str, Any]

    @property
    def facilities(self) -> tuple[str, ...]:
        """Where the cases are."""
        return tuple(sorted({case.facility for case in self.cases}))

    @property
    def case_keys(self) -> frozenset[CaseKey]:
        """The cases by name."""
        return frozenset(case.key for case in self.cases)

    @property
    def first_onset_day(self) -> int | None:
        """The earliest onset."""
        return self.cases[0].onset_day if self.cases else None

    @property
    def last_onset_day(self) -> int | None:
        """The latest onset."""
        return self.cases[-1].onset_day if self.cases else None

    def limited_to(self, cases: Iterable[Case]) -> "Signal":
        """The same signal over fewer cases, for rules where each case is evidence of itself."""
        kept = in_order(cases)
        return replace(self, cases=kept, evidence={**self.evidence, "observed": len(kept)})


@dataclass(frozen=True, slots=True)
class Evaluation:
    """That a monitor was evaluated for a scope, with what it signals and what it found.

    Only alerts of an evaluated monitor and scope can lose their support. `finding` says, in plain
    words, how things stand: it becomes the reason where an alert is no longer supported.
    `log_e_now` is ln of today's e-value, no running maximum, where the method is an e-process.
    """

    monitor_id: str
    kind: Kind
    scope_key: str
    signals: tuple[Signal, ...]
    finding: str
    log_e_now: float | None = None
