"""What a resource says: its subject, the statements, and what is to be told to its sender.

In:     a resource as an `Element`, and what surrounds it.
Out:    `Reading`.
Source: docs/fhir.md; docs/decisions/0016-sources-restate.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from service.domain.restating import Body
from service.ingest.fhir.elements import Element, Issue
from service.ingest.fhir.references import References


@dataclass(frozen=True, slots=True)
class Reading:
    """What a resource says now; no bodies where it says nothing, or has been withdrawn."""

    bodies: tuple[Body, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else came with a resource, and the latest date that it can be on Earth now."""

    references: References
    today_latest: date


Reader: TypeAlias = Callable[[Element, Surroundings], Reading]


def not_used(element: Element, why: str) -> Reading:
    """Accepted, and not used."""
    return Reading(issues=(Issue("information", "informational", why, element.path),))


def warned(expression: str, why: str, code: str = "code-invalid") -> Issue:
    """Something that could not be used although it looks as if it were meant to be."""
    return Issue("warning", code, why, expression)
