"""A plot places what it says where it says, hides nothing beyond its scale, and escapes."""

from xml.etree import ElementTree as ET

import pytest

from service.dashboard.charts import LEFT, RIGHT, IntervalPlot, PlotRow, draw, scale_of, shortened

SVG = "{http://www.w3.org/2000/svg}"


def a_row(label="tacrolimus", value=1.0, limits=(0.3, 3.0), **more):
    return PlotRow(label, "1.00", "1.00 (0.30 to 3.00)", value, limits, **more)


def a_plot(*rows, **more):
    return IntervalPlot("p", "Rates", "What they are", "per 100", rows, **more)


def drawn(plot):
    return ET.fromstring(str(draw(plot)).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def test_a_plot_has_a_name_and_a_description():
    root = drawn(a_plot(a_row()))
    assert root.get("role") == "img"
    named = [root.find(f"{SVG}{part}") for part in ("title", "desc")]
    assert root.get("aria-labelledby").split() == [part.get("id") for part in named]
    assert [part.text for part in named] == ["Rates", "What they are"]


def test_hostile_labels_stay_text():
    hostile = '<script>alert(1)</script>"&'
    plot = a_plot(a_row(label=hostile), reference=(1.0, hostile))
    assert "<script" not in draw(plot)
    assert hostile in [text.text for text in drawn(plot).iter(f"{SVG}text")]


def test_values_stand_in_order_and_between_their_limits():
    plot = a_plot(a_row(value=0.5, limits=(0.2, 1.0)), a_row(value=2.0, limits=(1.0, 4.0)))
    dots = [float(dot.get("cx")) for dot in drawn(plot).iter(f"{SVG}circle")]
    lines = [
        (float(line.get("x1")), float(line.get("x2")))
        for line in drawn(plot).iter(f"{SVG}line")
        if line.get("class") == "inner"
    ]
    assert dots == sorted(dots)
    for dot, (start, end) in zip(dots, lines, strict=True):
        assert LEFT <= start < dot < end <= RIGHT


def test_what_goes_on_beyond_the_scale_has_an_arrow():
    within = a_plot(a_row())
    beyond = a_plot(a_row(), a_row(value=0.0, limits=(0.0, 5000.0)))
    heads = [
        sum(path.get("class") == "beyond" for path in drawn(plot).iter(f"{SVG}path"))
        for plot in (within, beyond)
    ]
    assert heads[0] == 0
    assert heads[1] >= 1


def test_no_case_is_a_hollow_dot_at_the_edge():
    (dot,) = drawn(a_plot(a_row(value=0.0, limits=(0.0, 2.0)))).iter(f"{SVG}circle")
    assert dot.get("class") == "dot hollow"
    assert float(dot.get("cx")) == LEFT


def test_without_person_time_there_is_no_mark():
    plot = a_plot(a_row(), a_row(value=None, limits=(None, None)))
    assert len(list(drawn(plot).iter(f"{SVG}circle"))) == 1


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (a_row(value=0.0, limits=(0.0, 3.6)),),
        (a_row(value=None, limits=(None, None)),),
        (a_row(value=1e-9, limits=(1e-12, 1e-8)), a_row(value=1e9, limits=(1e8, 1e10))),
    ],
)
def test_every_plot_has_a_scale(rows):
    scale = scale_of(a_plot(*rows))
    assert 0 < scale.low < scale.high
    assert drawn(a_plot(*rows)) is not None
    assert len(scale.ticks()) <= 8


def test_a_shortened_label_keeps_both_ends():
    label = "NTM isolation: Lung transplant 1990-2005, Boston"
    short = shortened(label, 30)
    assert len(short) <= 30
    assert short.startswith("NTM isolation")
    assert short.endswith("Boston")
    assert shortened("kidney", 30) == "kidney"
