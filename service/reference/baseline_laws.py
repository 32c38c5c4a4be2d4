"""The laws a baseline must keep, whether shipped or put by a user.

In:     a `Baseline`.
Out:    its faults, each a field and a message; none for a sound baseline.
Source: docs/methods.md 7, "Measures, never mixed".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from service.reference.baselines import Baseline, Numerator
from service.reference.organisms import organisms
from service.reference.sites import sites
from service.reference.terms import (
    AGE_GROUPS,
    CERTAINTIES,
    INFECTION_TYPES,
    PHASES,
    SITE_CLASSES,
    STATUSES,
    TRANSPLANT_TYPES,
)


class Fault(NamedTuple):
    """One broken law: the field, with dots for what lies inside it, and what must hold."""

    field: str
    message: str


def faults(baseline: Baseline) -> list[Fault]:
    """Everything about a baseline that cannot be, all at once.

    >>> from service.reference.baselines import shipped_baselines
    >>> faults(shipped_baselines()[0])
    []
    """
    return [
        *_faults_of_figures(baseline),
        *_faults_of_measure(baseline),
        *_faults_of_terms(baseline),
    ]


def _faults_of_figures(baseline: Baseline) -> Iterator[Fault]:
    for field in ("value", "ci_lower", "ci_upper"):
        figure: float | None = getattr(baseline, field)
        if figure is not None and not 0 <= figure < float("inf"):
            yield Fault(field, "must be a number, not below 0")
        elif figure is not None and figure > 1 and baseline.measure != "rate":
            yield Fault(field, "is a fraction: must lie between 0 and 1")
    yield from _faults_of_interval(baseline)
    if baseline.version < 1:
        yield Fault("version", "must be at least 1")
    if baseline.cases is not None and baseline.cases < 0:
        yield Fault("cases", "must not be below 0")
    if baseline.denominator is not None and not 0 < baseline.denominator < float("inf"):
        yield Fault("denominator", "must be a number above 0")


def _faults_of_interval(baseline: Baseline) -> Iterator[Fault]:
    lower, value, upper = baseline.ci_lower, baseline.value, baseline.ci_upper
    if not 0 < baseline.ci_level < 1:
        yield Fault("ci_level", "must lie between 0 and 1")
    if (lower is None) != (upper is None):
        yield Fault("ci_lower", "an interval has two ends, or is not given")
    if lower is not None and value is not None and value < lower:
        yield Fault("ci_lower", "must not lie above the value")
    if upper is not None and value is not None and value > upper:
        yield Fault("ci_upper", "must not lie below the value")


def _faults_of_measure(baseline: Baseline) -> Iterator[Fault]:
    if (baseline.value is None) != (baseline.measure == "cluster"):
        yield Fault("value", "every measure but a cluster has a value; a cluster has none")
    if (baseline.horizon_days is None) == (baseline.measure == "cumulative_incidence"):
        yield Fault("horizon_days", "a cumulative incidence has a horizon, nothing else has one")
    if baseline.horizon_days is not None and baseline.horizon_days < 1:
        yield Fault("horizon_days", "must be at least 1")
    if (baseline.among is None) == (baseline.measure == "share"):
        yield Fault("among", "a share names the cases it is a share of, nothing else does")
    if baseline.measure == "cluster" and baseline.comparable:
        yield Fault("comparable", "a cluster has no denominator and is compared with nothing")
    if baseline.monitored and not baseline.comparable:
        yield Fault("monitored", "what cannot be compared cannot be watched")


_Known = Callable[[str], bool]


def _known() -> Mapping[str, _Known]:
    return {
        "infection_type": INFECTION_TYPES.__contains__,
        "organism": frozenset(organism.name for organism in organisms()).__contains__,
        "organism_group": frozenset(organism.group for organism in organisms()).__contains__,
        "site": frozenset(site.name for site in sites()).__contains__,
        "site_class": SITE_CLASSES.__contains__,
        "status": STATUSES.__contains__,
        "certainty": CERTAINTIES.__contains__,
        "phase": PHASES.__contains__,
        "age_group": AGE_GROUPS.__contains__,
        "transplant_type": _is_transplant_type,
    }


def _is_transplant_type(text: str) -> bool:
    types = text.split("+")
    return types == sorted(set(types)) and set(types) <= set(TRANSPLANT_TYPES)


def _faults_of_terms(baseline: Baseline) -> Iterator[Fault]:
    known = _known()
    population = baseline.population
    given: dict[str, tuple[str, tuple[str, ...]]] = {
        "population.transplant_type": ("transplant_type", population.transplant_type),
        "population.age_group": ("age_group", population.age_group),
        "denominator_phase": ("phase", baseline.denominator_phase),
    }
    for name, numerator in (("numerator", baseline.numerator), ("among", baseline.among)):
        if numerator is not None:
            for dimension in Numerator.__struct_fields__:
                values: tuple[str, ...] = getattr(numerator, dimension)
                given[f"{name}.{dimension}"] = (dimension, values)
    for field, (dimension, values) in given.items():
        if not all(known[dimension](value) for value in values):
            yield Fault(field, "holds a value that is not in the vocabulary")
