"""Curves over time: a line, its interval as a band, and a level to reach, as SVG.

In:     a `Curve`.
Out:    an `<svg role="img">` with a title and a description; every text in it is escaped.
Source: ours. Colours come from the page's style; the figures stand in a table beside each curve.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 52.0, 628.0, 22.0, 186.0
SPARK_WIDTH, SPARK_HEIGHT = 96, 22
MOST_TICKS = 5
MOST_DOTS = 60
LEAST_TOP = 1e-9
LEAST_SHARE = 1e-4
"""How far below its top a logarithmic scale reaches."""


class CurvePoint(NamedTuple):
    """A value at a place along the axis; limits are None where they do not exist."""

    x: float
    value: float | None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve; `ends` name the first and the last place, `level` is a line to be reached."""

    id: str
    title: str
    description: str
    unit: str
    points: tuple[CurvePoint, ...]
    ends: tuple[str, str]
    level: tuple[float, str] | None = None
    is_logarithmic: bool = False
    is_stepped: bool = False


def draw_curve(curve: Curve) -> Markup:
    """The curve as SVG."""
    across, up = _across(curve.points), _upwards(curve)
    parts = [
        Markup(
            '<svg class="plot curve" role="img" viewBox="0 0 {} {}" '
            'aria-labelledby="{id}-title {id}-desc">'
            '<title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>'
        ).format(WIDTH, HEIGHT, curve.title, curve.description, id=curve.id),
        *_frame(curve, up),
        *_bands(curve.points, across, up),
        *_lines(curve, across, up),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def draw_spark(counts: Sequence[int]) -> Markup:
    """Counts as small columns; hidden from readers, for whom words stand beside it.

    >>> "<rect" in draw_spark([0, 2, 1]), draw_spark([])
    (True, Markup(''))
    """
    if not counts:
        return Markup()
    most, step = max([*counts, 1]), SPARK_WIDTH / len(counts)
    columns = (
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            place * step, SPARK_HEIGHT - height, max(step - 1.5, 1.0), height
        )
        for place, count in enumerate(counts)
        for height in [max(count / most * SPARK_HEIGHT, 1.0)]
    )
    opening = Markup('<svg class="spark" aria-hidden="true" viewBox="0 0 {} {}">')
    return opening.format(SPARK_WIDTH, SPARK_HEIGHT) + Markup().join(columns) + Markup("</svg>")


def round_ticks(top: float) -> list[float]:
    """Round values from zero to the top.

    >>> round_ticks(7.3)
    [0.0, 2.0, 4.0, 6.0]
    """
    if top <= 0:
        return [0.0]
    rough = top / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * count for count in range(int(top / step) + 1)]


class _Scale(NamedTuple):
    y: Callable[[float], float]
    ticks: list[float]


def _across(points: Sequence[CurvePoint]) -> Callable[[float], float]:
    places = [point.x for point in points] or [0.0]
    first, width = places[0], max(places[-1] - places[0], 1e-9)
    if len(places) == 1:
        return lambda _: (LEFT + RIGHT) / 2
    return lambda x: LEFT + (x - first) / width * (RIGHT - LEFT)


def _upwards(curve: Curve) -> _Scale:
    values = [point.value for point in curve.points if point.value is not None]
    uppers = [point.upper for point in curve.points if point.upper is not None]
    reached = max([*values, curve.level[0] if curve.level else 0.0], default=0.0)
    top = max(reached * 1.15 or min(uppers, default=1.0), LEAST_TOP)
    if not curve.is_logarithmic:
        top = max(top, min(max(uppers, default=0.0), 3 * top))
        height = (BOTTOM - TOP) / top
        return _Scale(lambda value: BOTTOM - min(value, top) * height, round_ticks(top))
    smallest = min([value for value in values if value > 0], default=top / 10)
    low = min(max(smallest, top * LEAST_SHARE), top / 10)
    span = math.log(top / low)
    decades = range(math.ceil(math.log10(low)), math.floor(math.log10(top)) + 1)
    every = max(1, len(decades) // MOST_TICKS)
    return _Scale(
        lambda value: BOTTOM - math.log(min(max(value, low), top) / low) / span * (BOTTOM - TOP),
        [10.0**decade for decade in decades[::every]],
    )


def _frame(curve: Curve, up: _Scale) -> Iterator[Markup]:
    for tick in up.ticks:
        y = up.y(tick)
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            LEFT, RIGHT, y=y
        )
        yield Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{:g}</text>').format(
            LEFT - 6, y + 4, tick
        )
    for x, anchor, label in ((LEFT, "start", curve.ends[0]), (RIGHT, "end", curve.ends[1])):
        yield Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            x, BOTTOM + 18, anchor, label
        )
    yield Markup('<text class="unit" x="{}" y="13">{}</text>').format(0, curve.unit)
    if curve.level:
        y = up.y(curve.level[0])
        yield Markup('<line class="reference" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            LEFT, RIGHT, y=y
        )
        yield Markup(
            '<text class="reference-label" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
        ).format(RIGHT, y - 5, curve.level[1])


def _bands(
    points: Sequence[CurvePoint], across: Callable[[float], float], up: _Scale
) -> Iterator[Markup]:
    """The intervals, as one area for each run of points that have them."""
    for run in _runs(points, lambda point: point.upper is not None):
        above = [f"{across(p.x):.1f},{up.y(p.upper or 0.0):.1f}" for p in run]
        below = [f"{across(p.x):.1f},{up.y(p.lower or 0.0):.1f}" for p in reversed(run)]
        yield Markup('<polygon class="band" points="{}"/>').format(" ".join([*above, *below]))


def _lines(curve: Curve, across: Callable[[float], float], up: _Scale) -> Iterator[Markup]:
    for run in _runs(curve.points, lambda point: point.value is not None):
        places = [(across(p.x), up.y(p.value or 0.0)) for p in run]
        if curve.is_stepped:
            corners = itertools.pairwise(places)
            steps = [(after[0], before[1]) for before, after in corners]
            places = [places[0], *(p for pair in zip(steps, places[1:], strict=True) for p in pair)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield Markup('<polyline class="line" points="{}"/>').format(drawn)
        if len(run) <= MOST_DOTS:
            for x, y in ((across(p.x), up.y(p.value or 0.0)) for p in run):
                yield Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(x, y)


def _runs(
    points: Sequence[CurvePoint], has: Callable[[CurvePoint], bool]
) -> Iterator[list[CurvePoint]]:
    run: list[CurvePoint] = []
    for point in points:
        if has(point):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run
