"""Swimmer lanes: one patient's follow-up, regimens and infections along one time axis, as SVG.

In:     `Lanes`.
Out:    an `<svg role="img">` with a title and a description; every text in it is escaped.
Source: ours; the figures stand in tables beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from markupsafe import Markup

from service.dashboard.charts import CHARACTER, shortened

WIDTH = 760
LEFT, RIGHT = 118.0, 748.0
TOP, LANE = 14, 40
BAR = 18

Kind = Literal["risk", "regimen", "counted", "uncounted", "transplant", "death"]


class Stretch(NamedTuple):
    """Days in a row that have something in common."""

    start: int
    end: int
    label: str
    kind: Kind


class Mark(NamedTuple):
    """Something that happened on a day."""

    day: int
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane with its name."""

    name: str
    stretches: tuple[Stretch, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes of a patient, from the first day to the last."""

    id: str
    title: str
    description: str
    first: int
    last: int
    lanes: tuple[Lane, ...]

    def x(self, day: int) -> float:
        """The place of a day."""
        part = (day - self.first) / max(self.last - self.first, 1)
        return LEFT + min(max(part, 0.0), 1.0) * (RIGHT - LEFT)


def draw_lanes(lanes: Lanes) -> Markup:
    """The lanes as SVG."""
    height = TOP + LANE * len(lanes.lanes) + 34
    opening = Markup(
        '<svg class="plot lanes" role="img" viewBox="0 0 {} {}" '
        'aria-labelledby="{id}-title {id}-desc">'
        '<title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>'
    ).format(WIDTH, height, lanes.title, lanes.description, id=lanes.id)
    drawn = [
        part
        for place, lane in enumerate(lanes.lanes)
        for part in _lane(lanes, lane, TOP + LANE * place)
    ]
    axis = list(_years(lanes, height - 28))
    return Markup("\n").join([opening, *axis, *drawn, Markup("</svg>")])


def _years(lanes: Lanes, foot: float) -> Iterator[Markup]:
    """The first and the last day, and the years between where there is room."""
    first, last = date.fromordinal(lanes.first), date.fromordinal(lanes.last)
    for day, anchor in ((first, "start"), (last, "end")):
        yield Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
            lanes.x(day.toordinal()), foot + 22, anchor, day.isoformat()
        )
    for year in range(first.year + 1, last.year + 1):
        x = lanes.x(date(year, 1, 1).toordinal())
        yield Markup('<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>').format(
            TOP - 8, foot + 6, x=x
        )
        if LEFT + 90 < x < RIGHT - 90:
            yield Markup(
                '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
            ).format(x, foot + 22, year)


def _lane(lanes: Lanes, lane: Lane, top: float) -> Iterator[Markup]:
    middle = top + LANE / 2
    yield Markup('<text class="label" x="0" y="{:.1f}">{}</text>').format(middle + 4, lane.name)
    for one in lane.stretches:
        x, end = lanes.x(one.start), lanes.x(one.end + 1)
        room = int((end - x - 8) / CHARACTER)
        yield Markup(
            '<g><title>{}</title><rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
            'height="{}"/>'
        ).format(one.label, one.kind, x, middle - BAR / 2, max(end - x, 1.5), BAR)
        if one.kind == "regimen" and room >= 6:
            yield Markup('<text class="on-bar" x="{:.1f}" y="{:.1f}">{}</text>').format(
                x + 4, middle + 5, shortened(one.label, room)
            )
        yield Markup("</g>")
    for mark in lane.marks:
        yield Markup('<g><title>{}</title><path class="{}" d="{}"/></g>').format(
            mark.label, mark.kind, SHAPES[mark.kind](lanes.x(mark.day), middle)
        )


def _circle(x: float, y: float) -> str:
    return f"M{x - 6:.1f} {y:.1f} a6 6 0 1 0 12 0 a6 6 0 1 0 -12 0z"


def _triangle(x: float, y: float) -> str:
    return f"M{x:.1f} {y - 8:.1f} l8 14 h-16z"


def _cross(x: float, y: float) -> str:
    return f"M{x - 6:.1f} {y - 6:.1f} l12 12 m0 -12 l-12 12"


SHAPES = {
    "risk": _circle,
    "regimen": _circle,
    "counted": _circle,
    "uncounted": _circle,
    "transplant": _triangle,
    "death": _cross,
}
