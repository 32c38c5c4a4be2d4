"""Load over HTTP, from a process of its own: requests on kept connections, one after the other.

In:     on standard input a line of settings, then events one a line, or paths to ask for.
Out:    on standard output how many were answered with what, and how long each took.
Source: closed loop: a connection sends its next request once it has its answer.

Written on bare asyncio protocols, because it shares the machine with what it measures.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import cast
from zlib import crc32

import uvloop

END_OF_HEADERS = b"\r\n\r\n"


class Caller(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, notes it, sends again."""

    def __init__(self, requests: Iterator[bytes], until: float, ended: "asyncio.Future[None]"):
        """Begin before the first request."""
        self.requests = requests
        self.until = until
        self.ended = ended
        self.answers: list[tuple[float, float, int]] = []
        self.come = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast("asyncio.WriteTransport", transport)
        self.send()

    def send(self) -> None:
        """Send the next request, or end."""
        request = next(self.requests, None)
        self.began = perf_counter()
        if request is None or self.began > self.until:
            self.transport.close()
            return
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note an answer once it is whole."""
        self.come += data
        end = self.come.find(END_OF_HEADERS)
        if end < 0:
            return
        head = self.come[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self.come) < end + len(END_OF_HEADERS) + length:
            return
        now = perf_counter()
        self.answers.append((now, now - self.began, int(self.come[9:12])))
        self.come = b""
        self.send()

    def connection_lost(self, _fault: Exception | None) -> None:
        """Nothing more will come."""
        if not self.ended.done():
            self.ended.set_result(None)


async def call(
    port: int, requests_of: Sequence[Sequence[bytes]], seconds: float
) -> list[tuple[float, float, int]]:
    """All answers: when each came, how long it took, its status."""
    loop = asyncio.get_running_loop()
    until = perf_counter() + seconds
    callers = [Caller(iter(requests), until, loop.create_future()) for requests in requests_of]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(caller.ended for caller in callers))
    return sorted(answer for caller in callers for answer in caller.answers)


def shared_out(lines: Sequence[bytes], connections: int, key: str) -> list[list[bytes]]:
    """The requests of each connection; a patient's events stay in order on one of them."""
    requests: list[list[bytes]] = [[] for _ in range(connections)]
    head = b"host: localhost\r\nauthorization: Bearer %s\r\n" % key.encode()
    for number, line in enumerate(lines):
        if line.startswith(b"/"):
            requests[number % connections].append(b"GET %s HTTP/1.1\r\n%s\r\n" % (line, head))
            continue
        event = json.loads(line)
        place = crc32(f"{event['facility']}/{event['patient']}".encode()) % connections
        requests[place].append(
            b"POST /v1/events HTTP/1.1\r\n%scontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%s" % (head, len(line), line)
        )
    return requests


def main() -> None:
    """Call as told, and tell what came of it after the first `warm_up` seconds."""
    told = json.loads(sys.stdin.buffer.readline())
    lines = sys.stdin.buffer.read().splitlines()
    requests = shared_out(lines, told["connections"], told["key"])
    began = perf_counter()
    answers = uvloop.run(call(told["port"], requests, told["warm_up"] + told["seconds"]))
    measured = [answer for answer in answers if answer[0] >= began + told["warm_up"]]
    took = sorted(seconds for _, seconds, _ in measured)
    json.dump(
        {
            "requests": len(measured),
            "requests_per_second": len(measured) / (measured[-1][0] - began - told["warm_up"]),
            "p50_ms": 1000 * took[len(took) // 2],
            "p99_ms": 1000 * took[int(len(took) * 0.99)],
            "statuses": Counter(str(status) for _, _, status in answers),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
