"""The first page in a browser, as the ledger grows: until something of it is seen.

In:     a store and its server, and how many events.
Out:    milliseconds from the click to the first contentful paint of the overview, in Chromium: as
        the service starts, once it has read ahead, and for whoever looks first after an event.
Source: docs/performance.md; W3C, "Paint Timing".
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from bench.copies import multiply
from bench.reads import FACILITIES, IMPORTED
from bench.running import serving
from bench.stores import fresh, graftwatch
from bench.workload import key_for, write_events

ROUNDS = 15
AFTER_EVENTS = 10
PATIENCE_SECONDS = 300
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure the overview with so many events behind it."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        file = write_events(Path(folder) / "events.ndjson", IMPORTED, facilities=FACILITIES)
        for number in numbers:
            with fresh(store, server) as url:
                graftwatch(url, "import", "--format", "ndjson", str(file))
                if number > IMPORTED:
                    multiply(url, number // IMPORTED)
                key = key_for(url, "rates:read", "patients:read", "events:write")
                with serving("graftwatch", url) as served:
                    figures[f"{number} events"] = painted(f"http://127.0.0.1:{served.port}", key)
    return figures


def painted(address: str, key: str) -> dict[str, float]:
    """Milliseconds of each way to come to the page, each time by a new browser window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        browser.new_page().goto("about:blank")  # starting the browser is none of ours
        starting = paint(browser, address, key)
        wait_for_published_figures(browser, address, key)
        later = [paint(browser, address, key) for _ in range(ROUNDS)]
        after_events = []
        for number in range(AFTER_EVENTS):
            send_one_more(address, key, number)
            after_events.append(paint(browser, address, key))
        browser.close()
    return {
        "starting_ms": starting,
        "p50_ms": median(later),
        "slowest_ms": max(later),
        "after_event_p50_ms": median(after_events),
        "after_event_slowest_ms": max(after_events),
    }


def paint(browser: Browser, address: str, key: str) -> float:
    """Milliseconds until something is seen; nothing is kept from the visit before."""
    with signed_in(browser, address, key) as page:
        page.goto(address)
        page.get_by_role("heading", name="Infections after transplantation").wait_for()
        return float(page.wait_for_function(FIRST_PAINT).json_value())


@contextmanager
def signed_in(browser: Browser, address: str, key: str) -> Iterator[Page]:
    """A page of somebody who has never been here before."""
    window = browser.new_context()
    answer = window.request.post(
        f"{address}/sign-in", form={"key": key}, headers={"origin": address}, max_redirects=0
    )
    if answer.status != httpx.codes.SEE_OTHER:
        raise RuntimeError("the key does not open the dashboard")
    yield window.new_page()
    window.close()


def wait_for_published_figures(browser: Browser, address: str, key: str) -> None:
    """Return once the page shows the figures that are read longest."""
    until = time.monotonic() + PATIENCE_SECONDS
    with signed_in(browser, address, key) as page:
        while time.monotonic() < until:
            page.goto(address, timeout=PATIENCE_SECONDS * 1000)
            if page.locator("#published-caption").count():
                return
            time.sleep(1)
    raise RuntimeError("published figures were never compared")


def send_one_more(address: str, key: str, number: int) -> None:
    """A new recipient with a case, so that every figure is another one."""
    who = {"facility": "paint-01", "patient": f"paint-{number}"}
    transplant = {"type": "transplant", "transplant_type": "kidney", "occurred_on": "2024-01-01"}
    infection = {"type": "infection", "organism": "MAC", "occurred_on": "2024-06-01"}
    sent = [
        {**event, **who, "event_id": f"{number}-{event['type']}"}
        for event in (transplant, infection)
    ]
    headers = {"authorization": f"Bearer {key}"}
    httpx.post(f"{address}/v1/events", headers=headers, json=sent, timeout=60).raise_for_status()


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The largest ledger, against what was promised and against the smallest."""
    name, *_ = figures
    smallest, largest = figures[name], list(figures.values())[-1]
    return [
        ("first paint of the overview, ms", "< 1000", f"{largest['p50_ms']:.0f}"),
        ("… first visit after an event, ms", "< 1000", f"{largest['after_event_p50_ms']:.0f}"),
        ("… as the service starts, ms", "-", f"{largest['starting_ms']:.0f}"),
        (f"largest over {name}", "< 1.5", f"{largest['p50_ms'] / smallest['p50_ms']:.2f}"),
    ]
