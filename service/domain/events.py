"""What hospitals report, as values: the kinds of follow-up event.

In:     fields already checked and put into the vocabulary's canonical terms (`service.ingest`).
Out:    `FollowUpEvent`, one immutable value per report; `encode`/`decode` for the event store.
Source: docs/api.md.

An event never changes. A correction is a new event that names the one it `replaces`; a
withdrawal is a `Void`. Which events still stand is decided by `service.domain.history`. A term that
nobody could read stands in a field `unread…` in the words in which it was sent; what it comes to
once that is decided is read by `service.domain.terms`.
"""

from datetime import date
from typing import ClassVar

import msgspec


class FollowUpEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every report says: who, where, when, and the sender's own name for the report.

    `occurred_on` is the local calendar date at the facility, never an instant.
    """

    event_id: str
    facility: str
    patient: str
    occurred_on: date
    replaces: str | None = None

    is_contact: ClassVar[bool] = True
    """Does the report show that the patient was still being followed on that day?"""


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The transplanted or injected product, as far as it links patients to each other."""

    kind: str | None = None
    lot: str | None = None
    supplier: str | None = None


class Transplant(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="transplant"):
    """A transplant or cell injection; its day is the index date, day 0 of a course."""

    transplant_type: str
    indication: str = "unknown"
    birth_year: int | None = None
    age_years: int | None = None
    sex: str = "unknown"
    enrolled_on: date | None = None
    performed_at: str | None = None
    performed_in: str | None = None
    product: Product = Product()
    unread_type: str | None = None


class Regimen(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="regimen"):
    """The whole immunosuppressive regimen from that day on; no agents means none is given.

    `agents` holds international non-proprietary names, sorted, each once.
    """

    agents: tuple[str, ...]
    unread_agents: tuple[str, ...] = ()


class Medication(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="medication"):
    """One immunosuppressive agent from that day on, to `ended_on` where it ends.

    `agent` is an international non-proprietary name; the last day may lie in the future.
    """

    agent: str
    ended_on: date | None = None
    unread_agents: tuple[str, ...] = ()


class Unread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Terms of a finding that nobody could read yet, beside the places that were known.

    A place is its name, class and specimen (`service.domain.findings.Place`). `is_doubtful` where
    nobody said that there is an infection: while its organism waits, it is none.
    """

    organism: str | None = None
    is_doubtful: bool = False
    site: str | None = None
    specimen: str | None = None
    known_site: tuple[str, str, str | None] | None = None
    known_specimen: tuple[str, str, str | None] | None = None


class Demographics(
    FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="demographics"
):
    """What a system knows of the person, where it does not come with the transplant."""

    birth_year: int | None = None
    sex: str = "unknown"

    is_contact: ClassVar[bool] = False


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One infection as reported: what, where in the body, how sure.

    `pending` marks an organism that is not yet identified ("AFB", "Mycobacterium sp."): it is
    shown, never counted as NTM, and resolved by the correction that names it. `unread` holds terms
    that wait; `is_none` marks what an operator declared to be no organism, and so no infection.
    """

    infection_type: str
    organism: str | None = None
    organism_group: str = "unknown"
    site: str = "unknown"
    site_class: str = "unknown"
    specimen: str | None = None
    status: str = "infection"
    certainty: str = "confirmed"
    pending: bool = False
    unread: Unread | None = None
    is_none: bool = False


class Infection(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="infection"):
    """An infection; its day is the onset, or the specimen's day where that is what is known."""

    finding: Finding


class FollowUpVisit(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="follow_up"):
    """A visit: the patient was seen; perhaps with the regimen of the day, perhaps with infections.

    `agents` is None where the visit says nothing of the regimen, `()` where none is given.
    """

    agents: tuple[str, ...] | None = None
    findings: tuple[Finding, ...] = ()
    unread_agents: tuple[str, ...] = ()


class Outcome(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="outcome"):
    """Death, an end of observation, or a clinical outcome that ends nothing."""

    outcome: str


class Void(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="void"):
    """Withdraws an earlier event of the same patient, as if it had never been sent."""

    voids: str
    reason: str = ""

    is_contact: ClassVar[bool] = False


class Departure(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="departure"):
    """The last day at this facility before a move to another; nobody sends it, a move writes it."""

    to_facility: str


class Arrival(FollowUpEvent, frozen=True, kw_only=True, omit_defaults=True, tag="arrival"):
    """The first day at this facility after a move from another; a move writes it.

    `since` is the first day that was the other facility's, where any was.
    """

    from_facility: str
    since: date | None = None


Move = Departure | Arrival
AnyEvent = (
    Transplant
    | Regimen
    | Medication
    | Demographics
    | Infection
    | FollowUpVisit
    | Outcome
    | Void
    | Departure
    | Arrival
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """The event as canonical JSON, the form in which the event store keeps it."""
    return _encoder.encode(event)


def decode(encoded: bytes | str) -> AnyEvent:
    """The event that `encode` wrote; raises `msgspec.ValidationError` on anything else."""
    return _decoder.decode(encoded)
