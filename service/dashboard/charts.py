"""Interval plots: a dot and its interval for each row, on a logarithmic scale, as SVG.

In:     an `IntervalPlot`.
Out:    an `<svg role="img">` with a title and a description; every text in it is escaped.
Source: ours. Narrow enough for a phone; labels stand above their lines, so none is cut off.

Colours come from the page's style, so that the plot follows it into the dark and onto paper. The
figures stand in a table beside each plot: a plot never is the only place of a number.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 440
LEFT, RIGHT = 10.0, 430.0
ROW_HEIGHT = 43
TOP, BOTTOM = 26, 44
CHARACTER, BOLD_CHARACTER = 7.4, 8.7
"""Width of a letter of the widest font in the style's list, at its size."""
MOST_DECADES = 4
WIDEST = 4.0
"""How far beyond the largest rate the scale reaches, at most."""


@dataclass(frozen=True, slots=True)
class PlotRow:
    """One line of the plot; limits are None where they do not exist.

    `shown` stands at the end of the line and is short; `told` is the figure with its interval.
    `outer` is the interval that stays valid while watched; `published` a figure to compare with.
    """

    label: str
    shown: str
    told: str
    value: float | None
    limits: tuple[float | None, float | None]
    outer: tuple[float | None, float | None] | None = None
    published: float | None = None
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """A plot; `reference` is a value that all rows are seen against, with its name."""

    id: str
    title: str
    description: str
    unit: str
    rows: tuple[PlotRow, ...]
    reference: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class LogScale:
    """Places on a logarithmic axis.

    >>> scale = LogScale(0.1, 10.0)
    >>> scale.x(1.0), scale.x(1e9) == RIGHT
    (220.0, True)
    """

    low: float
    high: float

    def x(self, value: float) -> float:
        """The place of a value; beyond the ends, the end."""
        if value <= self.low:
            return LEFT
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return LEFT + min(part, 1.0) * (RIGHT - LEFT)

    def ticks(self) -> list[float]:
        """Round values on the axis, not too many."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [step * 10.0**decade for decade in decades for step in steps]
            within = [value for value in found if self.low <= value <= self.high]
            if len(within) <= 8:
                return within
        return within


def draw(plot: IntervalPlot) -> Markup:
    """The plot as SVG."""
    height = TOP + ROW_HEIGHT * len(plot.rows) + BOTTOM
    scale = scale_of(plot)
    parts = [
        Markup(
            '<svg class="plot" role="img" viewBox="0 0 {} {}" '
            'aria-labelledby="{id}-title {id}-desc">'
            '<title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>'
        ).format(WIDTH, height, plot.title, plot.description, id=plot.id),
        *_axis(plot, scale, height),
        *(
            part
            for place, row in enumerate(plot.rows)
            for part in _row(row, scale, TOP + ROW_HEIGHT * place)
        ),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def scale_of(plot: IntervalPlot) -> LogScale:
    """A scale that holds what matters: rates, references, and limits as far as they tell."""
    rows = plot.rows
    firm = [row for row in rows if row.value]
    points = [x for row in rows for x in (row.value, row.published) if x]
    points += [plot.reference[0]] if plot.reference and plot.reference[0] > 0 else []
    uppers = _positive([row.limits[1] for row in firm or rows])
    lowers = _positive([row.limits[0] for row in firm])
    top = max(points, default=1.0) * WIDEST
    high = max([*points, *(min(upper, top) for upper in uppers)], default=1.0) * 1.15
    low = min([*points, *lowers, *(() if points or lowers else (min(uppers, default=1.0) / 10,))])
    return LogScale(max(low / 1.3, high / 10**MOST_DECADES), high)


def _positive(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value]


def _axis(plot: IntervalPlot, scale: LogScale, height: int) -> Iterator[Markup]:
    foot = height - BOTTOM + 6
    for value in scale.ticks():
        x = f"{scale.x(value):.1f}"
        yield Markup('<line class="grid" x1="{x}" x2="{x}" y1="{}" y2="{}"/>').format(
            TOP - 6, foot, x=x
        )
        yield Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{:g}</text>').format(
            x, foot + 14, _anchor(float(x)), value
        )
    yield Markup('<text class="unit" x="{}" y="{}" text-anchor="end">{}</text>').format(
        RIGHT, foot + 32, plot.unit
    )
    if plot.reference and plot.reference[0] > 0:
        x = f"{scale.x(plot.reference[0]):.1f}"
        yield Markup('<line class="reference" x1="{x}" x2="{x}" y1="{}" y2="{}"/>').format(
            TOP - 8, foot, x=x
        )
        yield Markup(
            '<text class="reference-label" x="{}" y="12" text-anchor="{}">{}</text>'
        ).format(x, _anchor(float(x)), plot.reference[1])


def _anchor(x: float) -> str:
    if x < LEFT + 40:
        return "start"
    return "end" if x > RIGHT - 60 else "middle"


def _row(row: PlotRow, scale: LogScale, y: int) -> Iterator[Markup]:
    line = y + 29
    yield Markup('<g class="row{}"><title>{}: {}</title>').format(
        " marked" if row.is_marked else "", row.label, row.told
    )
    yield Markup('<text class="label" x="{}" y="{}">{}</text>').format(
        LEFT, y + 16, shortened(row.label, _room(row))
    )
    yield Markup('<text class="shown" x="{}" y="{}" text-anchor="end">{}</text>').format(
        RIGHT, y + 16, row.shown
    )
    if row.outer:
        yield from _bar("outer", row.outer, scale, line)
    yield from _bar("inner", row.limits, scale, line)
    if row.published:
        x = scale.x(row.published)
        yield Markup('<path class="published" d="M{:.1f} {} l5 6 -5 6 -5 -6z"/>').format(
            x, line - 6
        )
    if row.value is not None:
        kind = "dot" if row.value > 0 else "dot hollow"
        yield Markup('<circle class="{}" cx="{:.1f}" cy="{}" r="4.5"/>').format(
            kind, scale.x(row.value), line
        )
    yield Markup("</g>")


def shortened(label: str, length: int) -> str:
    """A label that fits; what goes is its middle, because its end often tells it from others.

    >>> shortened("NTM isolation (with or without disease): Lung transplant, Boston", 40)
    'NTM isolation (with or w…nsplant, Boston'
    """
    if len(label) <= length:
        return label
    head = length * 3 // 5
    return f"{label[:head].rstrip()}…{label[head + 1 - length :].lstrip()}"


def _room(row: PlotRow) -> int:
    """How many characters a label may have beside its figure."""
    width = BOLD_CHARACTER if row.is_marked else CHARACTER
    return int((RIGHT - LEFT - 2 * CHARACTER - CHARACTER * len(row.shown)) / width)


def _bar(
    kind: str, limits: tuple[float | None, float | None], scale: LogScale, y: int
) -> Iterator[Markup]:
    """A line between the limits, with an arrow head where it goes on beyond the scale."""
    lower, upper = limits
    if upper is None:
        return
    start, end = scale.x(lower or 0.0), scale.x(upper)
    yield Markup('<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{y}" y2="{y}"/>').format(
        escape(kind), start, end, y=y
    )
    if upper > scale.high:
        yield Markup('<path class="beyond" d="M{} {} l-7 -4 0 8z"/>').format(RIGHT + 4, y)
    if (lower or 0.0) < scale.low:
        yield Markup('<path class="beyond" d="M{} {} l7 -4 0 8z"/>').format(LEFT - 4, y)
