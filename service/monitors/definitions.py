"""Monitor definitions: what is watched, by which method, and what the method promises.

In:     the operator's choices, or the shipped ones (`service.monitors.shipped`).
Out:    `MonitorDefinition`, checked as a whole; its method's settings are never missing.
Source: docs/methods.md 8; docs/api-alerts.md.
"""

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from service.monitors.settings import (
    ConditionalSettings,
    CusumSettings,
    DetectorSettings,
    MaxsprtSettings,
    Settings,
)
from service.reference import TRANSPLANT_TYPES
from service.stats.e_detector import DAYS_BETWEEN_FALSE_ALARMS

Kind = Literal["excess", "rise", "share", "sentinel", "cluster"]
Method = Literal[
    "e_process",
    "maxsprt",
    "conditional_maxsprt",
    "e_detector",
    "cusum",
    "share_shift",
    "sentinel",
    "linkage",
]
Scope = Literal["facility", "network", "both"]
Null = Literal["upper", "point"]
Attribute = Literal["lot", "supplier", "clinic", "transplant_type+country"]

KIND_OF: Mapping[Method, Kind] = {
    "e_process": "excess",
    "maxsprt": "excess",
    "conditional_maxsprt": "excess",
    "e_detector": "rise",
    "cusum": "rise",
    "share_shift": "share",
    "sentinel": "sentinel",
    "linkage": "cluster",
}
"""A monitor's kind follows from its method."""

SETTINGS_OF: Mapping[Method, type[Settings]] = {
    "maxsprt": MaxsprtSettings,
    "conditional_maxsprt": ConditionalSettings,
    "e_detector": DetectorSettings,
    "cusum": CusumSettings,
}
"""The methods that have settings of their own."""

BY_ALPHA: frozenset[Method] = frozenset(
    {"e_process", "maxsprt", "conditional_maxsprt", "share_shift"}
)
BY_SPACING: frozenset[Method] = frozenset({"e_detector", "cusum"})
"""Whether false alarms are limited by their chance, or by the days between them."""

AGAINST_NULL: frozenset[Method] = (BY_ALPHA | BY_SPACING) - {"conditional_maxsprt"}
"""The methods that test a chosen null; a conditional test allows for the baseline's own error."""

LONGEST_SPACING = 36_525.0
"""Days: a hundred years. Beyond it the chain behind a CUSUM's design grows too long."""

OwnSettings = TypeVar("OwnSettings", bound=Settings)


class Advice(msgspec.Struct, frozen=True):
    """What a source says about such a signal, and which source."""

    text: str
    source: str


class SentinelRule(msgspec.Struct, frozen=True, kw_only=True):
    """One case suffices: an infection of the type and site class after one of the procedures."""

    transplant_types: tuple[str, ...] = ("msc_infusion", "stem_cell_injection")
    infection_type: str = "ntm"
    site_class: str = "extrapulmonary"

    def __post_init__(self) -> None:
        unknown = set(self.transplant_types) - set(TRANSPLANT_TYPES)
        if unknown or not self.transplant_types:
            raise ValueError("a sentinel rule needs known transplant types")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases that share an attribute, at how many facilities, make a cluster."""

    attribute: Attribute
    min_cases: int = 2
    min_facilities: int = 1

    def __post_init__(self) -> None:
        if self.min_cases < 2 or self.min_facilities < 1:
            raise ValueError("a link needs at least 2 cases and 1 facility")


class ClusterRule(msgspec.Struct, frozen=True, kw_only=True):
    """Cases of one organism group that follow each other and share an attribute."""

    infection_type: str = "ntm"
    links: tuple[Link, ...] = (
        Link(attribute="lot"),
        Link(attribute="supplier"),
        Link(attribute="clinic"),
        Link(attribute="transplant_type+country", min_cases=3, min_facilities=2),
    )
    max_gap_days: int = 365

    def __post_init__(self) -> None:
        if self.max_gap_days < 0 or not self.links:
            raise ValueError("a cluster rule needs links and max_gap_days of at least 0")


class MonitorDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor as it stands: everything that shapes its signals."""

    id: str
    version: int = 1
    title: str
    kind: Kind
    method: Method
    baseline_id: str | None = None
    scope: Scope = "both"
    null: Null = "upper"
    alpha: float = 0.05
    days_between_false_alarms: float = DAYS_BETWEEN_FALSE_ALARMS
    settings: Settings | None = None
    exclude_usual_contaminants: bool = True
    enabled: bool = True
    sentinel: SentinelRule | None = None
    cluster: ClusterRule | None = None
    advice: tuple[Advice, ...] = ()

    def __post_init__(self) -> None:
        if self.kind != KIND_OF[self.method]:
            raise ValueError(f"method {self.method} makes a monitor of kind {KIND_OF[self.method]}")
        if not 0 < self.alpha < 1:
            raise ValueError("alpha must lie between 0 and 1")
        if not 1 <= self.days_between_false_alarms <= LONGEST_SPACING:
            raise ValueError(
                f"days_between_false_alarms must lie between 1 and {LONGEST_SPACING:,.0f}"
            )
        needs = {"sentinel": self.sentinel, "cluster": self.cluster}
        if not needs.get(self.kind, self.baseline_id):
            raise ValueError(f"a monitor of kind {self.kind} needs a baseline_id or its rule")
        if (self.kind, self.scope) in NOT_FOR_SCOPE:
            raise ValueError(f"a monitor of kind {self.kind} cannot have scope {self.scope}")
        self._complete_settings()

    def _complete_settings(self) -> None:
        own = SETTINGS_OF.get(self.method)
        if self.settings is None and own is not None:
            msgspec.structs.force_setattr(self, "settings", own())
        fits = isinstance(self.settings, own or type(None))
        if not fits:
            raise ValueError(f"the settings are not those of method {self.method}")
        if isinstance(self.settings, MaxsprtSettings):
            self.settings.critical_value(self.alpha)

    def settings_as(self, own: type[OwnSettings]) -> OwnSettings:
        """The settings of the method, which the caller knows; TypeError if they are others."""
        if not isinstance(self.settings, own):
            raise TypeError(f"the settings are not those of method {self.method}")
        return self.settings


NOT_FOR_SCOPE: frozenset[tuple[Kind, Scope]] = frozenset(
    {
        ("sentinel", "network"),
        ("sentinel", "both"),
        ("cluster", "facility"),
        ("cluster", "both"),
    }
)
"""One case is a facility's; links are looked for across all facilities."""
