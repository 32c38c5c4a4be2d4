"""What the rules, dependences and monitors of the calibration are called.

In:     nothing.
Out:    names by the keys of the figures, in the order in which they are told.
Source: docs/calibration.md.
"""

RULES = {
    "e_detector": "e-detector",
    "e_detector_from_2": "e-detector without 1.5",
    "cusum_2": "CUSUM for 2",
    "cusum_3": "CUSUM for 3",
    "cusum_5": "CUSUM for 5",
}
DISCOVERERS = {
    "e_bh": "e-BH",
    "each_at_20": "each at e ≥ 20",
    "bonferroni": "Bonferroni, e ≥ 800",
    "each_exact_limit": "each by its exact limit",
    "benjamini_hochberg": "Benjamini–Hochberg, exact p",
}
SCENARIOS = {
    "independent": "independent",
    "shared_cases": "half of all cases shared",
    "shared_truth": "the same, and truth shared",
    "shared_lulls": "shared lulls",
    "shared_shocks": "shared shocks, null broken",
}
MONITORS = {
    "e_process": "e-process",
    "maxsprt": "MaxSPRT, horizon 20",
    "e_detector": "e-detector",
    "cusum": "CUSUM for 2",
    "exact_lower_limit": "exact limit, watched",
}
