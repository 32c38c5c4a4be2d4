"""A sentinel's or a cluster's rule as it might be, for a replay.

In:     the field `rule` of a variant.
Out:    the monitor's rule with what was sent, or a problem that says what it has not.
Source: docs/api-alerts.md, "Replay"; docs/methods.md 8.4.
"""

from typing import Any

import msgspec
from pydantic import Field, model_validator

from service.api.monitor_requests import Sent
from service.errors import BadQuery, Detail
from service.monitors.definitions import Attribute, ClusterRule, Link, MonitorDefinition
from service.reference import INFECTION_TYPES, SITE_CLASSES

OF_EVERY_LINK = ("min_cases", "min_facilities")
LONGEST_GAP = 36_525


class SentLink(Sent):
    """One attribute that cases may share."""

    attribute: Attribute
    min_cases: int = Field(2, ge=2)
    min_facilities: int = Field(1, ge=1)


class RuleChange(Sent):
    """What is to be otherwise in a sentinel's or a cluster's rule."""

    infection_type: str = Field("", json_schema_extra={"enum": list(INFECTION_TYPES)})
    transplant_types: list[str] = Field([], description="sentinel: after which procedures.")
    site_class: str = Field(
        "", description="sentinel.", json_schema_extra={"enum": list(SITE_CLASSES)}
    )
    links: list[SentLink] = Field(
        [], min_length=1, max_length=10, description="linkage: instead of the rule's own."
    )
    min_cases: int = Field(2, ge=2, description="linkage: of every link.")
    min_facilities: int = Field(1, ge=1, description="linkage: of every link.")
    max_gap_days: int = Field(
        365, ge=0, le=LONGEST_GAP, description="linkage: between consecutive onsets."
    )

    @model_validator(mode="after")
    def _known_terms(self) -> "RuleChange":
        for name, terms in (("infection_type", INFECTION_TYPES), ("site_class", SITE_CLASSES)):
            if name in self.model_fields_set and getattr(self, name) not in terms:
                raise ValueError(f"{name} must be one of {', '.join(terms)}")
        return self


def changed_rule(monitor: MonitorDefinition, sent: dict[str, Any]) -> dict[str, Any]:
    """The monitor's rule with what was sent, as the field that holds it."""
    own = monitor.sentinel or monitor.cluster
    if own is None:
        raise _rule_refused("This monitor has a baseline and no rule: change its settings.")
    of_links = {name: sent.pop(name) for name in OF_EVERY_LINK if name in sent}
    foreign = sorted({*sent, *(["links"] if of_links else [])} - set(own.__struct_fields__))
    if foreign:
        raise _rule_refused(f"This monitor's rule has no {', '.join(foreign)}.")
    if isinstance(own, ClusterRule):
        links = [Link(**link) for link in sent.get("links", ())] or own.links
        sent["links"] = tuple(msgspec.structs.replace(link, **of_links) for link in links)
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in sent.items()}
    try:
        changed = msgspec.structs.replace(own, **fields)
    except ValueError as fault:
        raise _rule_refused(f"Such a rule cannot be: {fault}.") from None
    return {"sentinel" if monitor.sentinel else "cluster": changed}


def _rule_refused(message: str) -> BadQuery:
    detail = Detail("/rule", "not_applicable", message)
    return BadQuery("The rule cannot be changed so.", details=(detail,))
