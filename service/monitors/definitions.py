"""Monitor definitions: what is watched, by which method, and what the method promises.

In:     the operator's choices, or the shipped ones (`service.monitors.shipped`).
Out:    `MonitorDefinition`, checked as a whole, and its `Guarantee`.
Source: docs/methods.md 8; docs/api-alerts.md.
"""

from typing import Literal, NamedTuple

import msgspec

from service.reference import TRANSPLANT_TYPES

Kind = Literal["excess", "sentinel", "cluster"]
Method = Literal["e_process", "sentinel", "linkage"]
Scope = Literal["facility", "network", "both"]
Null = Literal["upper", "point"]
Attribute = Literal["lot", "supplier", "clinic", "transplant_type+country"]

METHOD_OF: dict[Kind, Method] = {
    "excess": "e_process",
    "sentinel": "sentinel",
    "cluster": "linkage",
}


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


class Guarantee(NamedTuple):
    """What the method promises; the probability is None where it promises nothing."""

    text: str
    false_alarm_probability: float | None


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
    exclude_usual_contaminants: bool = True
    enabled: bool = True
    sentinel: SentinelRule | None = None
    cluster: ClusterRule | None = None
    advice: tuple[Advice, ...] = ()

    def __post_init__(self) -> None:
        if self.method != METHOD_OF[self.kind]:
            raise ValueError(f"a monitor of kind {self.kind} uses method {METHOD_OF[self.kind]}")
        if not 0 < self.alpha < 1:
            raise ValueError("alpha must lie between 0 and 1")
        needs = {"excess": self.baseline_id, "sentinel": self.sentinel, "cluster": self.cluster}
        if not needs[self.kind]:
            raise ValueError(f"a monitor of kind {self.kind} needs a baseline_id or its rule")
        if (self.kind, self.scope) in NOT_FOR_SCOPE:
            raise ValueError(f"a monitor of kind {self.kind} cannot have scope {self.scope}")

    @property
    def threshold(self) -> float:
        """The e-value that signals."""
        return 1 / self.alpha

    @property
    def guarantee(self) -> Guarantee:
        """What the method promises about false alarms, in words and as a number."""
        if self.kind != "excess":
            return NO_GUARANTEE[self.kind]
        null = "upper 95% limit of the baseline" if self.null == "upper" else "published figure"
        return Guarantee(
            f"If the truth never exceeds the null (the {null}, or the published figure where there "
            f"is no limit), the chance that this monitor ever alarms is at most "
            f"{self.alpha * 100:g}%, however often it is looked at. This holds for each facility "
            "and for the network, from its start and anew from each closing of its alert.",
            self.alpha,
        )


NOT_FOR_SCOPE: frozenset[tuple[Kind, Scope]] = frozenset(
    {
        ("sentinel", "network"),
        ("sentinel", "both"),
        ("cluster", "facility"),
        ("cluster", "both"),
    }
)
"""One case is a facility's; links are looked for across all facilities."""

NO_GUARANTEE: dict[Kind, Guarantee] = {
    "sentinel": Guarantee(
        "No false-alarm guarantee. That one case suffices is our choice: CDC asks to investigate "
        "clusters and names medical tourism; no source sets a one-case threshold.",
        None,
    ),
    "cluster": Guarantee(
        "No false-alarm guarantee: a rule of linkage, without a denominator. Its numbers of cases "
        "and its gap between onsets are our choice.",
        None,
    ),
}
