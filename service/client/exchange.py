"""What every exchange with the service comes to, whichever way it is made.

In:     lines to send; answers, or that there was none.
Out:    requests of bounded size; receipts and answers read; how long to wait before another try.
Source: docs/client.md; docs/api.md.
"""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import msgspec

from service.client.answers import Fault, Problem, Receipt, Result
from service.client.faults import Refused, Unreachable
from service.client.retrying import TRY_AGAIN, Patience, pause_before, wanted_pause

MOST_EVENTS = 1_000
MOST_BYTES = 4_000_000
"""Of one request; both well below what a service takes as it is shipped."""

EVENTS = "/v1/events"
JSON = {"content-type": "application/json"}
TOO_LARGE = 413
TOO_LONG = Fault("", "too_large", "The event is larger than the service takes.")
REFUSED_FOR_ITS_SIZE = Receipt(
    received=1, rejected=1, results=(Result(0, None, "rejected", (TOO_LONG,)),)
)
"""No other event has to wait behind one that will never be taken."""

Answer = TypeVar("Answer")


class Tries:
    """The tries of one request, and how long to go on."""

    def __init__(self, patience: Patience) -> None:
        """Begin now."""
        self._patience = patience
        self._deadline = time.monotonic() + patience.seconds
        self._failed = 0

    def judge(self, outcome: httpx.Response | httpx.TransportError) -> httpx.Response | float:
        """The answer, where asking again would not change it, or the seconds before another try.

        Raises `Unreachable` where patience ends.
        """
        wanted: float | None = None
        if isinstance(outcome, httpx.Response):
            if outcome.status_code not in TRY_AGAIN:
                return outcome
            reason = f"status {outcome.status_code}"
            wanted = wanted_pause(outcome.headers, datetime.now(UTC))
        else:
            reason = type(outcome).__name__
        self._failed += 1
        pause = pause_before(self._failed, self._patience, random.random(), wanted)  # noqa: S311
        if time.monotonic() + pause > self._deadline:
            words = f"The service could not be reached ({reason})."
            raise Unreachable(words, wanted_pause=wanted)
        return pause


def body_of(lines: Sequence[bytes]) -> bytes:
    """One request's events."""
    return b"[" + b",".join(lines) + b"]"


def halves(
    answer: httpx.Response, lines: Sequence[bytes]
) -> tuple[Sequence[bytes], Sequence[bytes]] | None:
    """The events in two requests, where one was too large and they are several."""
    if answer.status_code != TOO_LARGE or len(lines) < 2:
        return None
    half = len(lines) // 2
    return lines[:half], lines[half:]


def receipt_of(answer: httpx.Response, lines: Sequence[bytes]) -> Receipt:
    """What became of the events; raises `Refused` where the request itself was not taken."""
    if answer.status_code == TOO_LARGE and len(lines) == 1:
        return REFUSED_FOR_ITS_SIZE
    if answer.status_code in (200, 201, 207, 422):
        try:
            receipt = msgspec.json.decode(answer.content, type=Receipt)
        except msgspec.DecodeError:
            raise refusal(answer) from None
        if len(receipt.results) == len(lines):
            return receipt
    raise refusal(answer)


def batches(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The lines in order, as many at a time as go into one request."""
    first = size = 0
    for place, line in enumerate(lines):
        if place > first and (place - first == MOST_EVENTS or size + len(line) > MOST_BYTES):
            yield lines[first:place]
            first, size = place, 0
        size += len(line)
    if first < len(lines):
        yield lines[first:]


def read(answer: httpx.Response, kind: type[Answer]) -> Answer:
    """The answer as its type; raises `Refused` where it is none."""
    if answer.status_code != httpx.codes.OK:
        raise refusal(answer)
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError:
        words = "This is no answer of a service that the client knows: is the address right?"
        raise Refused(words, status=answer.status_code) from None


def refusal(answer: httpx.Response) -> Refused:
    """The problem as the service words it, which holds no value that was sent."""
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    words = problem.detail or problem.title or f"The service answered {answer.status_code}."
    return Refused(words, status=answer.status_code, code=problem.code)
