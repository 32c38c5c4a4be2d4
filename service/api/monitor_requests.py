"""Monitors as callers send them.

In:     the fields of `POST` and `PATCH /v1/monitors`.
Out:    a `MonitorDefinition`, or a problem that names each field of no meaning for its method.
Source: docs/api-alerts.md; docs/methods.md 8.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from service.errors import BadQuery, Detail
from service.monitors.definitions import (
    AGAINST_NULL,
    BY_ALPHA,
    BY_SPACING,
    KIND_OF,
    SETTINGS_OF,
    Method,
    MonitorDefinition,
    Null,
    Scope,
)
from service.monitors.methods import RULES
from service.monitors.settings import Settings
from service.monitors.shipped import usual_monitor
from service.reference.baselines import Baseline

USED_BY: Mapping[str, Collection[Method]] = {
    "alpha": BY_ALPHA,
    "days_between_false_alarms": BY_SPACING,
    "null": AGAINST_NULL,
    "settings": SETTINGS_OF.keys(),
}
"""The methods for which a field means something, where it does not for all."""


class Sent(BaseModel):
    """What a caller sends; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class SentSettings(Sent):
    """What a method can be set to; a field of another method is refused."""

    horizon: float = Field(
        20.0, description="maxsprt: T, in expected cases at which the test ends, at most 1000."
    )
    start: float = Field(
        0.0, description="maxsprt: D, the expected cases from which it looks (delayed start)."
    )
    least_cases: int = Field(
        1, le=1000, description="maxsprt and conditional_maxsprt: M, the fewest that may signal."
    )
    most_cases: int | None = Field(
        50, description="conditional_maxsprt: ends at so many new cases, at most 200."
    )
    longest_ratio: float | None = Field(
        None, description="conditional_maxsprt: ends at so many times the past person-time."
    )
    rate_ratios: list[float] = Field(
        [1.5, 2, 3, 5, 8],
        description="e_detector: how many times the null it looks for, all above 1.",
    )
    rate_ratio: float = Field(
        2.0, description="cusum: how many times the null it is tuned to find, 1.5 to 20."
    )


class MonitorChange(Sent):
    """What is to be otherwise; what is left out stays."""

    title: str = Field("", min_length=1, max_length=500)
    method: Method = Field(
        "e_process", description="Another method of the same kind; its settings start as usual."
    )
    scope: Scope = "both"
    null: Null = Field("upper", description="Not for conditional_maxsprt.")
    alpha: float = Field(
        0.05, gt=0, lt=1, description="e_process, maxsprt, conditional_maxsprt, share_shift."
    )
    days_between_false_alarms: float = Field(
        3650, ge=1, le=36_525, description="e_detector, cusum: on average."
    )
    settings: SentSettings = Field(default_factory=SentSettings.model_construct)
    exclude_usual_contaminants: bool = True
    enabled: bool = False


class NewMonitor(MonitorChange):
    """A further monitor on a baseline; what is left out is as usual for the method."""

    id: str = Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    baseline: str = Field(max_length=64)
    method: Method = Field(
        "e_process", description="Left out: the baseline's usual one, share_shift for a share."
    )


def new_monitor(body: NewMonitor, baseline: Baseline, method: Method) -> MonitorDefinition:
    """The monitor that the caller describes; raises `BadQuery` where there can be none."""
    sent = body.model_dump(exclude_unset=True, exclude={"baseline", "method"})
    usual = {**msgspec.structs.asdict(usual_monitor(baseline, method)), "enabled": False}
    return _monitor(usual, sent)


def changed(monitor: MonitorDefinition, change: MonitorChange) -> MonitorDefinition:
    """The monitor with what the caller sent; raises `BadQuery` where that means nothing.

    A rule has no alpha and no null: naming one for it is refused rather than ignored. Alerts keep
    their kind, so the method can only become another of the same kind.
    """
    sent: dict[str, Any] = change.model_dump(exclude_unset=True)
    method: Method = sent.get("method", monitor.method)
    if KIND_OF[method] != monitor.kind:
        message = (
            f"Method {method} makes a monitor of kind {KIND_OF[method]}, and the alerts of this "
            f"one are of kind {monitor.kind}: add a further monitor with `POST /v1/monitors`."
        )
        raise _refused([Detail("/method", "other_kind", message)])
    now = msgspec.structs.asdict(monitor)
    after = _monitor(
        {**now, "settings": now["settings"] if method == monitor.method else None}, sent
    )
    if after == monitor:
        return monitor
    return msgspec.structs.replace(after, version=monitor.version + 1)


def varied(monitor: MonitorDefinition, sent: dict[str, Any]) -> MonitorDefinition:
    """The monitor as it might be, by any method that stands on a baseline as it does.

    Raises `BadQuery` where that means nothing. Such a monitor keeps no alert, so it may be of
    another kind.
    """
    method: Method = sent.get("method", monitor.method)
    if method != monitor.method and not {method, monitor.method} <= RULES.keys():
        message = "A rule of one case or of linkage stands on no baseline: leave method out."
        raise _refused([Detail("/method", "other_kind", message)])
    now = msgspec.structs.asdict(monitor)
    settings = now["settings"] if method == monitor.method else None
    return _monitor({**now, "kind": KIND_OF[method], "settings": settings}, sent)


def _monitor(fields: dict[str, Any], sent: dict[str, Any]) -> MonitorDefinition:
    method: Method = sent.get("method", fields["method"])
    _require_applicable(method, sent)
    if "settings" in sent:
        sent = {**sent, "settings": _settings(method, fields["settings"], sent["settings"])}
    try:
        return MonitorDefinition(**{**fields, **sent})
    except ValueError as fault:
        message = str(fault)
        named = next((name for name in ("scope", "alpha", "settings") if name in message), None)
        detail = Detail(f"/{named}" if named else "", "impossible_monitor", message)
        raise BadQuery(f"Such a monitor cannot be: {message}.", details=(detail,)) from None


def _require_applicable(method: Method, sent: Collection[str]) -> None:
    details = [
        Detail(f"/{name}", "not_applicable", f"Method {method} has none: {OTHERWISE[name]}")
        for name, methods in USED_BY.items()
        if name in sent and method not in methods
    ]
    if details:
        raise _refused(details)


OTHERWISE = {
    "alpha": "its false alarms are limited by days_between_false_alarms, or not at all.",
    "days_between_false_alarms": "its false alarms are limited by alpha, or not at all.",
    "null": "it tests against no chosen figure.",
    "settings": "leave settings out.",
}


def _settings(method: Method, before: Settings | None, sent: Mapping[str, Any]) -> Settings:
    own = SETTINGS_OF[method]
    foreign = sorted(sent.keys() - set(own.__struct_fields__))
    if foreign:
        allowed = ", ".join(own.__struct_fields__)
        message = f"Method {method} has no such setting; it has {allowed}."
        raise _refused([Detail(f"/settings/{name}", "not_applicable", message) for name in foreign])
    known = msgspec.structs.asdict(before) if isinstance(before, own) else {}
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in sent.items()}
    try:
        return own(**{**known, **fields})
    except ValueError as fault:
        detail = Detail("/settings", "impossible_settings", str(fault))
        raise BadQuery(f"Such settings cannot be: {fault}.", details=(detail,)) from None


def _refused(details: list[Detail]) -> BadQuery:
    return BadQuery("The fields mean nothing for this monitor.", details=tuple(details))
