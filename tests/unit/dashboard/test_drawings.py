"""Whatever the figures are, a drawing is well-formed, stays within itself, and escapes words."""

import math
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dashboard.bars import Bars, draw_bars
from service.dashboard.curves import Curve, CurvePoint, draw_curve, draw_spark, round_ticks
from service.dashboard.lanes import Lane, Lanes, Mark, Stretch, draw_lanes
from service.dashboard.onsets import MOST_COLUMNS, epidemic_curve
from service.dashboard.scatters import Funnel, Limits, Place, draw_funnel

HOSTILE = "<script>alert('x')</script>\"&"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
values = st.none() | st.floats(0, 1e12) | st.just(0.0)
rates = st.floats(0, 1e6)
days = st.integers(700_000, 760_000)


def seen(svg: Any) -> ET.Element:
    """The drawing, every number of which lies within its frame."""
    root = ET.fromstring(str(svg))
    *_, width, height = map(float, root.get("viewBox", "").split())
    for element in root.iter():
        for name, most in (("x", width), ("cx", width), ("x1", width), ("x2", width)):
            if element.get(name) is not None:
                assert -1 <= float(element.get(name, "")) <= most + 1
        for name in ("y", "cy", "y1", "y2"):
            if element.get(name) is not None:
                assert -1 <= float(element.get(name, "")) <= height + 1
        for pair in element.get("points", "").split():
            x, y = map(float, pair.split(","))
            assert -1 <= x <= width + 1
            assert -1 <= y <= height + 1
    assert "script" not in {element.tag for element in root.iter()}
    return root


@st.composite
def points(draw: st.DrawFn) -> tuple[CurvePoint, ...]:
    places = sorted(draw(st.lists(st.integers(0, 10_000), max_size=20, unique=True)))
    return tuple(CurvePoint(x, draw(values), draw(values), draw(values)) for x in places)


@given(points(), st.booleans(), st.booleans(), st.none() | st.floats(1e-3, 1e6))
def test_curves(found: Any, is_logarithmic: bool, is_stepped: bool, level: float | None) -> None:
    curve = Curve(
        "c",
        HOSTILE,
        HOSTILE,
        HOSTILE,
        found,
        (HOSTILE, HOSTILE),
        (level, HOSTILE) if level else None,
        is_logarithmic=is_logarithmic,
        is_stepped=is_stepped,
    )
    assert seen(draw_curve(curve)).get("role") == "img"


@given(st.lists(st.tuples(st.just(HOSTILE), st.integers(0, 10_000)), max_size=50))
def test_columns(counts: list[tuple[str, int]]) -> None:
    root = seen(draw_bars(Bars("b", HOSTILE, HOSTILE, HOSTILE, tuple(counts))))
    drawn = [element for element in root.iter() if element.get("class") == "bar"]
    assert len(drawn) == sum(count > 0 for _, count in counts)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_sparks(counts: list[int]) -> None:
    assert len(list(seen(draw_spark(counts)))) == len(counts)


@given(
    st.lists(st.builds(Place, st.just(HOSTILE), st.just(HOSTILE), rates, rates, st.booleans())),
    st.lists(st.builds(Limits, rates, st.none() | st.tuples(rates, rates), st.none())),
)
def test_funnels(places: list[Place], limits: list[Limits]) -> None:
    ordered = tuple(sorted(limits, key=lambda one: one.expected))
    root = seen(draw_funnel(Funnel("f", HOSTILE, HOSTILE, tuple(places), ordered)))
    assert len([one for one in root.iter() if one.tag == "circle"]) == len(places)


@given(days, st.lists(st.tuples(days, days), max_size=8), st.lists(days, max_size=8))
def test_lanes(first: int, runs: list[tuple[int, int]], marked: list[int]) -> None:
    lane = Lane(
        HOSTILE,
        tuple(Stretch(min(run), max(run), HOSTILE, "regimen") for run in runs),
        tuple(Mark(day, HOSTILE, "death") for day in marked),
    )
    drawn = draw_lanes(Lanes("l", HOSTILE, HOSTILE, first, first + 4000, (lane,)))
    assert drawn.count("<rect") == len(runs)
    ET.fromstring(str(drawn))


@given(st.lists(days, min_size=1, max_size=60))
def test_an_epidemic_curve_holds_every_case_once(onsets: list[int]) -> None:
    bars = epidemic_curve(onsets)
    assert bars is not None
    assert sum(count for _, count in bars.counts) == len(onsets)
    assert len(bars.counts) <= MOST_COLUMNS or "year" in bars.title


@pytest.mark.parametrize("top", [1e-9, 0.3, 1.0, 7.3, 4e11])
def test_ticks_are_few_and_reach_the_top(top: float) -> None:
    ticks = round_ticks(top)
    assert 2 <= len(ticks) <= 6
    assert math.isclose(ticks[-1], top, rel_tol=0.5)
