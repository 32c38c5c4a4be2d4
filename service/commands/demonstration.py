"""The demonstration's data: loaded once, gone on with where it was interrupted.

In:     the database of the demonstration.
Out:    every demonstration event in it; a refusal where it holds anything else.
Source: `service.examples.demo`; docs/example-data.md.

The events differ from day to day. Those of a database are of the day of its first transaction.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from service.commands.console import bar
from service.commands.feeding import Account, feed, take_with_all_rights
from service.commands.reading import reader
from service.commands.sources import Format
from service.errors import GraftwatchError
from service.examples.cgd import cgd_events
from service.examples.demo import demo_events
from service.store.events import EventKey, count_events, find_events

if TYPE_CHECKING:
    from service.pipeline.surveillance import Surveillance
    from service.settings import Settings


class NotTheDemonstration(GraftwatchError):
    """The database holds something else."""

    code = "not_the_demonstration"


def load(surveillance: "Surveillance", settings: "Settings") -> Account:
    """Load what is not there yet, the way a hospital would send it: as JSON lines."""
    day, held = first_day(surveillance)
    events = [msgspec.json.encode(event) + b"\n" for event in demo_events(day)]
    account = Account()
    if held >= len(events):
        return account
    read = reader(Format.NDJSON, settings, surveillance)
    with bar("Loading the demonstration", len(events)) as progress:

        def lines() -> Iterator[bytes]:
            for line in events:
                progress.advance(1)
                yield line

        feed(
            take_with_all_rights(surveillance),
            read(lines()),
            account,
            batch_size=settings.ingest_batch_size,
        )
    if not account.is_clean:
        raise NotTheDemonstration(
            "Part of the demonstration was rejected, because the file holds one of another day or "
            "release: `graftwatch demo --reset` begins anew."
        )
    return account


def first_day(surveillance: "Surveillance") -> tuple[date, int]:
    """The day of the database's demonstration, today where there is none yet; events held.

    Raises `NotTheDemonstration` where the database holds something else.
    """
    first = next(cgd_events())
    key = EventKey(first["facility"], first["event_id"])
    with surveillance.database.read() as connection:
        held = count_events(connection)
        found = find_events(connection, [key])
    if not held:
        return surveillance.today(), 0
    if key not in found:
        raise NotTheDemonstration(
            "The file holds other data than the demonstration: name another with --database."
        )
    return found[key].recorded_at.astimezone(surveillance.zone).date(), held
