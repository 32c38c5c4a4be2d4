"""The closed lists of the house: every coded value an event, a stratum or a filter may hold.

In:     nothing.
Out:    tuples in their canonical order; where one value outranks another, the higher comes first.
Source: docs/methods.md 3 (phases, age groups, statuses) and docs/api.md.
"""

INFECTION_TYPES = ("bacterial", "viral", "fungal", "parasitic", "ntm", "tuberculosis", "unknown")
TRANSPLANT_TYPES = (
    "auto_hsct",
    "allo_hsct",
    "kidney",
    "liver",
    "heart",
    "lung",
    "heart_lung",
    "pancreas",
    "islet",
    "intestine",
    "vca",
    "msc_infusion",
    "stem_cell_injection",
    "car_t",
)
PHASES = ("0-30", "31-100", "101-180", "181-365", "366+")
"""Days since the index date, both ends included."""
PHASE_STARTS = (0, 31, 101, 181, 366)
"""The first day of each phase, in days since the index date."""
AGE_GROUPS = ("0-17", "18-39", "40-59", "60+", "unknown")
"""Whole years at the index date."""
SEXES = ("female", "male", "other", "unknown")
STATUSES = ("disease", "infection", "colonisation")
CERTAINTIES = ("confirmed", "probable", "possible")
OUTCOMES = (
    "death",
    "lost_to_follow_up",
    "withdrawn",
    "transferred_out",
    "relapse",
    "graft_failure",
    "gvhd",
)
SITE_CLASSES = ("pulmonary", "extrapulmonary", "unknown")
