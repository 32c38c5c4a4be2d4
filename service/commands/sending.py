"""Take batches of a file by sending them to a service elsewhere.

In:     its address, and the file that holds a key.
Out:    what became of each event, as if it had been recorded here; `Unsent` where it could not be.
Source: docs/client.md. Events are read and judged here first; the service judges them again.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service.api.event_intake import EventFault, EventResult, Taken
from service.client import Client, ClientError, Result
from service.errors import Unsent
from service.ingest.faults import Draft, Rejection
from service.pipeline.opening import open_surveillance
from service.pipeline.surveillance import Surveillance
from service.settings import Settings

if TYPE_CHECKING:
    from service.commands.feeding import Item, Take


@contextmanager
def sending_to(
    settings: Settings, url: str, key_file: Path | None
) -> "Iterator[tuple[Surveillance, Take]]":
    """The clock of a surveillance that opens no database, and what takes batches."""
    key = key_file.read_text(encoding="utf-8").strip() if key_file else None
    with closing(Client(url, key)) as client:
        yield open_surveillance(settings), Sending(client).take


class Sending:
    """Takes batches as recording does, elsewhere."""

    def __init__(self, client: Client) -> None:
        """Nothing is sent yet."""
        self._client = client

    def take(self, items: "Sequence[Item]") -> Taken:
        """Send what could be read of a batch."""
        drafts = [item for item in items if isinstance(item, Draft)]
        try:
            receipt = self._client.send_lines([draft.received.encode() for draft in drafts])
        except ClientError as fault:
            raise Unsent(str(fault)) from None
        answers = iter(receipt.results)
        results = (
            _refused(item) if isinstance(item, Rejection) else _answered(item, next(answers))
            for item in items
        )
        return Taken(tuple(results), receipt.position)


def _answered(draft: Draft, result: Result) -> EventResult:
    return EventResult(
        index=draft.index,
        event_id=result.event_id,
        status=result.status,
        errors=tuple(
            EventFault(_within(one.pointer), one.code, one.message) for one in result.errors
        ),
        warnings=tuple(
            EventFault(_within(one.pointer), one.code, one.message) for one in result.warnings
        ),
    )


def _within(pointer: str) -> str:
    """The pointer within the event: the request it came with was not the file."""
    _, _, rest = pointer.removeprefix("/").partition("/")
    return f"/{rest}" if rest else ""


def _refused(item: Rejection) -> EventResult:
    faults = tuple(EventFault(one.pointer, one.code, one.message) for one in item.faults)
    return EventResult(index=item.index, event_id=item.event_id, status="rejected", errors=faults)
