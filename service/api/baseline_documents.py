"""Baselines on the wire, out and in.

In:     `Baseline` values; the fields a caller puts.
Out:    the documents by which OpenAPI describes them; a `Baseline` with every fault of it named.
Source: docs/api-alerts.md; docs/methods.md 7.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from service.errors import BadQuery, Detail
from service.monitors.definitions import Method
from service.reference.baseline_laws import faults
from service.reference.baselines import Baseline

Terms = list[str]
MOST_TERMS = 100


class Part(BaseModel):
    """A part of a baseline; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def _terms(description: str) -> Any:
    return Field(default=[], max_length=MOST_TERMS, description=description)


class PopulationDocument(Part):
    """Whom the figure speaks of; an empty list means all."""

    transplant_type: Terms = _terms("As the strata name them; several on one day joined by `+`.")
    indication: Terms = _terms("Every spelling that the hospitals send.")
    age_group: Terms = _terms("0-17, 18-39, 40-59, 60+ or unknown.")


class NumeratorDocument(Part):
    """Which cases the figure counts; an empty list means all."""

    infection_type: Terms = _terms("Infection types.")
    organism: Terms = _terms("Canonical names.")
    organism_group: Terms = _terms("Canonical groups.")
    site: Terms = _terms("Body sites.")
    site_class: Terms = _terms("pulmonary, extrapulmonary or unknown.")
    status: Terms = _terms("Empty: disease and infection.")
    certainty: Terms = _terms("confirmed, probable, possible.")
    phase: Terms = _terms("Days since the index date.")
    age_group: Terms = _terms("Of the cases, as in a share of adults.")


class SourceDocument(Part):
    """Where the figure was published."""

    title: str = Field(min_length=1, max_length=1000)
    authors: str | None = Field(None, max_length=1000)
    journal: str | None = Field(None, max_length=500)
    year: int | None = Field(None, ge=1800, le=2200)
    cite: str | None = Field(None, max_length=200)
    doi: str | None = Field(None, max_length=200)
    pmid: str | None = Field(None, max_length=20)


class BaselineFields(Part):
    """A published figure, without its id and version."""

    title: str = Field(min_length=1, max_length=500)
    measure: Literal["rate", "cumulative_incidence", "proportion", "share", "cluster"]
    value: float | None = Field(
        None, description="A fraction, or cases per person-year for a rate; none for a cluster."
    )
    printed: str = Field(max_length=500, description="The figure as printed.", examples=["1.26%"])
    ci_lower: float | None = None
    ci_upper: float | None = None
    ci_level: float = 0.95
    cases: int | None = None
    denominator: float | None = None
    denominator_unit: str | None = Field(None, max_length=100)
    horizon_days: int | None = Field(
        None, le=36_525, description="Of a cumulative incidence, and of nothing else."
    )
    population: PopulationDocument = PopulationDocument()
    numerator: NumeratorDocument = NumeratorDocument()
    among: NumeratorDocument | None = Field(None, description="The cases a share is a share of.")
    denominator_phase: Terms = _terms("Phases whose time at risk counts; empty: all follow-up.")
    episodes: Literal["first", "all"] = "first"
    source: SourceDocument
    verified: bool = Field(description="Was the figure read in the source?")
    caveat: str | None = Field(None, max_length=4000)
    comparable: bool = True
    monitored: bool = Field(False, description="Whether its monitor, when shipped, is on.")
    monitored_reason: str = Field("", max_length=1000)


class BaselineDocument(BaselineFields):
    """One version of a published figure."""

    id: str = Field(examples=["cinicola-ntm-allo"])
    version: int
    can_be_monitored: bool = Field(description="Can any method watch it?")
    methods: list[Method] = Field(description="The methods that can watch it.")
    versions: list[int] = Field(description="All versions there are, the latest first.")


class BaselineList(BaseModel):
    """One page of baselines, each in its latest version."""

    items: list[BaselineDocument]
    next: str | None


def tell_baseline(
    baseline: Baseline, versions: list[int], *, methods: Sequence[Method]
) -> BaselineDocument:
    """A baseline as a document."""
    return BaselineDocument(
        **msgspec.to_builtins(baseline),
        can_be_monitored=bool(methods),
        methods=list(methods),
        versions=versions,
    )


def baseline_from(fields: BaselineFields, baseline_id: str, version: int) -> Baseline:
    """The baseline that the fields make; raises `BadQuery` naming every law it breaks."""
    body = {**fields.model_dump(), "id": baseline_id, "version": version}
    baseline = msgspec.convert(body, Baseline)
    broken = faults(baseline)
    if broken:
        raise BadQuery(
            "Such a figure cannot be.",
            code="impossible_baseline",
            details=tuple(
                Detail(f"/{fault.field.replace('.', '/')}", "impossible", fault.message)
                for fault in broken
            ),
        )
    return baseline
