"""Keys that are fetched: from safe places, seldom, and as often as needed."""

import json
from collections.abc import Callable

import httpx
import pytest
from joserfc.jwk import ECKey

from service.api.published_keys import AGAIN_AFTER_SECONDS, KEPT_SECONDS, PublishedKeys, is_safe
from service.ingest.assertions import BadAssertion

URL = "https://lab.example/keys"
FIRST, SECOND = (ECKey.generate_key("P-384", {"kid": kid}) for kid in ("one", "two"))


class Host:
    """Publishes keys until it is silent, and a clock beside it."""

    def __init__(self) -> None:
        self.keys = [FIRST]
        self.silent = False
        self.asked = 0
        self.now = 0.0

    def fetch(self, url: str) -> bytes:
        assert url == URL
        self.asked += 1
        if self.silent:
            raise httpx.ConnectError("nobody there")
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()

    @property
    def clock(self) -> Callable[[], float]:
        return lambda: self.now


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def published(host: Host) -> PublishedKeys:
    return PublishedKeys(host.fetch, host.clock)


def test_keys_are_kept_for_minutes_and_then_fetched_anew(host, published):
    assert published.key(URL, "one") is not None
    host.now = KEPT_SECONDS - 1
    assert published.key(URL, "one") is not None
    assert host.asked == 1
    host.keys, host.now = [SECOND], float(KEPT_SECONDS)
    assert published.key(URL, "one") is None, "a key that was taken away holds no longer"
    assert host.asked == 2


def test_a_new_key_is_found_after_a_minute_and_invented_ones_cost_nothing(host, published):
    published.key(URL, "one")
    host.keys = [FIRST, SECOND]
    assert [published.key(URL, "two"), published.key(URL, "invented")] == [None, None]
    assert host.asked == 1
    host.now = float(AGAIN_AFTER_SECONDS)
    assert published.key(URL, "two") is not None
    assert host.asked == 2


def test_a_silent_host_is_not_asked_again_at_once(host, published):
    host.silent = True
    for _ in range(2):
        with pytest.raises(BadAssertion):
            published.key(URL, "one")
    assert host.asked == 1
    host.silent, host.now = False, float(AGAIN_AFTER_SECONDS)
    assert published.key(URL, "one") is not None


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        (URL, True),
        ("http://127.0.0.1:8080/keys", True),
        ("http://lab.example/keys", False),
        ("https://me:secret@lab.example/keys", False),
        ("https://", False),
        ("https://[", False),
        ("https://lab.example:x/keys", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url, safe):
    assert is_safe(url) is safe
