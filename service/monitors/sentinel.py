"""One case suffices: extrapulmonary NTM after a cell injection.

In:     cases of any kind, and the facilities to evaluate.
Out:    an `Evaluation` for each facility, with one signal that holds all its cases.
Source: docs/methods.md 8.4. The one-case threshold is ours: CDC asks to investigate clusters and
        names medical tourism (MMWR 2024;73(18):420-422); no source sets one.
"""

from collections.abc import Iterable, Sequence

from service.monitors.cases import Case, infections_after_transplant
from service.monitors.definitions import MonitorDefinition, SentinelRule
from service.monitors.signals import Evaluation, Signal, facility_scope, place_words
from service.monitors.wording import capitalised, counted, infection_words, transplant_words


def sentinel_evaluations(
    definition: MonitorDefinition, cases: Iterable[Case], facilities: Iterable[str]
) -> tuple[Evaluation, ...]:
    """Evaluate the rule for each facility named."""
    rule = definition.sentinel or SentinelRule()
    found = sentinel_cases(definition, rule, cases)
    return tuple(
        _evaluation(definition, rule, facility, [c for c in found if c.facility == facility])
        for facility in sorted(set(facilities))
    )


def sentinel_cases(
    definition: MonitorDefinition, rule: SentinelRule, cases: Iterable[Case]
) -> tuple[Case, ...]:
    """The cases each of which suffices, in order of onset."""
    infections = infections_after_transplant(
        cases, rule.infection_type, without_contaminants=definition.exclude_usual_contaminants
    )
    return tuple(
        case
        for case in infections
        if case.site_class == rule.site_class
        and not case.transplant_types.isdisjoint(rule.transplant_types)
    )


def _evaluation(
    definition: MonitorDefinition, rule: SentinelRule, facility: str, cases: Sequence[Case]
) -> Evaluation:
    scope_key = facility_scope(facility)
    infection = infection_words(rule.infection_type, rule.site_class)
    after = transplant_words(rule.transplant_types)
    signal = Signal(
        monitor_id=definition.id,
        kind="sentinel",
        scope_key=scope_key,
        severity="critical",
        title=f"{capitalised(infection)} after {after} {place_words(scope_key)}",
        cases=tuple(cases),
        evidence={"observed": len(cases), "threshold": 1},
    )
    return Evaluation(
        monitor_id=definition.id,
        kind="sentinel",
        scope_key=scope_key,
        signals=(signal,) if cases else (),
        finding=f"{counted(len(cases), 'case')} of {infection} after {after} stand in the data",
    )
