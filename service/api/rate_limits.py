"""How many requests a key may send: a bucket of tokens for each, in this process's memory.

In:     the id of a key that was found valid, and the instant.
Out:    how the key stands, in headers of the answer; `TooManyRequests` where its bucket is empty.
Source: docs/access.md, "Rate limits"; draft-ietf-httpapi-ratelimit-headers-10 for the headers.

The bucket holds what a minute allows and fills evenly: a burst of a whole minute passes, and after
it requests pass at the even rate. Every process has buckets of its own.
"""

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooManyRequests

WINDOW_SECONDS = 60
POLICY = "key"
NOTED_AS = "graftwatch.rate_limit"
"""Where a request's scope carries the standing of its key to the headers of the answer."""


class Standing(NamedTuple):
    """How a key stands after a request."""

    limit: int
    remaining: int
    seconds_to_full: int
    retry_after_seconds: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The standing as the draft's structured fields."""
        found = {
            "ratelimit-policy": f'"{POLICY}";q={self.limit};w={WINDOW_SECONDS}',
            "ratelimit": f'"{POLICY}";r={self.remaining};t={self.seconds_to_full}',
        }
        if self.retry_after_seconds:
            found["retry-after"] = str(self.retry_after_seconds)
        return found


class Bucket(NamedTuple):
    """Tokens as they were at an instant of the clock, in seconds."""

    tokens: float
    at: float


def taken(bucket: Bucket, now: float, limit: int) -> tuple[Bucket, Standing]:
    """A bucket after one more request, and how it stands; an empty one stays as it is.

    >>> full = Bucket(60.0, at=0.0)
    >>> taken(full, 0.0, limit=60)[1]
    Standing(limit=60, remaining=59, seconds_to_full=1, retry_after_seconds=0)
    >>> taken(Bucket(0.0, at=0.0), 0.5, limit=60)[1]
    Standing(limit=60, remaining=0, seconds_to_full=60, retry_after_seconds=1)
    """
    per_second = limit / WINDOW_SECONDS
    tokens = min(float(limit), bucket.tokens + max(0.0, now - bucket.at) * per_second)
    passes = tokens >= 1
    left = tokens - 1 if passes else tokens
    return Bucket(left, now), Standing(
        limit,
        int(left),
        ceil((limit - left) / per_second),
        0 if passes else max(1, ceil((1 - tokens) / per_second)),
    )


class RateLimits:
    """The buckets of all keys; belongs to one event loop, and is off where the limit is 0."""

    def __init__(self, requests_per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        """Every bucket begins full."""
        self.requests_per_minute = requests_per_minute
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, key_id: str) -> Standing | None:
        """Count one request of a key; None where nothing is limited."""
        if not self.requests_per_minute:
            return None
        now = self._clock()
        bucket = self._buckets.get(key_id, Bucket(float(self.requests_per_minute), now))
        self._buckets[key_id], standing = taken(bucket, now, self.requests_per_minute)
        return standing

    def charge(self, scope: Scope, key_id: str) -> None:
        """Count a request and note how its key stands; raises `TooManyRequests`."""
        standing = self.take(key_id)
        if standing is None:
            return
        scope[NOTED_AS] = standing
        if standing.retry_after_seconds:
            raise TooManyRequests(
                f"This key may send {standing.limit} requests a minute. Wait for "
                f"{standing.retry_after_seconds} s; several events may go into one request."
            )


class TellRateLimits:
    """Adds to each answer how its key stands."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with its headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            standing: Standing | None = scope.get(NOTED_AS)
            if standing is not None and message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).update(standing.headers)
            await send(message)

        await self.app(scope, receive, add)
