"""The tables of docs/calibration.md, made from the figures and put between their marks.

In:     the figures of `tests.calibration.__main__`, the page.
Out:    the page with every table anew.
Source: docs/calibration.md, where each table stands between `<!-- name -->` and `<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from tests.calibration import rises
from tests.calibration.names import DISCOVERERS, MONITORS, RULES, SCENARIOS

Figures = dict[str, Any]


def rewritten(page: str, figures: Figures) -> str:
    """The page with its tables made anew; ValueError if one has no place."""
    for name, rows in TABLES.items():
        table = "\n".join(rows(figures))
        page, places = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\1\n{table}\n\n\2", page, flags=re.DOTALL
        )
        if places != 1:
            raise ValueError(f"the page has {places} places for {name}")
    return page


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _false_alarms(figures: Figures) -> list[str]:
    return _table(
        ("cases expected", "e-process reaches 20", "MaxSPRT to this horizon", "exact lower limit"),
        (
            (
                str(line["expected_cases"]),
                *(_percent(line[key]) for key in ("e_process", "maxsprt", "exact_lower_limit")),
            )
            for line in figures["false_alarms"]["false_alarm"]
        ),
    )


def _detection(figures: Figures) -> list[str]:
    return _table(
        ("true rate ratio", "e-process reaches 20", "MaxSPRT, horizon 10"),
        (
            (str(line["rate_ratio"]), _percent(line["e_process"]), _percent(line["maxsprt"]))
            for line in figures["false_alarms"]["detection"]
        ),
    )


def _delays(start: str) -> Callable[[Figures], list[str]]:
    def table(figures: Figures) -> list[str]:
        rows = [
            (
                f"{volume['expected_per_day']:g}",
                RULES[name],
                f"{found['spacing']:,.0f}",
                *(f"{delay:.1f}" for delay in found[start]),
                f"{volume['together'][start][name]:.3f}",
            )
            for volume in figures["rises"]["volumes"]
            for name, found in volume["rules"].items()
        ]
        overall = figures["rises"]["together"][start]
        blank = [""] * len(rises.TRUE_RATIOS)
        rows += [("all", RULES[name], "", *blank, f"{overall[name]:.3f}") for name in RULES]
        ratios = (f"{ratio:g}" for ratio in rises.TRUE_RATIOS)
        return _table(("expected a day", "rule", "spacing", *ratios, "together"), rows)

    return table


def _shipped(figures: Figures) -> list[str]:
    return _table(
        (
            "expected a day",
            "rule",
            "spacing",
            *(f"{ratio:g}" for ratio in rises.TRUE_RATIOS),
            "together",
        ),
        (
            (
                f"{volume['expected_per_day']:g}",
                RULES[name],
                f"{found['spacing']:,.0f}",
                *(f"{delay:.1f}" for delay in found["quiet"]),
                f"{rises.together(volume['shipped'], name, 'quiet'):.3f}",
            )
            for volume in figures["rises"]["volumes"]
            for name, found in volume["shipped"].items()
        ),
    )


def _coverage(figures: Figures) -> list[str]:
    return _table(
        ("true rate per person-year", "events", "watched interval", "exact", "mid-P"),
        (
            (
                f"{line['true_rate']:g}",
                str(line["events"]),
                *(_percent(line[key]) for key in ("anytime", "exact", "midp")),
            )
            for line in figures["coverage"]["ever_missed"]
        ),
    )


def _one_look(figures: Figures) -> list[str]:
    return _table(
        ("cases expected", "exact", "mid-P"),
        (
            (str(line["expected_cases"]), _percent(line["exact"]), _percent(line["midp"]))
            for line in figures["coverage"]["one_look"]
        ),
    )


def _discoveries(figures: Figures) -> list[str]:
    return _table(
        ("facilities", "rule", "false discovery rate", "true excesses found", "any false one"),
        (
            (
                SCENARIOS[scenario],
                DISCOVERERS[rule],
                f"{found['false_discovery_rate']:.2%}".replace("%", " %"),
                _percent(found["power"]),
                _percent(found["any_false"]),
            )
            for scenario, rules in figures["discoveries"]["scenarios"].items()
            for rule, found in rules.items()
        ),
    )


def _outbreak(start: str) -> Callable[[Figures], list[str]]:
    def table(figures: Figures) -> list[str]:
        return _table(
            (
                "monitor",
                "cases spread evenly: fires on",
                "month",
                "cases by then",
                "at random: month of the median",
                "by month 1",
                "2",
                "3",
                "4",
                "before the outbreak",
            ),
            (_fired(MONITORS[name], found) for name, found in figures["outbreak"][start].items()),
        )

    return table


def _fired(name: str, found: Figures) -> Iterable[str]:
    even, drawn = found["even"], found["random"]
    day = date.fromisoformat(even["day"]) if even["day"] else None
    shares = drawn["share_by_month"]
    return (
        name,
        f"{day.day} {day:%B %Y}" if day else "never",
        str(even["month"] or "before"),
        str(even["cases"]),
        str(drawn["median_month"]),
        *(_percent(sum(shares[: month + 1])) for month in range(4)),
        _percent(drawn["alarmed_before"]),
    )


TABLES: dict[str, Callable[[Figures], list[str]]] = {
    "false alarms": _false_alarms,
    "detection": _detection,
    "delays after quiet": _delays("quiet"),
    "delays from a fresh start": _delays("fresh"),
    "shipped": _shipped,
    "coverage": _coverage,
    "one look": _one_look,
    "discoveries": _discoveries,
    "outbreak since august": _outbreak("since_outbreak"),
    "outbreak since january": _outbreak("since_january"),
}
