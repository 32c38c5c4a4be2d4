"""`graftwatch replay`: would a monitor have fired, when, with which of these settings.

In:     a monitor, a place and a period, variants, perhaps a CSV of counts.
Out:    a table on standard output, a row for each variant, or JSON; nothing is stored.
Source: docs/api-alerts.md, "Replay".
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.console import say, show
from service.commands.opening import opened
from service.settings import read_settings

if TYPE_CHECKING:
    from service.api.replay_requests import ReplayRequest

COLUMNS = (
    "variant",
    "method",
    "fired",
    "signalled on",
    "after case 1",
    "after start",
    "cases",
    "expected",
    "severity",
    "at end",
    "highest",
    "threshold",
)
FIGURES = (*COLUMNS[4:8], *COLUMNS[10:])
"""The columns flush right; those after the first case and the start are days."""


def replay(
    monitor: Annotated[str, typer.Argument(help="The monitor's id.")],
    facility: Annotated[
        str | None, typer.Option(help="Without it, the network.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD: the monitor starts afresh on this day.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="YYYY-MM-DD: the last day looked at.")] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME:SETTING=VALUE,… such as strict:alpha=0.01 or "
            "rise:method=e_detector,rate_ratios=2+5; repeatable."
        ),
    ] = None,
    counts: Annotated[
        Path | None,
        typer.Option(
            help="A CSV of date, cases, and expected or person_days, instead of the stored data.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
) -> None:
    """Say whether a monitor would have fired, and when, as it is and with other settings."""
    import msgspec

    from service.api.formats import WRITERS
    from service.api.replays import replay_figure
    from service.errors import BadRequest

    body = {
        "facility": facility,
        "start": start,
        "end": end,
        "variants": [read_variant(text) for text in variant or ()],
        "counts": {"days": read_counts(counts)} if counts else None,
    }
    asked = _checked({name: value for name, value in body.items() if value is not None})
    with opened(read_settings()) as surveillance:
        try:
            figure = replay_figure(surveillance, monitor, asked)
        except BadRequest as fault:
            lines = [f"{one.pointer}: {one.message}" for one in fault.details]
            raise typer.BadParameter("\n".join(lines) or fault.message) from None
    if json:
        say(msgspec.json.format(WRITERS["json"](figure), indent=2).decode())
        return
    definition = figure.head["definition"]
    place = definition["facility"] or "the network"
    given = definition["data"] == "given"
    show(
        f"{monitor}: {'given counts' if given else place}, up to {definition['end']}",
        COLUMNS,
        [_cells(row) for row in figure.rows],
        right=FIGURES,
    )
    for row in figure.rows:
        if row["error"]:
            say(f"{row['name']} cannot watch this: {row['error']}")
    say(definition["signal"])


def read_variant(text: str) -> dict[str, Any]:
    """A variant as typed, in the shape of the API.

    >>> read_variant("rise:method=e_detector,rate_ratios=2+5")
    {'name': 'rise', 'method': 'e_detector', 'settings': {'rate_ratios': ['2', '5']}}
    """
    from service.api.monitor_requests import SentSettings
    from service.api.replay_rules import RuleChange

    name, _, changes = text.partition(":")
    variant: dict[str, Any] = {"name": name.strip()}
    nested = {"settings": SentSettings.model_fields, "rule": RuleChange.model_fields}
    for change in filter(None, (part.strip() for part in changes.split(","))):
        key, equals, value = (part.strip() for part in change.partition("="))
        if not equals:
            raise typer.BadParameter(f"a change is written SETTING=VALUE, not {change!r}")
        under = next((group for group, fields in nested.items() if key in fields), None)
        place = variant if under is None else variant.setdefault(under, {})
        place[key] = _read_value(key, value)
    return variant


def _read_value(key: str, value: str) -> Any:
    if key in ("rate_ratios", "transplant_types"):
        return value.split("+")
    if key == "links":
        return [{"attribute": one} for one in value.split("/")]
    return None if value == "none" else value


def read_counts(file: Path) -> list[dict[str, Any]]:
    """The rows of a CSV, empty cells left out."""
    with file.open(newline="", encoding="utf-8-sig") as text:
        return [
            {name: cell for name, cell in row.items() if name and cell not in (None, "")}
            for row in csv.DictReader(text)
        ]


def _checked(body: Mapping[str, Any]) -> "ReplayRequest":
    """The request that the body makes; says of every fault where it is."""
    from pydantic import ValidationError

    from service.api.replay_requests import ReplayRequest

    try:
        return ReplayRequest.model_validate(body)
    except ValidationError as fault:
        faults = fault.errors(include_url=False, include_input=False)
        lines = [f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in faults[:20]]
        raise typer.BadParameter("\n".join(lines)) from None


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    then = row["at_signal"]
    fired = {True: "yes", False: "no", None: "cannot"}[row["fired"]]
    return [
        row["name"],
        row["method"],
        fired,
        *(_cell(row[name]) for name in ("signalled_on", "days_from_first_case", "days_from_start")),
        *(_cell(then[name]) for name in ("cases", "expected", "severity")),
        _cell(row["at_end"]["severity"]),
        *(_cell(row[name]) for name in ("highest", "threshold")),
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
