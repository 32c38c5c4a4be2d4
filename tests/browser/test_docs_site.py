"""The site of docs/ in a real browser: it asks no other host, and its search needs none."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ARTEFACTS, Visit
from tests.unit.test_docs_site import build

PATIENCE_MS = 30_000
PAGES = ("index", "how-to-read-an-alert", "tutorials/statistician", "statistics", "openapi")
WINDOWS: dict[str, dict[str, Any]] = {
    "desk": {},
    "phone-by-night": {"width": 390, "dark": True},
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site's address, served by nothing but a web server."""
    handler = partial(Quiet, directory=build(tmp_path_factory.mktemp("site")))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def in_order(page: Page) -> None:
    """No complaint of the console, nothing asked of another host, nothing wider than its window."""
    page.wait_for_load_state("networkidle")
    assert page.complaints == []  # type: ignore[attr-defined]
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.mark.parametrize("window", WINDOWS)
def test_pages_ask_no_other_host(site: str, visit: Visit, window: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    for name in PAGES:
        page = visit(f"{site}/{name}.html", **WINDOWS[window])
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        in_order(page)
        page.screenshot(path=ARTEFACTS / f"docs-{name.replace('/', '-')}-{window}.png")


def test_the_reference_shows_a_route_with_its_fields(site: str, visit: Visit) -> None:
    page = visit(f"{site}/openapi.html")
    page.locator(".opblock-tag", has_text="events").first.click()
    page.locator(".opblock-summary", has_text="/v1/events").first.click()
    expect(page.locator(".opblock-body").first).to_contain_text("application/x-ndjson")
    in_order(page)


def test_a_word_is_found_without_anybody_else(site: str, visit: Visit) -> None:
    page = visit(f"{site}/index.html")
    page.wait_for_load_state("networkidle")
    box = page.get_by_placeholder("Search")
    box.click()
    box.press_sequentially("Garwood")
    found = page.locator(".md-search-result__item").first
    expect(found).to_contain_text("Garwood", timeout=PATIENCE_MS)
    in_order(page)
