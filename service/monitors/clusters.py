"""Clusters: linked cases of one organism group, without any denominator.

In:     cases of any kind, from all facilities.
Out:    an `Evaluation` of the network with one signal for each cluster.
Source: docs/methods.md 8.4; the gap of 365 days because a 90-day window missed 6 of 9 cases in one
        outbreak; MMWR 2024;73(18):420-422 for cases linked by procedure and country alone.

Cases that share a value are cut into chains wherever two onsets follow each other by more than the
gap. A chain qualifies by its number of *patients* and facilities: two episodes of one patient link
nobody. Chains that have a case in common are one cluster, so no case stands in two.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from service.monitors.cases import Case, in_order, infections_after_transplant
from service.monitors.definitions import Attribute, ClusterRule, Link, MonitorDefinition
from service.monitors.linkage import SharedValue, shared_values
from service.monitors.signals import NETWORK, Evaluation, Signal
from service.monitors.wording import counted

UNSPECIFIC_GROUPS = frozenset(
    {
        "unknown",
        "Nontuberculous mycobacteria",
        "Rapidly growing mycobacteria",
        "Slowly growing mycobacteria",
    }
)
"""Not one organism group but "some organism": two such cases need have nothing in common."""

ATTRIBUTE_WORDS: dict[Attribute, str] = {
    "lot": "the product lot",
    "supplier": "the supplier",
    "clinic": "the clinic",
    "transplant_type+country": "the procedure and its country",
}


def cluster_evaluation(definition: MonitorDefinition, cases: Iterable[Case]) -> Evaluation:
    """Evaluate the rule over all facilities at once."""
    rule = definition.cluster or ClusterRule()
    infections = infections_after_transplant(
        cases, rule.infection_type, without_contaminants=definition.exclude_usual_contaminants
    )
    signals = [_signal(definition, rule, chains) for chains in clusters(rule, infections)]
    return Evaluation(
        monitor_id=definition.id,
        kind="cluster",
        scope_key=NETWORK,
        signals=tuple(sorted(signals, key=lambda s: (s.first_onset_day or 0, s.cases[0].key[:3]))),
        finding="as the data stand, no cluster with a case not settled before has its cases",
    )


def clusters(rule: ClusterRule, infections: Iterable[Case]) -> list[list[SharedValue]]:
    """Each cluster as the qualifying chains that make it up."""
    known = [case for case in infections if case.organism_group not in UNSPECIFIC_GROUPS]
    by_group = sorted(in_order(known), key=lambda case: case.organism_group)
    found: list[list[SharedValue]] = []
    for _, of_group in groupby(by_group, key=lambda case: case.organism_group):
        of_one_group = list(of_group)
        for link in rule.links:
            for shared in shared_values(link.attribute, of_one_group):
                for chain in chains(shared, rule.max_gap_days):
                    if qualifies(link, chain):
                        found = _joined(found, chain)
    return found


def chains(shared: SharedValue, max_gap_days: int) -> list[SharedValue]:
    """The cases that share a value, cut where the next onset comes after more than the gap."""
    runs: list[list[Case]] = []
    for case in shared.cases:
        if runs and case.onset_day - runs[-1][-1].onset_day <= max_gap_days:
            runs[-1].append(case)
        else:
            runs.append([case])
    return [shared._replace(cases=tuple(run)) for run in runs]


def qualifies(link: Link, chain: SharedValue) -> bool:
    """Are there enough patients, at enough facilities?"""
    patients = {(case.facility, case.patient) for case in chain.cases}
    facilities = {case.facility for case in chain.cases}
    return len(patients) >= link.min_cases and len(facilities) >= link.min_facilities


def _joined(found: Sequence[list[SharedValue]], chain: SharedValue) -> list[list[SharedValue]]:
    """The clusters with one chain more: those it touches become one."""
    members = set(chain.cases)
    apart, touched = [], [chain]
    for cluster in found:
        if any(not members.isdisjoint(other.cases) for other in cluster):
            touched = [*cluster, *touched]
        else:
            apart.append(cluster)
    return [*apart, touched]


def _signal(
    definition: MonitorDefinition, rule: ClusterRule, linked: Sequence[SharedValue]
) -> Signal:
    cases = in_order(case for chain in linked for case in chain.cases)
    facilities = {case.facility for case in cases}
    attributes = [link.attribute for link in rule.links]
    ordered = sorted(
        linked, key=lambda c: (attributes.index(c.attribute), c.value, c.cases[0].key[:3])
    )
    shared = " and ".join(dict.fromkeys(ATTRIBUTE_WORDS[chain.attribute] for chain in ordered))
    return Signal(
        monitor_id=definition.id,
        kind="cluster",
        scope_key=NETWORK,
        severity="critical",
        title=f"{cases[0].organism_group}: {counted(len(cases), 'linked case')} at "
        f"{counted(len(facilities), 'facility', 'facilities')}, sharing {shared}",
        cases=cases,
        evidence={
            "observed": len(cases),
            "patients": len({(case.facility, case.patient) for case in cases}),
            "organism_group": cases[0].organism_group,
            "facilities": sorted(facilities),
            "links": [_link_as_json(chain) for chain in ordered],
            "max_gap_days": rule.max_gap_days,
        },
    )


def _link_as_json(chain: SharedValue) -> dict[str, Any]:
    return {
        "attribute": chain.attribute,
        "value": chain.value,
        "facilities": sorted({case.facility for case in chain.cases}),
        "cases": [
            {"facility": case.facility, "event_id": case.event_id, "episode_id": case.episode_id}
            for case in chain.cases
        ],
    }
