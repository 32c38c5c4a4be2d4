"""The six kinds of event as they are sent, and the name of one that was given none.

In:     an event as a mapping; dates as `datetime.date` or `YYYY-MM-DD`.
Out:    the line of JSON that is sent, always with an `event_id`.
Source: docs/api.md. A test holds the fields equal to those the service takes.
"""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Literal, NotRequired, TypeAlias, TypedDict

import msgspec

Day: TypeAlias = str | date


class Common(TypedDict):
    """What every event says; without `event_id` it is named after its content."""

    event_id: NotRequired[str]
    facility: str
    patient: str
    occurred_on: Day
    replaces: NotRequired[str]


class Product(TypedDict):
    """What was transplanted or injected."""

    kind: NotRequired[str]
    lot: NotRequired[str]
    supplier: NotRequired[str]


class Finding(TypedDict):
    """One infection."""

    infection_type: NotRequired[str]
    organism: NotRequired[str]
    site: NotRequired[str]
    specimen: NotRequired[str]
    status: NotRequired[str]
    certainty: NotRequired[str]
    while_unread: NotRequired[Literal["counts", "waits"]]


class Transplant(Common):
    """A transplant, an injection or an infusion, which opens a course."""

    type: Literal["transplant"]
    transplant_type: str
    indication: NotRequired[str]
    birth_year: NotRequired[int]
    age_years: NotRequired[int]
    sex: NotRequired[str]
    enrolled_on: NotRequired[Day]
    performed_at: NotRequired[str]
    performed_in: NotRequired[str]
    product: NotRequired[Product]


class Regimen(Common):
    """The whole immunosuppressive regimen from a day on."""

    type: Literal["regimen"]
    agents: list[str]


class Infection(Common, Finding):
    """An infection."""

    type: Literal["infection"]


class FollowUp(Common):
    """A visit."""

    type: Literal["follow_up"]
    agents: NotRequired[list[str]]
    infections: NotRequired[list[Finding]]


class Outcome(Common):
    """Death, loss, withdrawal, relapse and the like."""

    type: Literal["outcome"]
    outcome: str


class Void(Common):
    """Takes an earlier event back."""

    type: Literal["void"]
    voids: str
    reason: NotRequired[str]


Event: TypeAlias = Transplant | Regimen | Infection | FollowUp | Outcome | Void

NAME_LENGTH = 32


def line_of(event: Mapping[str, object]) -> bytes:
    """The event as one line of JSON, keys sorted.

    One without an `event_id` is named after its content: the same event put again, even by another
    process after a crash, is the same event.

    >>> line_of({"type": "void", "event_id": "v1"})
    b'{"event_id":"v1","type":"void"}'
    >>> line_of({"type": "void"}) == line_of({"type": "void"})
    True
    """
    line = msgspec.json.encode(event, order="deterministic")
    if event.get("event_id"):
        return line
    name = f"sha256-{sha256(line).hexdigest()[:NAME_LENGTH]}"
    return msgspec.json.encode({**event, "event_id": name}, order="deterministic")
