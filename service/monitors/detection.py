"""How long a monitor takes to see the truth: at a place's volume, from a fresh start.

In:     a monitor, its baseline, the cases that the null expects a day.
Out:    `TimeToDetect` for each of `RATE_RATIOS`.
Source: docs/methods.md 8; docs/calibration.md; `service.stats.time_to_detect`.
"""

from collections.abc import Callable, Mapping

from service.monitors.definitions import Method, MonitorDefinition
from service.monitors.methods import past_of
from service.monitors.settings import (
    ConditionalSettings,
    CusumSettings,
    DetectorSettings,
    MaxsprtSettings,
)
from service.monitors.weighing import null_of
from service.reference.baselines import Baseline
from service.stats import time_to_detect
from service.stats.maxsprt import MaxsprtPlan
from service.stats.time_to_detect import TimeToDetect

RATE_RATIOS = (2.0, 3.0, 5.0)


def times_to_detect(
    monitor: MonitorDefinition, baseline: Baseline, expected_per_day: float
) -> list[TimeToDetect]:
    """Median and mean time for each rate ratio; in cases for a share, else in days."""
    of_method = TIMES[monitor.method]
    return [of_method(monitor, baseline, expected_per_day, ratio) for ratio in RATE_RATIOS]


def _e_process(
    monitor: MonitorDefinition, _: Baseline, per_day: float, ratio: float
) -> TimeToDetect:
    return time_to_detect.e_process(monitor.alpha, expected_per_day=per_day, rate_ratio=ratio)


def _maxsprt(monitor: MonitorDefinition, _: Baseline, per_day: float, ratio: float) -> TimeToDetect:
    settings = monitor.settings_as(MaxsprtSettings)
    return time_to_detect.maxsprt(
        MaxsprtPlan(settings.horizon, settings.least_cases, settings.start),
        settings.critical_value(monitor.alpha),
        expected_per_day=per_day,
        rate_ratio=ratio,
    )


def _conditional(
    monitor: MonitorDefinition, baseline: Baseline, per_day: float, ratio: float
) -> TimeToDetect:
    settings = monitor.settings_as(ConditionalSettings)
    past = past_of(baseline)
    if past is None:
        raise ValueError(f"{baseline.id} does not give its own cases and person-time")
    return time_to_detect.conditional_maxsprt(
        settings.plan(past.cases),
        settings.critical_value(past.cases, monitor.alpha),
        expected_per_day=per_day,
        rate_ratio=ratio,
    )


def _e_detector(
    monitor: MonitorDefinition, _: Baseline, per_day: float, ratio: float
) -> TimeToDetect:
    return time_to_detect.e_detector(
        monitor.days_between_false_alarms,
        monitor.settings_as(DetectorSettings).rate_ratios,
        expected_per_day=per_day,
        rate_ratio=ratio,
    )


def _cusum(monitor: MonitorDefinition, _: Baseline, per_day: float, ratio: float) -> TimeToDetect:
    return time_to_detect.cusum(
        monitor.days_between_false_alarms,
        monitor.settings_as(CusumSettings).rate_ratio,
        expected_per_day=per_day,
        rate_ratio=ratio,
    )


def _share_shift(
    monitor: MonitorDefinition, baseline: Baseline, _: float, ratio: float
) -> TimeToDetect:
    null = null_of(monitor, baseline).value
    return time_to_detect.share_shift(monitor.alpha, null, rate_ratio=ratio)


TIMES: Mapping[Method, Callable[[MonitorDefinition, Baseline, float, float], TimeToDetect]] = {
    "e_process": _e_process,
    "maxsprt": _maxsprt,
    "conditional_maxsprt": _conditional,
    "e_detector": _e_detector,
    "cusum": _cusum,
    "share_shift": _share_shift,
}
