"""The readers of a file of events, by its format.

In:     the file's bytes, piece by piece.
Out:    drafts and rejections whose `index` is the line they stand on.
Source: `service.ingest`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from service.commands.sources import Format
from service.ingest.csv_rows import read_csv
from service.ingest.faults import Draft, Rejection
from service.ingest.ndjson import read_ndjson
from service.pipeline.surveillance import Surveillance
from service.settings import Settings

Read: TypeAlias = Callable[[Iterable[bytes]], Iterator[Draft | Rejection]]

READERS = {Format.NDJSON: read_ndjson, Format.CSV: read_csv}


def reader(file_format: Format, settings: Settings, surveillance: Surveillance) -> Read:
    """The reader of a format, under the settings' limits and the surveillance's clock."""
    return partial(
        READERS[file_format],
        today_latest=surveillance.latest_date_on_earth(),
        max_line_bytes=settings.max_line_bytes,
    )
