"""How the evidence of an alert came about, day by day, beside the line that it had to reach.

In:     the alert's monitor and place.
Out:    a `PathSection`: a curve and the days of onset in rows; None where a monitor has no path.
Source: docs/methods.md 8; docs/dashboard.md.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from service.api.monitor_path_answers import (
    MonitorPathDocument,
    PathPoint,
    for_key,
    tell_path,
)
from service.dashboard import words
from service.dashboard.curves import Curve, CurvePoint
from service.dashboard.viewers import Viewer
from service.monitors.definitions import MonitorDefinition
from service.monitors.signals import facility_of
from service.pipeline.look import look_at
from service.pipeline.monitor_paths import monitor_path
from service.pipeline.surveillance import Surveillance

STATISTIC_WORDS = {
    "e_value": "e-value",
    "log_likelihood_ratio": "log-likelihood ratio",
    "e_detector": "e-detector, days",
    "cusum": "CUSUM, share of its threshold",
}
MOST_LINES = 60
LOGARITHMIC = frozenset({"e_value", "e_detector"})


class PathLine(NamedTuple):
    """One day on which cases came."""

    day: str
    cases: int
    expected: str
    value: str


@dataclass(frozen=True, slots=True)
class PathSection:
    """The curve and its table."""

    curve: Curve
    lines: tuple[PathLine, ...]
    statistic: str
    signalled_on: str | None
    exposure: str


def path_section(
    surveillance: Surveillance, viewer: Viewer, monitor: MonitorDefinition | None, scope_key: str
) -> PathSection | None:
    """The path behind an alert; None without a published figure, or for another's place."""
    place = facility_of(scope_key)
    reaches = viewer.facilities is None or place in viewer.facilities
    if monitor is None or monitor.baseline_id is None or not reaches:
        return None
    with look_at(surveillance) as look:
        path = monitor_path(look, monitor, place, surveillance.today().toordinal())
    return _section(for_key(tell_path(path), viewer.hidden_below))


def _section(path: MonitorPathDocument) -> PathSection | None:
    if not path.points:
        return None
    statistic = STATISTIC_WORDS.get(path.statistic, path.statistic)
    first, last = path.points[0].day, path.points[-1].day
    signal = (
        f" It signalled on {words.day(path.signalled_on.toordinal())}."
        if (path.signalled_on)
        else ""
    )
    return PathSection(
        curve=Curve(
            id="path",
            title=f"The {statistic} day by day",
            description=f"From {_day(first)} to {_day(last)}, at the end "
            f"{words.number(path.points[-1].value)}; {words.number(path.threshold)} is needed."
            f"{signal}",
            unit=statistic,
            points=tuple(CurvePoint(one.day.toordinal(), one.value) for one in path.points),
            ends=(_day(first), _day(last)),
            level=(path.threshold, f"signals at {words.number(path.threshold)}"),
            is_logarithmic=path.statistic in LOGARITHMIC,
            is_stepped=False,
        ),
        lines=tuple(_line(point) for point in _with_cases(path.points)[-MOST_LINES:]),
        statistic=statistic,
        signalled_on=_day(path.signalled_on) if path.signalled_on else None,
        exposure=f"{path.exposure:,} {path.exposure_unit.replace('_', '-')}",
    )


def _with_cases(points: list[PathPoint]) -> list[PathPoint]:
    """The days on which cases came, and the last one."""
    came = [after for before, after in pairwise(points) if after.cases > before.cases]
    started = points[:1] if points[0].cases else []
    return [*started, *came, *([points[-1]] if points[-1] not in came[-1:] else [])]


def _line(point: PathPoint) -> PathLine:
    return PathLine(
        _day(point.day),
        point.cases,
        words.number(point.expected),
        words.evidence(point.value) if point.value >= 1 else words.number(point.value),
    )


def _day(day: date) -> str:
    return words.day(day.toordinal())
