"""The eight kinds of event as they are sent.

In:     one item of a body, parsed; the latest date on Earth as the validation context.
Out:    a report whose terms are known, or a `ValidationError` with every fault of the item;
        `EventIn` and `EventsIn` for the API's own description.
Source: docs/api.md.

Where one field is judged by another, it is declared after it: a validator sees what came before.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationInfo

from service.ingest.fields import (
    Country,
    Day,
    EarlierEventId,
    EventId,
    Identifier,
    KnownAgent,
    KnownOrganism,
    KnownSite,
    KnownTransplantType,
    LaterDay,
    OneOf,
    Text64,
    Text128,
    Text256,
    broken,
)
from service.reference import CERTAINTIES, INFECTION_TYPES, OUTCOMES, SEXES, STATUSES


def _decided(infection_type: str | None, info: ValidationInfo) -> str | None:
    if infection_type is None and info.data.get("organism", ...) is None:
        raise broken("infection_type_required", "Required where no organism is named.")
    return infection_type


def _born_by_then(birth_year: int, info: ValidationInfo) -> int:
    index_date = info.data.get("occurred_on")
    if index_date is not None and birth_year > index_date.year:
        raise broken("birth_after_transplant", "Must not be later than the year of occurred_on.")
    return birth_year


def _not_before_it_began(ended_on: date, info: ValidationInfo) -> date:
    began_on = info.data.get("occurred_on")
    if began_on is not None and ended_on < began_on:
        raise broken("ends_before_it_begins", "Must not be earlier than occurred_on.")
    return ended_on


AgentsField = Annotated[list[KnownAgent], Field(max_length=20)]
InfectionTypeField = Annotated[
    Annotated[str, OneOf(INFECTION_TYPES)] | None, AfterValidator(_decided)
]


class Strict(BaseModel):
    """Nothing is coerced, and an unknown field is a fault."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, from_attributes=False
    )


class ReportIn(Strict):
    """What every event says: who, where, when, and the sender's own name for it."""

    type: str
    event_id: EventId = Field(
        description="The sender's own name for this event, unique within its facility.",
        examples=["t1"],
    )
    facility: Identifier = Field(
        description="The reporting facility: 1–64 of A-Z a-z 0-9 . _ : -", examples=["ucd-01"]
    )
    patient: Identifier = Field(
        description="A pseudonym, unique within the facility: 1–64 of A-Z a-z 0-9 . _ : -",
        examples=["p0001"],
    )
    occurred_on: Day = Field(
        description="When it happened to the patient: the local calendar date at the facility.",
        examples=["2022-03-01"],
    )
    replaces: EarlierEventId | None = Field(
        default=None,
        description="An earlier event_id of the same facility and patient that this one corrects.",
        examples=["t0"],
    )


class ProductIn(Strict):
    """The transplanted or injected product, as far as it links patients to each other."""

    kind: Text64 | None = Field(
        default=None, description="What was given.", examples=["embryonic stem cells"]
    )
    lot: Text128 | None = Field(default=None, description="Lot number.", examples=["L-17"])
    supplier: Text128 | None = Field(default=None, description="Maker.", examples=["Supplier S"])


class FindingIn(Strict):
    """One infection: what, where in the body, how sure."""

    organism: KnownOrganism | None = Field(
        default=None,
        description="Name, former name, usual abbreviation or SNOMED CT code.",
        examples=["M. abscessus"],
    )
    infection_type: InfectionTypeField = Field(
        default=None,
        validate_default=True,
        description="Optional where `organism` is named: the organism decides.",
        examples=["ntm"],
    )
    site: KnownSite | None = Field(
        default=None,
        description="Body site; wins over the site that `specimen` implies.",
        examples=["cns"],
    )
    specimen: KnownSite | None = Field(
        default=None, description="Specimen, from which the site follows.", examples=["CSF"]
    )
    status: Annotated[str, OneOf(STATUSES)] | None = Field(
        default=None,
        description="Disease, infection, or isolation without either; `infection` if not given.",
        examples=["disease"],
    )
    certainty: Annotated[str, OneOf(CERTAINTIES)] | None = Field(
        default=None, description="`confirmed` if not given.", examples=["confirmed"]
    )
    while_unread: Literal["counts", "waits"] | None = Field(
        default=None,
        description="What it comes to while nobody can read `organism`: an infection of unknown "
        "type (`counts`, unless said otherwise), or nothing yet (`waits`: a laboratory's value, "
        "which may be no organism).",
        examples=["waits"],
    )


class TransplantIn(ReportIn):
    """A transplant or cell injection; its day is day 0."""

    type: Literal["transplant"]
    transplant_type: KnownTransplantType = Field(
        description="Type, in any spelling known to the vocabulary.", examples=["allo-HSCT"]
    )
    indication: Text64 | None = Field(
        default=None, description="Why; free text, kept as sent.", examples=["AML"]
    )
    birth_year: Annotated[int, Field(ge=1900), AfterValidator(_born_by_then)] | None = Field(
        default=None, description="Used where `age_years` is not given.", examples=[1978]
    )
    age_years: Annotated[int, Field(ge=0, le=120)] | None = Field(
        default=None, description="Whole years on the day of transplant.", examples=[44]
    )
    sex: Annotated[str, OneOf(SEXES)] | None = Field(
        default=None, description="`unknown` if not given.", examples=["female"]
    )
    enrolled_on: Day | None = Field(
        default=None,
        description="First day of observation, where later than the transplant.",
        examples=["2022-03-10"],
    )
    performed_at: Text128 | None = Field(
        default=None, description="The clinic.", examples=["Clinic A"]
    )
    performed_in: Country | None = Field(
        default=None, description="The country, ISO 3166 alpha-2.", examples=["MX"]
    )
    product: ProductIn | None = Field(default=None, description="The product given.")


class RegimenIn(ReportIn):
    """The whole immunosuppressive regimen from that day on."""

    type: Literal["regimen"]
    agents: AgentsField = Field(
        description="Every agent in force, in any spelling known to the vocabulary; [] for none.",
        examples=[["CsA", "MMF"]],
    )


class MedicationIn(ReportIn):
    """One immunosuppressive agent, where a system knows each but not the whole regimen."""

    type: Literal["medication"]
    agent: KnownAgent = Field(
        description="The agent, in any spelling known to the vocabulary.", examples=["FK506"]
    )
    ended_on: Annotated[LaterDay, AfterValidator(_not_before_it_began)] | None = Field(
        default=None,
        description="The last day on which it was given, or is to be given.",
        examples=["2022-06-30"],
    )


class DemographicsIn(ReportIn):
    """Year of birth and sex, where they do not come with a transplant; the last word counts."""

    type: Literal["demographics"]
    birth_year: Annotated[int, Field(ge=1900, le=2200)] | None = Field(
        default=None,
        description="Used where the transplant has neither age nor birth year.",
        examples=[1978],
    )
    sex: Annotated[str, OneOf(SEXES)] | None = Field(
        default=None, description="Used where the transplant has none.", examples=["female"]
    )


class InfectionIn(FindingIn, ReportIn):
    """An infection; its day is the onset, or the specimen's day."""

    type: Literal["infection"]


class FollowUpIn(ReportIn):
    """A visit: the patient was seen."""

    type: Literal["follow_up"]
    agents: AgentsField | None = Field(
        default=None,
        description="The whole regimen of the day, [] for none; leave out where not recorded.",
        examples=[["FK506"]],
    )
    infections: Annotated[list[FindingIn], Field(max_length=50)] | None = Field(
        default=None,
        description="Infections found at the visit.",
        examples=[[{"infection_type": "bacterial", "site": "blood"}]],
    )


class OutcomeIn(ReportIn):
    """Death, an end of observation, or a clinical outcome that ends nothing."""

    type: Literal["outcome"]
    outcome: Annotated[str, OneOf(OUTCOMES)] = Field(
        description="What became of the patient.", examples=["death"]
    )


class VoidIn(ReportIn):
    """Withdraws an earlier event of the same patient, as if it had never been sent."""

    type: Literal["void"]
    voids: EarlierEventId = Field(description="The event_id to withdraw.", examples=["i1"])
    reason: Text256 | None = Field(
        default=None, description="Why; name no patient.", examples=["wrong patient"]
    )


EventIn = Annotated[
    TransplantIn
    | RegimenIn
    | MedicationIn
    | DemographicsIn
    | InfectionIn
    | FollowUpIn
    | OutcomeIn
    | VoidIn,
    Field(discriminator="type"),
]
"""One event of any type."""
EventsIn = EventIn | Annotated[list[EventIn], Field(max_length=10_000)]
"""The body of `POST /v1/events` as application/json."""

REPORTS: dict[str, type[ReportIn]] = {
    "transplant": TransplantIn,
    "regimen": RegimenIn,
    "medication": MedicationIn,
    "demographics": DemographicsIn,
    "infection": InfectionIn,
    "follow_up": FollowUpIn,
    "outcome": OutcomeIn,
    "void": VoidIn,
}
EVENT: TypeAdapter[
    TransplantIn
    | RegimenIn
    | MedicationIn
    | DemographicsIn
    | InfectionIn
    | FollowUpIn
    | OutcomeIn
    | VoidIn
] = TypeAdapter(EventIn)
