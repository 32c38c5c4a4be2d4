"""Funnels: each facility's ratio at its expected cases, between control limits, as SVG.

In:     a `Funnel`.
Out:    an `<svg role="img">` with a title and a description; every text in it is escaped.
Source: ours; Spiegelhalter DJ. Funnel plots for comparing institutional performance. Stat Med
        2005;24:1185-1202.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from service.dashboard.curves import round_ticks

WIDTH, HEIGHT = 640, 330
LEFT, RIGHT, TOP, BOTTOM = 44.0, 628.0, 14.0, 286.0
LEAST_TOP, MOST_TOP = 3.0, 12.0


class Place(NamedTuple):
    """A facility; `is_beyond` says that it lies outside the outer limits, or above the inner."""

    name: str
    told: str
    expected: float
    ratio: float
    is_beyond: bool


class Limits(NamedTuple):
    """Control limits of the ratio at a number expected: (lower, upper) of either pair."""

    expected: float
    inner: tuple[float, float] | None
    outer: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """Facilities and limits, the latter in order of what is expected."""

    id: str
    title: str
    description: str
    places: tuple[Place, ...]
    limits: tuple[Limits, ...]


def draw_funnel(funnel: Funnel) -> Markup:
    """The funnel as SVG."""
    most = max([*(place.expected for place in funnel.places), 1e-9]) * 1.08
    top = min(max([LEAST_TOP, *(place.ratio * 1.1 for place in funnel.places)]), MOST_TOP)

    def x(expected: float) -> float:
        return LEFT + min(expected / most, 1.0) * (RIGHT - LEFT)

    def y(ratio: float) -> float:
        return BOTTOM - min(ratio / top, 1.0) * (BOTTOM - TOP)

    opening = Markup(
        '<svg class="plot curve" role="img" viewBox="0 0 {} {}" '
        'aria-labelledby="{id}-title {id}-desc">'
        '<title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>'
    ).format(WIDTH, HEIGHT, funnel.title, funnel.description, id=funnel.id)
    within = [limits for limits in funnel.limits if limits.expected <= most]
    outer = [(one.expected, *one.outer) for one in within if one.outer]
    inner = [(one.expected, *one.inner) for one in within if one.inner]
    parts = [
        opening,
        *_axes(most, top, x, y),
        *_limits("outer", outer, x, y),
        *_limits("inner", inner, x, y),
        *(_place(place, x, y) for place in funnel.places),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


Along = Callable[[float], float]


def _axes(most: float, top: float, x: Along, y: Along) -> Iterator[Markup]:
    for tick in round_ticks(top):
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            LEFT, RIGHT, y=y(tick)
        )
        yield Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{:g}</text>').format(
            LEFT - 6, y(tick) + 4, tick
        )
    for tick in round_ticks(most):
        yield Markup(
            '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>'
        ).format(x(tick), BOTTOM + 16, tick)
    yield Markup('<line class="reference" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
        LEFT, RIGHT, y=y(1.0)
    )
    yield Markup('<text class="unit" x="{}" y="{}" text-anchor="end">cases expected</text>').format(
        RIGHT, HEIGHT - 6
    )


def _limits(
    kind: str, found: Sequence[tuple[float, float, float]], x: Along, y: Along
) -> Iterator[Markup]:
    for end in (1, 2):
        drawn = " ".join(f"{x(one[0]):.1f},{y(one[end]):.1f}" for one in found)
        if drawn:
            yield Markup('<polyline class="limit {}" points="{}"/>').format(kind, drawn)


def _place(place: Place, x: Along, y: Along) -> Markup:
    at, up = x(place.expected), y(place.ratio)
    label = (
        Markup('<text class="label" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
            at + (-8 if at > RIGHT - 120 else 8),
            up + 4,
            "end" if at > RIGHT - 120 else "start",
            place.name,
        )
        if place.is_beyond
        else Markup()
    )
    circle = Markup('<circle class="dot{}" cx="{:.1f}" cy="{:.1f}" r="5"/>').format(
        " beyond-limits" if place.is_beyond else "", at, up
    )
    title = Markup("<title>{}: {}</title>").format(place.name, place.told)
    return Markup("<g>{}{}{}</g>").format(title, circle, label)
