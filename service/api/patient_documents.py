"""What is told of one patient.

In:     a `PatientFile` and today's date.
Out:    documents with calendar dates; follow-up that still runs is cut at today and marked open.
Source: docs/api.md.
"""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


class Spell(BaseModel):
    """Days at risk, both ends included."""

    start: date
    end: date = Field(description="The last day at risk; today where the spell is still open.")
    ended_by: str = Field(
        description="An outcome, `next_transplant`, or `silence`: the grace period after the last "
        "contact."
    )
    open: bool = Field(description="Does the spell still run?")
    runs_until: date = Field(description="When it ends if nothing more is heard of the patient.")
    person_days: int = Field(description="Days at risk so far.")


class RegimenInForce(BaseModel):
    """The immunosuppressive regimen that holds from a day on, until the next one."""

    start: date
    regimen: str = Field(description="Agents joined by `+`, `none`, or `unrecorded`.")


class Course(BaseModel):
    """What one transplant, or several on one day, opened."""

    index_date: date = Field(description="The day of the transplant, day 0.")
    entry: date = Field(description="First day under observation.")
    ends: date | None = Field(description="The day before the next transplant, if there is one.")
    transplant_event_id: str
    transplant_type: str
    indication: str
    sex: str
    age_years: int | None
    age_group: str
    person_days: int = Field(description="Days of follow-up so far.")
    spells: list[Spell]
    regimens: list[RegimenInForce]


class Episode(BaseModel):
    """One case, counted or not."""

    episode_id: str = Field(description="Named after the record that opened it.")
    infection_type: str
    organism: str | None
    organism_group: str
    site: str
    site_class: str
    status: str
    certainty: str
    onset: date
    window_end: date = Field(description="The last day on which a record would still belong.")
    records: list[str]
    course_index_date: date | None
    counted: bool
    reason: str | None = Field(description="Why it does not count.")
    explanation: str | None = Field(description="The reason in words.")
    first_of_type: bool = Field(description="The course's first counted episode of the type.")
    first_of_any: bool = Field(description="The course's first counted episode of any infection.")
    stratum: dict[str, str] | None = Field(description="The cell in which it is counted.")


class Record(BaseModel):
    """One reported infection, and how it counted."""

    record_id: str = Field(description="The event's id, and the finding's place within it.")
    event_id: str
    occurred_on: date
    infection_type: str
    organism: str | None
    site: str
    specimen: str | None
    status: str
    certainty: str
    pending: bool = Field(description="The organism is not identified yet.")
    how: str = Field(description="opened_episode, joined_episode or not_counted.")
    episode_id: str
    reason: str | None
    explanation: str = Field(description="How it counted, in words.")


class Remark(BaseModel):
    """A remark on an event that is kept but may not mean what its sender thinks."""

    event_id: str
    code: str
    message: str


class Patient(BaseModel):
    """One patient's timeline as computed now."""

    facility: str
    patient: str = Field(description="The pseudonym that stands for the person.")
    pseudonyms: list[str] = Field(
        description="All pseudonyms of the person: those merged into this one, and it itself."
    )
    position: int = Field(description="The ledger's position that this speaks for.")
    today: date
    death: date | None
    courses: list[Course]
    episodes: list[Episode]
    records: list[Record]
    warnings: list[Remark]


class ReceivedEvent(BaseModel):
    """An event as it was received, and what became of it."""

    event_id: str
    position: int
    recorded_at: datetime
    standing: bool = Field(description="Does it still count?")
    struck_by: str | None = Field(description="The event that replaces or voids it.")
    received: dict[str, Any] = Field(description="The event in the words in which it was sent.")
    resolved: dict[str, Any] = Field(description="The event in the vocabulary's terms.")


class MergedInto(BaseModel):
    """Who a patient is now."""

    facility: str
    patient: str
    merged_into: str = Field(description="The pseudonym that stands for both.")
    position: int = Field(description="The ledger's position that this speaks for.")


class PatientEvents(BaseModel):
    """A patient's events in order of receipt."""

    facility: str
    patient: str
    position: int
    items: list[ReceivedEvent]
    next: str | None = None
