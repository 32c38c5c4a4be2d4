"""The plots of docs/calibration.md as SVG, readable in light and dark.

In:     the figures of `tests.calibration.__main__`.
Out:    file names and their SVG.
Source: ours. Every figure of a plot stands in a table of the page as well.
"""

from collections.abc import Callable
from typing import Any

from tests.calibration import outbreak, rises
from tests.calibration.charts import Chart, draw, svg, text
from tests.calibration.names import DISCOVERERS, RULES, SCENARIOS


def _percents(*values: int) -> dict[float, str]:
    return {value / 100: f"{value} %" for value in values}


def _false_alarms(figures: dict[str, Any]) -> str:
    rows = figures["false_alarms"]["false_alarm"]
    names = {
        "e_process": "e-process at 20",
        "maxsprt": "MaxSPRT",
        "exact_lower_limit": "exact lower limit",
    }
    lines = {n: [(r["expected_cases"], r[key]) for r in rows] for key, n in names.items()}
    across = {float(row["expected_cases"]): str(row["expected_cases"]) for row in rows}
    return draw(
        Chart(
            "Series with a false alarm, watched after every event",
            "cases expected so far",
            lines,
            across,
            _percents(0, 5, 10, 15, 20, 25),
            mark=0.05,
        )
    )


def _coverage(figures: dict[str, Any]) -> str:
    rows = [r for r in figures["coverage"]["ever_missed"] if r["true_rate"] == 0.1]
    names = {"anytime": "watched interval", "exact": "exact", "midp": "mid-P"}
    lines = {n: [(r["events"], r[key]) for r in rows] for key, n in names.items()}
    return draw(
        Chart(
            "Series in which the 95 % interval ever missed the truth",
            "events watched (true rate 0.1 per person-year)",
            lines,
            {10.0: "10", 30.0: "30", 150.0: "150"},
            _percents(0, 5, 10, 20, 30, 40, 50),
            mark=0.05,
        )
    )


def _delays(start: str, words: str) -> Callable[[dict[str, Any]], str]:
    def plot(figures: dict[str, Any]) -> str:
        lines = {
            f"{volume['expected_per_day']:g} expected a day": [
                (ratio, mine / cusum)
                for ratio, mine, cusum in zip(
                    rises.TRUE_RATIOS,
                    volume["rules"]["e_detector"][start],
                    volume["rules"]["cusum_2"][start],
                    strict=True,
                )
            ]
            for volume in figures["rises"]["volumes"]
        }
        return draw(
            Chart(
                f"Mean delay of the e-detector over that of the {RULES['cusum_2']}, {words}",
                "true rate ratio",
                lines,
                {ratio: f"{ratio:g}" for ratio in rises.TRUE_RATIOS},
                {value: f"{value:.1f}" for value in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)},
                mark=1.0,
            )
        )

    return plot


def _discoveries(figures: dict[str, Any]) -> str:
    title = "False discovery rate of 40 facilities"
    top, row_height, right = 46.0, 15.0, 600.0
    most = 0.16
    parts = [text(16, 16, title, kind="title")]

    def x(value: float) -> float:
        return 240 + value / most * (right - 240)

    row = 0.0
    for scenario, rules in figures["discoveries"]["scenarios"].items():
        parts.append(text(16, top + row * row_height, SCENARIOS[scenario], kind="title"))
        row += 1
        for kind, (rule, found) in enumerate(rules.items()):
            y, rate = top + row * row_height, found["false_discovery_rate"]
            parts.append(text(30, y, DISCOVERERS[rule], kind=f"c{kind}"))
            parts.append(f'<circle class="c{kind}" cx="{x(rate):.1f}" cy="{y - 4:.1f}" r="4"/>')
            row += 1
        row += 0.7
    end = top + row * row_height
    parts += [text(x(p / 100), end + 6, f"{p} %", anchor="middle") for p in (0, 5, 10, 15)]
    parts.append(
        f'<line class="mark" x1="{x(0.05):.1f}" x2="{x(0.05):.1f}" y1="30" y2="{end:.1f}"/>'
    )
    return svg(title, parts, end + 20)


def _outbreak(figures: dict[str, Any]) -> str:
    found = figures["outbreak"]
    months = list(range(len(found["cumulated_even"])))
    names = ["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D", "J", "F", "M", "A", "M"]
    lines = {
        "cases": list(zip(months, found["cumulated_even"], strict=True)),
        "expected at 0.7": list(zip(months, found["cumulated_expected"], strict=True)),
    }
    for name in ("e_detector", "e_process"):
        even = found["since_january"][name]["even"]
        days = (outbreak.date.fromisoformat(even["day"]) - outbreak.FIRST_DAY).days
        label = {"e_detector": "e-detector fires", "e_process": "e-process fires"}[name]
        lines[label] = [(days / 365.25 * 12, even["cases"])]
    return draw(
        Chart(
            "Outbreak of 2013-14, cases spread evenly, watched since January",
            "start of month, January 2013 to June 2014",
            lines,
            {float(month): name for month, name in zip(months, [*names, "J"], strict=True)},
            {float(value): str(value) for value in (0, 20, 40, 60, 80, 100)},
            by_log=False,
        )
    )


PLOTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "false-alarms.svg": _false_alarms,
    "delays-after-quiet.svg": _delays("quiet", "after two quiet years"),
    "delays-fresh.svg": _delays("fresh", "from a fresh start"),
    "coverage.svg": _coverage,
    "discoveries.svg": _discoveries,
    "outbreak.svg": _outbreak,
}
