"""Events one a line, without end: taken in batch by batch, so that memory stays flat.

In:     the body's pieces as they arrive.
Out:    batches of lines, and a running account of what became of them, told at the end.
Source: docs/api.md, NDJSON. What a batch has stored stays stored, whatever comes after it.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec

from service.api.event_intake import EventResult, Taken
from service.api.request_bodies import Pieces
from service.errors import Unreadable
from service.ingest.ndjson import Line, LineSplitter

MOST_LISTED = 1000
BATCH_BYTES = 4 * 1024 * 1024


async def batches(pieces: Pieces, splitter: LineSplitter, size: int) -> AsyncIterator[list[Line]]:
    """Up to `size` lines at a time; what came whole before a broken end comes before the fault."""
    batch: list[Line] = []
    held_bytes = 0
    try:
        async for piece in pieces:
            for line in splitter.feed(piece):
                batch.append(line)
                held_bytes += len(line.content or b"")
                if len(batch) == size or held_bytes >= BATCH_BYTES:
                    yield batch
                    batch, held_bytes = [], 0
    except Unreadable:
        if batch:
            yield batch
        raise
    batch += splitter.finish()
    if batch:
        yield batch


@dataclass(slots=True)
class StreamAccount:
    """What became of the lines so far; keeps the first thousand that were not accepted.

    Rejected lines come before known ones, because only they ask for something to be done.
    """

    counts: Counter[str] = field(default_factory=Counter)
    position: int = 0
    rejected: list[EventResult] = field(default_factory=list)
    duplicates: list[EventResult] = field(default_factory=list)

    def add(self, taken: Taken) -> None:
        """Add a batch; its results are numbered by line."""
        kept = {"rejected": self.rejected, "duplicate": self.duplicates}
        for index, result in enumerate(taken.results, start=self.counts.total()):
            listed = kept.get(result.status)
            if listed is not None and len(listed) < MOST_LISTED:
                listed.append(msgspec.structs.replace(result, index=index, line=result.index))
        self.counts += taken.counts
        self.position = taken.position

    @property
    def listed(self) -> list[EventResult]:
        """The results to tell, in order."""
        room = MOST_LISTED - len(self.rejected)
        return sorted([*self.rejected, *self.duplicates[:room]], key=lambda result: result.index)
