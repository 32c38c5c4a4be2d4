"""Streams of events: batches of bounded size, and an account that stays small."""

import asyncio
from collections.abc import AsyncIterator

from service.api.event_intake import EventFault, EventResult, Taken
from service.api.event_stream import MOST_LISTED, StreamAccount, batches
from service.errors import Unreadable
from service.ingest.ndjson import LineSplitter


async def pieces(*sent: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for piece in sent:
        yield piece
    if broken:
        raise Unreadable("cut", code="truncated_gzip")


def gather(*sent: bytes, size: int = 2, broken: bool = False) -> list[list[int]]:
    """The line numbers of each batch; 0 stands for a fault."""
    found: list[list[int]] = []

    async def run() -> None:
        taken = batches(pieces(*sent, broken=broken), LineSplitter(), size)
        try:
            while True:
                found.append([line.number for line in await anext(taken)])
        except StopAsyncIteration:
            return
        except Unreadable:
            found.append([0])

    asyncio.run(run())
    return found


def test_lines_come_in_batches_however_the_bytes_are_cut():
    assert gather(b"a\nb", b"b\n\nc\nd\ne") == [[1, 2], [4, 5], [6]]
    assert gather() == []


def test_what_came_whole_before_the_end_broke_is_still_given():
    assert gather(b"a\nb\nc\nd", broken=True) == [[1, 2], [3], [0]]


def test_long_lines_make_short_batches():
    line = b"x" * 900_000 + b"\n"
    assert [len(batch) for batch in gather(line * 10, size=1000)] == [5, 5]


def result(line: int, status: str) -> EventResult:
    errors = (EventFault("", "x", "y"),) if status == "rejected" else ()
    return EventResult(index=line, event_id=None, status=status, errors=errors)


def test_what_was_not_accepted_is_listed_by_line():
    account = StreamAccount()
    account.add(Taken((result(1, "accepted"), result(3, "rejected")), position=7))
    account.add(Taken((result(4, "duplicate"),), position=9))
    assert account.counts == {"accepted": 1, "rejected": 1, "duplicate": 1}
    assert account.position == 9
    assert [(one.index, one.line, one.status) for one in account.listed] == [
        (1, 3, "rejected"),
        (2, 4, "duplicate"),
    ]


def test_the_rejected_come_before_the_known_where_not_all_can_be_listed():
    account = StreamAccount()
    account.add(Taken(tuple(result(n, "duplicate") for n in range(1, 1501)), 0))
    account.add(Taken(tuple(result(n, "rejected") for n in range(1501, 1801)), 0))
    assert len(account.listed) == MOST_LISTED
    assert sum(one.status == "rejected" for one in account.listed) == 300
    assert account.counts.total() == 1800
