"""False discoveries among many facilities: e-BH beside other rules, independent and correlated.

In:     a seed, a number of networks.
Out:    for each dependence and each rule: false discovery rate, power, chance of any false one.
Source: docs/methods.md 8.6; Wang & Ramdas 2022; Benjamini & Hochberg, J R Stat Soc B
        1995;57:289-300.

A network has 40 facilities with an e-process each, looked at on one day when each expected 10
cases. Eight are in excess, four at twice and four at three times the null; the others are at it.
"""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from service.stats.e_bh import standing
from service.stats.e_process import log_e_value

NETWORKS = 20_000
FACILITIES = 40
EXPECTED = 10.0
ALPHA = 0.05
RATE_RATIOS = np.array([2.0] * 4 + [3.0] * 4 + [1.0] * 32)
MANY = np.array([2.0] * 8 + [3.0] * 8 + [1.0] * 24)
SHARED = 5.0
"""Of a facility's 10 expected cases; a shared source brings the same ones everywhere."""

Numbers = NDArray[np.float64]
Found = NDArray[np.bool_]


def simulate(seed: int, networks: int = NETWORKS) -> dict[str, Any]:
    """Every rule under every dependence."""
    return {
        "networks": networks,
        "facilities": FACILITIES,
        "alpha": ALPHA,
        "scenarios": {
            name: judged(*draw(np.random.default_rng([seed, 4, row]), networks))
            for row, (name, draw) in enumerate(SCENARIOS.items())
        },
    }


def judged(cases: NDArray[np.int64], in_excess: Found) -> dict[str, dict[str, float]]:
    """Each rule's false discovery rate, its error, its power and its chance of any false one."""
    log_e = log_e_value(cases, EXPECTED)
    p = special.pdtrc(cases - 1.0, EXPECTED)
    p[cases == 0] = 1.0
    return {name: scored(rule(log_e, p), in_excess) for name, rule in RULES.items()}


def scored(found: Found, in_excess: Found) -> dict[str, float]:
    """What was found, against the truth."""
    false = (found & ~in_excess).sum(axis=1)
    proportion = false / np.maximum(found.sum(axis=1), 1)
    some = in_excess.any(axis=1)
    return {
        "false_discovery_rate": float(proportion.mean()),
        "error": float(proportion.std() / proportion.size**0.5),
        "power": float((found & in_excess)[some].sum() / in_excess[some].sum()),
        "any_false": float((false > 0).mean()),
    }


def _e_bh(log_e: Numbers, p: Numbers) -> Found:
    return np.array([standing(row, ALPHA) for row in log_e])


def _benjamini_hochberg(log_e: Numbers, p: Numbers) -> Found:
    adjusted: Numbers = stats.false_discovery_control(p, axis=1, method="bh")
    return adjusted <= ALPHA


RULES: dict[str, Callable[[Numbers, Numbers], Found]] = {
    "e_bh": _e_bh,
    "each_at_20": lambda log_e, p: log_e >= log(1 / ALPHA),
    "bonferroni": lambda log_e, p: log_e >= log(FACILITIES / ALPHA),
    "each_exact_limit": lambda log_e, p: p < ALPHA / 2,
    "benjamini_hochberg": _benjamini_hochberg,
}
"""By log e-values and exact one-sided p-values. The last two are made for one look only."""


def _independent(random: np.random.Generator, networks: int) -> tuple[NDArray[np.int64], Found]:
    return random.poisson(EXPECTED * RATE_RATIOS, (networks, FACILITIES)), _excess(networks)


def _shared_cases(random: np.random.Generator, networks: int) -> tuple[NDArray[np.int64], Found]:
    own = random.poisson(EXPECTED * RATE_RATIOS - SHARED, (networks, FACILITIES))
    return own + random.poisson(SHARED, (networks, 1)), _excess(networks)


def _shared_truth(random: np.random.Generator, networks: int) -> tuple[NDArray[np.int64], Found]:
    some = random.random((networks, 1)) < 0.5
    ratios = np.where(some, MANY, 1.0)
    own = random.poisson(EXPECTED * ratios - SHARED)
    return own + random.poisson(SHARED, (networks, 1)), ratios > 1


def _shared_lulls(random: np.random.Generator, networks: int) -> tuple[NDArray[np.int64], Found]:
    shock = random.uniform(0.4, 1.0, (networks, 1))
    return random.poisson(EXPECTED * RATE_RATIOS * shock), _excess(networks)


def _shared_shocks(random: np.random.Generator, networks: int) -> tuple[NDArray[np.int64], Found]:
    shock = random.gamma(1 / 0.3**2, 0.3**2, (networks, 1))
    return random.poisson(EXPECTED * RATE_RATIOS * shock), _excess(networks)


def _excess(networks: int) -> Found:
    return np.tile(RATE_RATIOS > 1, (networks, 1))


SCENARIOS: dict[str, Callable[[np.random.Generator, int], tuple[NDArray[np.int64], Found]]] = {
    "independent": _independent,
    "shared_cases": _shared_cases,
    "shared_truth": _shared_truth,
    "shared_lulls": _shared_lulls,
    "shared_shocks": _shared_shocks,
}
"""The last breaks the null on purpose: with a shock above 1 every facility is truly above it."""
