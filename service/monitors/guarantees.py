"""What each method promises about false alarms, in words and as a number.

In:     a monitor's definition.
Out:    its `Guarantee`.
Source: docs/methods.md 8; Ville 1939 for e-processes; Shin, Ramdas & Rinaldo 2024 for e-detectors.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from service.monitors.definitions import Method, MonitorDefinition
from service.monitors.settings import (
    ConditionalSettings,
    CusumSettings,
    DetectorSettings,
    MaxsprtSettings,
)

EVERYWHERE = (
    "This holds for each facility and for the network, from its start and anew from each closing "
    "of its alert."
)


class Guarantee(NamedTuple):
    """What the method promises; both numbers are None where it promises nothing."""

    text: str
    false_alarm_probability: float | None = None
    days_between_false_alarms: float | None = None


def guarantee_of(definition: MonitorDefinition) -> Guarantee:
    """What the monitor promises about false alarms."""
    return GUARANTEES[definition.method](definition)


def _e_process(monitor: MonitorDefinition) -> Guarantee:
    return Guarantee(
        f"If the truth never exceeds the null ({_null(monitor)}), the chance that this monitor "
        f"ever alarms is at most {_percent(monitor)}, however often it is looked at. {EVERYWHERE}",
        monitor.alpha,
    )


def _maxsprt(monitor: MonitorDefinition) -> Guarantee:
    plan = monitor.settings_as(MaxsprtSettings)
    return Guarantee(
        f"If the truth never exceeds the null ({_null(monitor)}), the chance that this monitor "
        f"alarms before {plan.horizon:g} cases were expected is at most {_percent(monitor)}, "
        "however often it is looked at. Then its horizon is reached: it says so, tests no further "
        f"and promises nothing more. {EVERYWHERE}",
        monitor.alpha,
    )


def _conditional(monitor: MonitorDefinition) -> Guarantee:
    plan = monitor.settings_as(ConditionalSettings)
    ends = [f"{plan.most_cases} new cases"] if plan.most_cases is not None else []
    if plan.longest_ratio is not None:
        ends.append(f"{plan.longest_ratio:g} times the baseline's person-time")
    return Guarantee(
        "If the rate is the one that the baseline's own cases were seen at, the chance that this "
        f"monitor alarms within {' or '.join(ends)} is at most {_percent(monitor)}; that the "
        "baseline is itself an estimate is allowed for. Then its horizon is reached: it says so, "
        f"tests no further and promises nothing more. {EVERYWHERE}",
        monitor.alpha,
    )


def _e_detector(monitor: MonitorDefinition) -> Guarantee:
    ratios = ", ".join(f"{r:g}" for r in monitor.settings_as(DetectorSettings).rate_ratios)
    days = monitor.days_between_false_alarms
    return Guarantee(
        f"If the truth never exceeds the null ({_null(monitor)}), this monitor takes at least "
        f"{days:g} days on average until a false alarm, whatever its expectation does from day to "
        f"day. It looks for rates {ratios} times the null. {EVERYWHERE}",
        days_between_false_alarms=days,
    )


def _cusum(monitor: MonitorDefinition) -> Guarantee:
    ratio = monitor.settings_as(CusumSettings).rate_ratio
    days = monitor.days_between_false_alarms
    return Guarantee(
        f"If cases come independently and exactly as often as the null says ({_null(monitor)}), "
        f"this monitor is designed to take {days:g} days on average until a false alarm, less "
        "often where they come more rarely. Where the expectation varies the design follows it "
        f"from day to day, which is an approximation. It is tuned to find a rate {ratio:g} times "
        f"the null. {EVERYWHERE}",
        days_between_false_alarms=days,
    )


def _share_shift(monitor: MonitorDefinition) -> Guarantee:
    return Guarantee(
        f"If no case is of the kind with a chance above the null ({_null(monitor)}), whatever came "
        f"before, the chance that this monitor ever alarms is at most {_percent(monitor)}, however "
        f"often it is looked at. {EVERYWHERE}",
        monitor.alpha,
    )


def _sentinel(_: MonitorDefinition) -> Guarantee:
    return Guarantee(
        "No false-alarm guarantee. That one case suffices is our choice: CDC asks to investigate "
        "clusters and names medical tourism; no source sets a one-case threshold."
    )


def _linkage(_: MonitorDefinition) -> Guarantee:
    return Guarantee(
        "No false-alarm guarantee: a rule of linkage, without a denominator. Its numbers of cases "
        "and its gap between onsets are our choice."
    )


def _null(monitor: MonitorDefinition) -> str:
    if monitor.null == "point":
        return "the published figure"
    return "the upper 95% limit of the baseline, or the published figure where there is no limit"


def _percent(monitor: MonitorDefinition) -> str:
    return f"{monitor.alpha * 100:g}%"


GUARANTEES: Mapping[Method, Callable[[MonitorDefinition], Guarantee]] = {
    "e_process": _e_process,
    "maxsprt": _maxsprt,
    "conditional_maxsprt": _conditional,
    "e_detector": _e_detector,
    "cusum": _cusum,
    "share_shift": _share_shift,
    "sentinel": _sentinel,
    "linkage": _linkage,
}
