"""The first page in a browser, as the ledger grows: until something of it is seen.

In:     a store and its server, and how many events.
Out:    milliseconds from the click to the first contentful paint of the overview, in Chromium.
Source: docs/performance.md; W3C, "Paint Timing".
"""

import shutil
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from bench.copies import multiply
from bench.reads import IMPORTED
from bench.running import serving
from bench.stores import fresh, graftwatch
from bench.workload import key_for, write_events

ROUNDS = 15
LOADED_SECONDS = 0.1
"""A rate of the whole network takes longer while the sums are being read into memory."""
PATIENCE_SECONDS = 300
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure the overview with so many events behind it."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        file = write_events(Path(folder) / "events.ndjson", IMPORTED)
        for number in numbers:
            with fresh(store, server) as url:
                graftwatch(url, "import", "--format", "ndjson", str(file))
                if number > IMPORTED:
                    multiply(url, number // IMPORTED)
                key = key_for(url, "rates:read", "patients:read")
                with serving("graftwatch", url) as served:
                    figures[f"{number} events"] = painted(f"http://127.0.0.1:{served.port}", key)
    return figures


def painted(address: str, key: str) -> dict[str, float]:
    """Milliseconds of the first visit of all, and of later visits, each by a new browser window."""
    wait_for_sums(address, key)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        browser.new_page().goto("about:blank")  # starting the browser is none of ours
        first = paint(browser, address, key)
        later = [paint(browser, address, key) for _ in range(ROUNDS)]
        browser.close()
    return {"first_ms": first, "p50_ms": median(later), "slowest_ms": max(later)}


def paint(browser: Browser, address: str, key: str) -> float:
    """Milliseconds until something is seen; nothing is kept from the visit before."""
    window = browser.new_context()
    signed_in = window.request.post(
        f"{address}/sign-in", form={"key": key}, headers={"origin": address}, max_redirects=0
    )
    if signed_in.status != httpx.codes.SEE_OTHER:
        raise RuntimeError("the key does not open the dashboard")
    page = window.new_page()
    page.goto(address)
    page.get_by_role("heading", name="Infections after transplantation").wait_for()
    taken = float(page.evaluate(FIRST_PAINT))
    window.close()
    return taken


def wait_for_sums(address: str, key: str) -> None:
    """Return once rates are answered from memory."""
    headers = {"authorization": f"Bearer {key}"}
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        httpx.get(f"{address}/v1/rates", headers=headers, timeout=60).raise_for_status()
        if time.perf_counter() - began < LOADED_SECONDS:
            return
        time.sleep(1)
    raise RuntimeError("the sums were not in memory in time")


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The largest ledger, against what was promised and against the smallest."""
    name, *_ = figures
    smallest, largest = figures[name], list(figures.values())[-1]
    return [
        ("first paint of the overview, ms", "< 1000", f"{largest['p50_ms']:.0f}"),
        ("the first visit after a start, ms", "-", f"{largest['first_ms']:.0f}"),
        (f"largest over {name}", "< 1.5", f"{largest['p50_ms'] / smallest['p50_ms']:.2f}"),
    ]
