"""The keys of a client that publishes them, fetched from where it was registered with.

In:     the address that whoever registered the client gave; never one that a request names.
Out:    its keys by `kid`, or `BadAssertion` where they cannot be had.
Source: docs/access.md; RFC 8725, 3.10: an address from a token is not to be followed.

Each process keeps what it fetched for five minutes. A key that is not among them is looked for
again after a minute, so that a client may change keys at any time, and nobody who invents keys can
make the service fetch without end.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import structlog

from service.errors import GraftwatchError
from service.ingest.assertions import BadAssertion
from service.ingest.key_sets import MOST_BYTES, BadKeySet, PublicKey, read_key_set
from service.settings import is_loopback

KEPT_SECONDS = 300
AGAIN_AFTER_SECONDS = 60
PATIENCE_SECONDS = 5

log = structlog.stdlib.get_logger(__name__)


class Fetched(NamedTuple):
    """What one look at an address brought; None where it brought nothing."""

    keys: Mapping[str, PublicKey] | None
    at: float


def is_safe(url: str) -> bool:
    """May keys come from this address? Only over TLS, or from this machine.

    >>> is_safe("https://lab.example/jwks.json"), is_safe("http://lab.example/jwks.json")
    (True, False)
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


class PublishedKeys:
    """Fetches keys and keeps them for a while; safe to share between threads."""

    def __init__(
        self,
        fetch: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Nothing is fetched yet."""
        self._fetch = fetch or fetch_whole
        self._clock = clock
        self._lock = Lock()
        self._locks: dict[str, Lock] = {}
        self._found: dict[str, Fetched] = {}

    def key(self, url: str, kid: str) -> PublicKey | None:
        """The key of that id at a registered address; None where it has none such."""
        with self._lock:
            own = self._locks.setdefault(url, Lock())
        with own:
            found = self._found.get(url)
            if found is None or self._is_due(found, kid):
                found = self._found[url] = Fetched(self._look(url), self._clock())
        if found.keys is None:
            raise BadAssertion("The client's keys cannot be had from where it publishes them.")
        return found.keys.get(kid)

    def _is_due(self, found: Fetched, kid: str) -> bool:
        knows = found.keys is not None and kid in found.keys
        return self._clock() - found.at >= (KEPT_SECONDS if knows else AGAIN_AFTER_SECONDS)

    def _look(self, url: str) -> Mapping[str, PublicKey] | None:
        try:
            return read_key_set(self._fetch(url))
        except (httpx.HTTPError, httpx.InvalidURL, GraftwatchError) as fault:
            reason = fault.message if isinstance(fault, BadKeySet) else type(fault).__name__
            log.warning("keys_not_fetched", host=urlsplit(url).hostname, fault=reason)
            return None


def fetch_whole(url: str) -> bytes:
    """What an address answers, if it is short and is answered there; no redirect is followed."""
    with httpx.stream("GET", url, timeout=PATIENCE_SECONDS, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPStatusError("not OK", request=answer.request, response=answer)
        come = bytearray()
        for piece in answer.iter_bytes():
            come += piece
            if len(come) > MOST_BYTES:
                raise BadKeySet(f"The key set is larger than {MOST_BYTES} bytes.")
    return bytes(come)
