"""What a patient's events come to, remembered from one event to the next.

In:     all of a patient's events in order of receipt, and the rules.
Out:    the timeline and what it contributes.
Source: docs/methods.md 6: post `contributions(after) - contributions(before)`; what was `after` one
        event is `before` the next, and a function of the same events.

Whoever is erased is forgotten at once by the process that does it, by any other with its next
transaction, and where none comes, after a while without.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from service.domain.contributions import Contributions, contributions_of
from service.domain.events import AnyEvent
from service.domain.rules import FollowUpRules
from service.domain.timeline import PatientTimeline, timeline

REMEMBERED_PATIENTS = 512
"""Enough for those of whom news comes one event after the other; some ten thousand bytes each."""


class Counted(NamedTuple):
    """A patient's timeline and contributions."""

    timeline: PatientTimeline
    contributions: Contributions


@lru_cache(maxsize=REMEMBERED_PATIENTS)
def counted(received: tuple[AnyEvent, ...], rules: FollowUpRules) -> Counted:
    """What the patient with these events comes to."""
    after = timeline(received, rules)
    return Counted(after, contributions_of(after))


def forget() -> None:
    """Remember nobody: one of them was erased, or nothing came for a while."""
    counted.cache_clear()


@dataclass
class Memory:
    """Up to where the past had been rewritten when this process last wrote."""

    rewritten_at: int = 0

    def keep_up(self, rewritten_at: int) -> None:
        """Remember nobody where any process has erased somebody since."""
        if rewritten_at != self.rewritten_at:
            forget()
            self.rewritten_at = rewritten_at
