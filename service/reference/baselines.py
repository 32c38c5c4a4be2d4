"""Baselines from the literature, as data with identity.

In:     `data/baselines.json`.
Out:    `Baseline` values, which turn to JSON and back without loss.
Source: docs/methods.md 7; each baseline names its own.

A baseline is never edited in place: it gets a new version, and old alerts keep theirs.
"""

from functools import cache
from typing import Literal

import msgspec

from service.reference.data_files import read_bytes


class Population(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a baseline speaks of; an empty dimension means all.

    Values are those of the strata: organs transplanted on one day are `kidney+pancreas`, and
    `indication` lists the spellings it is matched under, as the hospitals write it.
    """

    transplant_type: tuple[str, ...] = ()
    indication: tuple[str, ...] = ()
    age_group: tuple[str, ...] = ()


class Numerator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cases a baseline counts; an empty dimension means all.

    An empty `status` means what rates count unless asked, disease and infection. `age_group`
    serves shares such as the adults among the cases.
    """

    infection_type: tuple[str, ...] = ()
    organism: tuple[str, ...] = ()
    organism_group: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    site_class: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    certainty: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    age_group: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a baseline was published; what could not be verified is left out."""

    title: str
    authors: str | None = None
    journal: str | None = None
    year: int | None = None
    cite: str | None = None
    doi: str | None = None
    pmid: str | None = None


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published figure that observed ones are compared with.

    `value` and the limits are fractions, or cases per person-year for a `rate`; a `cluster` has
    none. A `share` is the part `numerator` of the cases `among`. `denominator_phase` names the
    phases whose time at risk counts, empty for all follow-up. `verified` means that the value, or
    the printed figure it is worked out from, was read in the source; `monitored` that a monitor
    for it is on unless switched off.
    """

    id: str
    version: int
    title: str
    measure: Literal["rate", "cumulative_incidence", "proportion", "share", "cluster"]
    value: float | None = None
    printed: str
    ci_lower: float | None = None
    ci_upper: float | None = None
    ci_level: float = 0.95
    cases: int | None = None
    denominator: float | None = None
    denominator_unit: str | None = None
    horizon_days: int | None = None
    population: Population = Population()
    numerator: Numerator = Numerator()
    among: Numerator | None = None
    denominator_phase: tuple[str, ...] = ()
    episodes: Literal["first", "all"] = "first"
    source: Source
    verified: bool
    caveat: str | None = None
    comparable: bool = True
    monitored: bool = False
    monitored_reason: str = ""


@cache
def shipped_baselines() -> tuple[Baseline, ...]:
    """The baselines of this release, the ones the project began with first."""
    return msgspec.json.decode(read_bytes("baselines.json"), type=tuple[Baseline, ...])
