"""The vocabulary as data: what the terms, case definitions and published baselines are.

In:     the data files of this package.
Out:    the closed lists, re-exported; the look-ups live in `service.reference.vocabulary`.
Source: each row of each data file names its own.
"""

from service.reference.terms import (
    AGE_GROUPS,
    CERTAINTIES,
    INFECTION_TYPES,
    OUTCOMES,
    PHASE_STARTS,
    PHASES,
    SEXES,
    SITE_CLASSES,
    STATUSES,
    TRANSPLANT_TYPES,
)

__all__ = [
    "AGE_GROUPS",
    "CERTAINTIES",
    "INFECTION_TYPES",
    "OUTCOMES",
    "PHASES",
    "PHASE_STARTS",
    "SEXES",
    "SITE_CLASSES",
    "STATUSES",
    "TRANSPLANT_TYPES",
]
