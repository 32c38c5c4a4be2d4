"""A real browser before the running service: Debian's Chromium, driven by Playwright.

In:     `chromium` on the search path; the demonstration's data, and an empty service.
Out:    `visit`, which opens a page, lets nothing from elsewhere in, and insists that it is without
        a console error and without a violation that axe finds; pictures under `test-artefacts/`.
Source: https://playwright.dev/python; https://github.com/dequelabs/axe-core.

`.ci/run` installs Chromium where it can, and then a missing one is a fault.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from service.commands.demo import demo_settings, prepare
from service.examples.cgd import CASE_DEFINITIONS_FILE
from tests.journeys.conftest import Service, running
from tests.journeys.watched import watching

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"
MUST_BE_THERE = os.environ.get("GRAFTWATCH_BROWSER") == "required"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window; no longer than its module, for it holds the event loop."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if MUST_BE_THERE:
            pytest.fail("Chromium was to be installed and is not there.")
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open a page; each test looks through a window of its own, without anybody's cookies."""
    contexts = []

    def open_page(address: str, *, dark: bool = False, width: int = 1280, **more: Any) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, **more
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("console", lambda message: _complain(page, message))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on("request", lambda sent: _stay_here(page, sent.url, address))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _complain(page: Any, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        page.complaints.append(message.text)


def _stay_here(page: Any, sent: str, address: str) -> None:
    """Nothing may come from another host than the page's own."""
    own = "/".join(address.split("/")[:3])
    if not sent.startswith((own, "data:", "blob:")):
        page.complaints.append(f"asked {sent}")


def accept(page: Page, picture: str) -> None:
    """See that a page is in order for whoever comes to it, and keep its picture."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    fits(page, picture)


def fits(page: Page, picture: str) -> None:
    """See that a page complains of nothing and fits its window, and keep its picture."""
    assert page.complaints == []  # type: ignore[attr-defined]
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide, "the page is wider than its window"
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{picture}.png", full_page=True)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The demonstration, served without keys."""
    folder = tmp_path_factory.mktemp("demonstration")
    settings = demo_settings(folder / "demo.db", 8080)
    prepare(settings, folder / "demo.db")
    with running(
        settings.database_url,
        folder / "log",
        auth="off",
        case_definitions_file=CASE_DEFINITIONS_FILE,
        sse_poll_seconds=0.1,
    ) as service:
        yield service


@pytest.fixture
def empty(databases: Any, tmp_path: Path) -> Iterator[Service]:
    """A service that nothing was sent to yet, behind keys."""
    with databases(migrated=True) as url, watching(url, tmp_path / "log") as service:
        yield service
