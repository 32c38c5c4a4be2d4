"""More cases than a published figure leads to expect: evidence since the start.

In:     a monitor, its baseline, and the counts of one place up to each day.
Out:    `Weighed`: e-values, or log-likelihood ratios up to a horizon.
Source: docs/methods.md 8.1: an e-process (Ville 1939; Howard et al. 2021), MaxSPRT (Kulldorff 2011)
        and conditional MaxSPRT (Li & Kulldorff 2010).
"""

import math

import numpy as np
from numpy.typing import NDArray

from service.monitors.counts import Counts, Numbers
from service.monitors.definitions import MonitorDefinition
from service.monitors.evidence import LARGEST_LOG, Weighed, told
from service.monitors.methods import past_of
from service.monitors.settings import ConditionalSettings, MaxsprtSettings
from service.reference.baselines import Baseline
from service.stats.conditional_maxsprt import conditional_log_likelihood_ratio
from service.stats.e_process import log_e_value
from service.stats.maxsprt import log_likelihood_ratio

BEFORE_START = "before the start"
WATCHING = "watching"
HORIZON_REACHED = "horizon reached"


def weigh_e_process(monitor: MonitorDefinition, _: Baseline, counts: Counts) -> Weighed:
    """The e-process of an excess."""
    return weighed_e_process(log_e_value(counts.cases, counts.expected), monitor.alpha)


def weighed_e_process(log_e: Numbers, alpha: float) -> Weighed:
    """Any e-process, which signals once it reaches 1/alpha."""
    return Weighed(
        statistic=told(log_e),
        threshold=1 / alpha,
        log_above=log_e - math.log(1 / alpha),
        least=1.0,
        log_e=log_e,
    )


def weigh_maxsprt(monitor: MonitorDefinition, _: Baseline, counts: Counts) -> Weighed:
    """MaxSPRT: it looks from its start to its horizon, both in expected cases."""
    plan = monitor.settings_as(MaxsprtSettings)
    looks = (counts.expected >= plan.start) & (counts.expected <= plan.horizon)
    expected_now = float(counts.expected[-1]) if counts.days.size else 0.0
    return _weighed(
        log_likelihood_ratio(counts.cases, counts.expected),
        plan.critical_value(monitor.alpha),
        looks & (counts.cases >= plan.least_cases),
        HORIZON_REACHED
        if expected_now >= plan.horizon
        else BEFORE_START
        if expected_now < plan.start
        else WATCHING,
    )


def weigh_conditional(monitor: MonitorDefinition, baseline: Baseline, counts: Counts) -> Weighed:
    """Conditional MaxSPRT: new cases in person-time against the baseline's own."""
    plan = monitor.settings_as(ConditionalSettings)
    past = past_of(baseline)
    if past is None:
        raise ValueError(f"{baseline.id} does not give its own cases and person-time")
    ratio = counts.exposure / past.person_days
    most_cases = math.inf if plan.most_cases is None else plan.most_cases
    longest = math.inf if plan.longest_ratio is None else plan.longest_ratio
    before = counts.cases - counts.new_cases
    # The look at which the last of `most_cases` comes is the last one; several may come on its day.
    looks = (before < most_cases) & (ratio <= longest) & (counts.cases >= plan.least_cases)
    seen = np.minimum(counts.cases, most_cases)
    ended = bool(counts.days.size) and (counts.cases[-1] >= most_cases or ratio[-1] >= longest)
    return _weighed(
        conditional_log_likelihood_ratio(seen, past.cases, ratio),
        plan.critical_value(past.cases, monitor.alpha),
        looks,
        HORIZON_REACHED if ended else WATCHING,
    )


def _weighed(
    ratio: Numbers, critical_value: float, looks: NDArray[np.bool_], state: str
) -> Weighed:
    return Weighed(
        statistic=np.minimum(ratio, LARGEST_LOG),
        threshold=critical_value,
        log_above=np.where(looks, ratio - critical_value, -np.inf),
        state=state,
    )
