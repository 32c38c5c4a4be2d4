"""The settings that shape every count, gathered so that they can be shown and compared.

In:     the grace period and the case definitions in force.
Out:    `FollowUpRules`, with a fingerprint that tells whether a ledger was built under them.
Source: docs/methods.md 2 and 4.
"""

from dataclasses import dataclass, field
from hashlib import blake2b

from service.reference.case_definitions import CaseDefinitions, shipped_case_definitions

CONTRIBUTIONS = 2
"""The release of `service.domain.contributions`: raised whenever the ledger holds more, or other,
of the same events. 2: markers of relapse, graft failure and retransplantation."""


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """How silence ends follow-up and how records become episodes."""

    followup_grace_days: int = 90
    case_definitions: CaseDefinitions = field(default_factory=shipped_case_definitions)

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same events would be counted otherwise."""
        parts = {
            "contributions": CONTRIBUTIONS,
            "grace": self.followup_grace_days,
            "cases": self.case_definitions.fingerprint,
        }
        text = ";".join(f"{name}={value}" for name, value in parts.items())
        return blake2b(text.encode(), digest_size=8).hexdigest()
