"""Columns of counts over time, an epidemic curve, as SVG.

In:     a `Bars`.
Out:    an `<svg role="img">` with a title and a description; every text in it is escaped.
Source: ours; CDC, Principles of Epidemiology in Public Health Practice, lesson 6: one column for
        each interval of onset, without gaps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from service.dashboard.curves import round_ticks

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 34.0, 632.0, 12.0, 156.0


@dataclass(frozen=True, slots=True)
class Bars:
    """Counts in order, each under the name of its interval."""

    id: str
    title: str
    description: str
    unit: str
    counts: tuple[tuple[str, int], ...]


def draw_bars(bars: Bars) -> Markup:
    """The columns as SVG."""
    opening = Markup(
        '<svg class="plot bars" role="img" viewBox="0 0 {} {}" '
        'aria-labelledby="{id}-title {id}-desc">'
        '<title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>'
    ).format(WIDTH, HEIGHT, bars.title, bars.description, id=bars.id)
    return Markup("\n").join([opening, *_axes(bars), *_columns(bars), Markup("</svg>")])


def _most(bars: Bars) -> int:
    return max([1, *(count for _, count in bars.counts)])


def _axes(bars: Bars) -> Iterator[Markup]:
    height = (BOTTOM - TOP) / _most(bars)
    for tick in (tick for tick in round_ticks(_most(bars)) if tick == int(tick)):
        y = BOTTOM - tick * height
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            LEFT, RIGHT, y=y
        )
        yield Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{:.0f}</text>').format(
            LEFT - 6, y + 4, tick
        )
    if bars.counts:
        ends = ((LEFT, "start", bars.counts[0][0]), (RIGHT, "end", bars.counts[-1][0]))
        for x, anchor, name in ends[: len(bars.counts)]:
            yield Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
                x, BOTTOM + 16, anchor, name
            )
    yield Markup('<text class="unit" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        (LEFT + RIGHT) / 2, HEIGHT - 2, bars.unit
    )


def _columns(bars: Bars) -> Iterator[Markup]:
    step = min((RIGHT - LEFT) / max(1, len(bars.counts)), 48.0)
    height = (BOTTOM - TOP) / _most(bars)
    for place, (name, count) in enumerate(bars.counts):
        if count:
            yield Markup(
                '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                "<title>{}: {}</title></rect>"
            ).format(
                LEFT + place * step,
                BOTTOM - count * height,
                max(step - 1, 1),
                count * height,
                name,
                count,
            )
