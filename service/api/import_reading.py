"""A file as it arrives: read row by row, and put down.

In:     a request's body, and how it is to be read.
Out:    its rows, in the store; problems where nothing of it can be used.
Source: docs/imports.md.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.api.access import Principal
from service.api.import_mappings import mapping_for
from service.api.request_bodies import CSV, NDJSON, plain_pieces
from service.api.state import Running
from service.errors import BadQuery, Detail, Unreadable
from service.ingest.pseudonyms import Pseudonyms
from service.ingest.registers.mapping import read_mapping
from service.ingest.registers.own_columns import NdjsonReader, OwnColumnsReader
from service.ingest.registers.rows import Reader, Row
from service.pipeline.import_rows import Arriving


class RowReader(Protocol):
    """Takes the pieces of one file, gives its rows."""

    def feed(self, piece: bytes) -> Iterator[Row]:
        """The rows that end in this piece."""

    def finish(self) -> Iterator[Row]:
        """The rows that were not ended."""


OWN_READERS: dict[str, Callable[[date, int], RowReader]] = {
    CSV: OwnColumnsReader,
    NDJSON: NdjsonReader,
}


def reader_of(service: Running, principal: Principal, kind: str, mapping: str | None) -> RowReader:
    """What reads such a file; raises where the mapping is unknown or does not go with it."""
    today_latest = service.surveillance.latest_date_on_earth()
    if mapping is None:
        return OWN_READERS[kind](today_latest, service.settings.max_line_bytes)
    if kind != CSV:
        advice = "A mapping names columns: send text/csv, or leave it out."
        raise BadQuery(advice, details=(Detail("?mapping", "not_allowed", advice),))
    kept = mapping_for(service.surveillance, principal, mapping)
    secret = service.settings.pseudonym_key
    return Reader(read_mapping(kept.body), Pseudonyms(secret) if secret else None, today_latest)


async def read_file(
    request: Request, reader: RowReader, arriving: Arriving, max_bytes: int
) -> None:
    """Put down the rows of a whole file; raises `Unreadable` where its first line does not fit."""
    come = 0
    async for piece in plain_pieces(request):
        come += len(piece)
        if come > max_bytes:
            raise Unreadable(
                f"The file is larger than {max_bytes} bytes. Send it in parts, each with the "
                "first line.",
                code="too_large",
            )
        await run_in_threadpool(arriving.put, reader.feed(piece))
    await run_in_threadpool(arriving.put, reader.finish())
