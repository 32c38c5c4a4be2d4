"""A recent rise: methods that forget a quiet past.

In:     a monitor, its baseline, and the counts of one place on every calendar day.
Out:    `Weighed`, with the day on which the rise seen on each day began.
Source: docs/methods.md 8.3: an e-detector (Shin, Ramdas & Rinaldo 2024), a Poisson CUSUM (Lucas
        1985; Rogerson & Yamada 2004). The day a rise began is the likeliest change point: the day
        after ln(theta) N - (theta-1) E was last at its lowest.
"""

import math

import numpy as np

from service.monitors.counts import Counts, Numbers
from service.monitors.day_counts import Whole
from service.monitors.definitions import MonitorDefinition
from service.monitors.evidence import Weighed, told
from service.monitors.settings import CusumSettings, DetectorSettings
from service.reference.baselines import Baseline
from service.stats.e_detector import rise_path
from service.stats.varying_cusum import varying_cusum


def weigh_e_detector(monitor: MonitorDefinition, _: Baseline, counts: Counts) -> Weighed:
    """The e-detector, in days: the mean of R over its rate ratios."""
    ratios = monitor.settings_as(DetectorSettings).rate_ratios
    path = rise_path(counts.new_cases, counts.newly_expected, rate_ratios=ratios)
    begun = np.stack([_begun(counts, ratio) for ratio in ratios], axis=1)
    strongest = path.log_r.argmax(axis=1) if counts.days.size else np.array([], dtype=np.int64)
    above = path.log_mean - math.log(monitor.days_between_false_alarms)
    return Weighed(
        statistic=told(path.log_mean),
        threshold=monitor.days_between_false_alarms,
        # Where next to nothing is expected, R grows by 1 a day without a case: that is no rise.
        log_above=np.where(counts.new_cases > 0, above, -np.inf),
        began=begun[np.arange(counts.days.size), strongest],
    )


def weigh_cusum(monitor: MonitorDefinition, _: Baseline, counts: Counts) -> Weighed:
    """The CUSUM in shares of each day's threshold; ln of its likelihood ratio is its evidence."""
    ratio = monitor.settings_as(CusumSettings).rate_ratio
    path, thresholds = varying_cusum(
        counts.new_cases,
        counts.newly_expected,
        rate_ratio=ratio,
        days_between_false_alarms=monitor.days_between_false_alarms,
    )
    above = (path.cusum - 1.0) * thresholds * math.log(ratio)
    return Weighed(
        statistic=path.cusum,
        threshold=1.0,
        log_above=np.where(path.signals, np.maximum(above, 0.0), above),
        began=_begun(counts, ratio),
    )


def _begun(counts: Counts, rate_ratio: float) -> Whole:
    """For each day, the first day since the cumulated evidence was last at its lowest."""
    evidence: Numbers = counts.cases * math.log(rate_ratio) - (rate_ratio - 1.0) * counts.expected
    before = np.concatenate(([0.0], evidence[:-1]))[: evidence.size]
    is_lowest = before <= np.minimum.accumulate(before)
    latest: Whole = np.maximum.accumulate(np.where(is_lowest, counts.days, 0))
    return latest
