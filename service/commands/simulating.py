"""`graftwatch simulate`: events of an invented network whose true rates are known.

In:     a seed and a size.
Out:    events, one JSON object a line, as `graftwatch import` reads them; the truth beside them.
Source: `service.examples.network`; docs/example-data.md.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from service.commands.console import tell

STANDARD = "-"
FIVE_YEARS = timedelta(days=5 * 365)
EVENTS_PER_WRITE = 1000


def _calendar_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a date is written YYYY-MM-DD") from None


def simulate(
    patients: Annotated[int, typer.Option(min=0, help="Number of patients.")] = 600,
    facilities: Annotated[int, typer.Option(min=1, help="Number of facilities.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same events.")] = 1,
    start: Annotated[
        date | None,
        typer.Option(
            parser=_calendar_date,
            metavar="YYYY-MM-DD",
            help="First day; else five years before.",
        ),
    ] = None,
    end: Annotated[
        date | None,
        typer.Option(parser=_calendar_date, metavar="YYYY-MM-DD", help="Last day; today (UTC)."),
    ] = None,
    out: Annotated[str, typer.Option(help="File to write, `-` for standard output.")] = STANDARD,
    truth: Annotated[
        Path | None, typer.Option(help="File for the true rates and planted clusters, as JSON.")
    ] = None,
) -> None:
    """Write the events of an invented transplant network, one JSON object a line.

    The same options give the same events; without `--end` they change from day to day.
    """
    from service.examples import network

    last = end or datetime.now(UTC).date()
    first = start or last - FIVE_YEARS
    if last < first:
        raise typer.BadParameter("the first day lies after the last", param_hint="'--start'")
    simulation = network.simulate(
        seed, patients=patients, facilities=facilities, start=first, end=last
    )
    with _opened(out) as stream:
        written = write_events(stream, simulation.events())
    if truth is not None:
        truth.write_bytes(msgspec.json.format(msgspec.json.encode(simulation.truth)) + b"\n")
    tell(f"{written:,} events of {patients:,} patients, {first} to {last}. All of them invented.")


def write_events(stream: BinaryIO, events: Iterator[dict[str, object]]) -> int:
    """Write events one a line, returning how many there were."""
    written = 0
    while chunk := list(islice(events, EVENTS_PER_WRITE)):
        stream.write(msgspec.json.Encoder().encode_lines(chunk))
        written += len(chunk)
    return written


@contextmanager
def _opened(out: str) -> Iterator[BinaryIO]:
    if out == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with Path(out).open("wb") as file:
        yield file
