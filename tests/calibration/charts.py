"""Line charts as SVG, readable in light and dark.

In:     a `Chart`.
Out:    its SVG; every text in it is escaped.
Source: ours; lines differ by their dashes as well as by colour, and are named at their ends.
"""

from dataclasses import dataclass
from html import escape
from math import log

WIDTH, HEIGHT = 640, 330
LEFT, RIGHT, TOP, BOTTOM = 56, 470, 36, 286
LABEL_HEIGHT = 15

STYLE = """
text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}
.grid{stroke:#ddd}.mark{stroke:#777;stroke-dasharray:2 3}path{fill:none;stroke-width:2}
.c0{stroke:#0b62a4;fill:#0b62a4}.c1{stroke:#b3261e;fill:#b3261e}.c2{stroke:#2e7d32;fill:#2e7d32}
.c3{stroke:#8a5a00;fill:#8a5a00}.c4{stroke:#6a3fa0;fill:#6a3fa0}
path.c0,path.c1,path.c2,path.c3,path.c4{fill:none}text.c0,text.c1,text.c2,text.c3,text.c4{stroke:none}
path.c1{stroke-dasharray:7 3}path.c2{stroke-dasharray:2 3}path.c3{stroke-dasharray:9 3 2 3}
@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.mark{stroke:#aaa}
.c0{stroke:#6cb6ff;fill:#6cb6ff}.c1{stroke:#ff8a80;fill:#ff8a80}.c2{stroke:#81c995;fill:#81c995}
.c3{stroke:#f0b849;fill:#f0b849}.c4{stroke:#c8a8ff;fill:#c8a8ff}}
""".replace("\n", "")

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Lines over one axis; `mark` is a value that all are seen against."""

    title: str
    across: str
    lines: dict[str, Points]
    x_ticks: dict[float, str]
    y_ticks: dict[float, str]
    mark: float | None = None
    by_log: bool = True

    def x(self, value: float) -> float:
        """The place of a value across."""
        low, high = min(self.x_ticks), max(self.x_ticks)
        part = log(value / low) / log(high / low) if self.by_log else (value - low) / (high - low)
        return LEFT + part * (RIGHT - LEFT)

    def y(self, value: float) -> float:
        """The place of a value upwards."""
        low, high = min(self.y_ticks), max(self.y_ticks)
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)


def draw(chart: Chart) -> str:
    """The chart as SVG; each line is named at its end."""
    parts = [text(LEFT - 40, 16, chart.title, kind="title")]
    for value, name in chart.y_ticks.items():
        y = chart.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(LEFT - 6, y + 4, name, anchor="end"))
    for value, name in chart.x_ticks.items():
        parts.append(text(chart.x(value), BOTTOM + 17, name, anchor="middle"))
    parts.append(text((LEFT + RIGHT) / 2, BOTTOM + 36, chart.across, anchor="middle"))
    if chart.mark is not None:
        y = chart.y(chart.mark)
        parts.append(f'<line class="mark" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for row, points in enumerate(chart.lines.values()):
        places = [(chart.x(x), chart.y(y)) for x, y in points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path class="c{row}" d="{path}"/>')
        parts += [f'<circle class="c{row}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
    for row, (name, points) in enumerate(chart.lines.items()):
        if len(points) == 1:  # a single point is named beside itself
            x, y = chart.x(points[0][0]), chart.y(points[0][1])
            parts.append(text(x - 8, y - 4, name, anchor="end", kind=f"c{row}"))
    drawn = {row: points for row, points in enumerate(chart.lines.values()) if len(points) > 1}
    ends = apart([chart.y(points[-1][1]) for points in drawn.values()])
    for row, y in zip(drawn, ends, strict=True):
        parts.append(text(RIGHT + 10, y + 4, list(chart.lines)[row], kind=f"c{row}"))
    return svg(chart.title, parts, HEIGHT)


def apart(places: list[float]) -> list[float]:
    """The places of labels, moved down so that none hides another.

    >>> apart([50.0, 40.0, 52.0])
    [55.0, 40.0, 70.0]
    """
    moved = list(places)
    last = float("-inf")
    for row in sorted(range(len(places)), key=lambda row: places[row]):
        moved[row] = last = max(places[row], last + LABEL_HEIGHT)
    return moved


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> str:
    """Words at a place, of a line's colour if `kind` names it."""
    named = f' class="{kind}"' if kind else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text{named} {place}>{escape(words)}</text>"


def svg(title: str, parts: list[str], height: float) -> str:
    """The parts as one picture, in colours that follow the reader's light or dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
