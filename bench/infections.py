"""One infection after another with a large ledger behind them: how long each waits for its answer.

In:     a store and its server, and how many events.
Out:    milliseconds from an infection's sending to its answer, on one connection, after it was
        held against all monitors: NTM that open an alert at each facility, others, and bacteria.
Source: docs/performance.md. "Acknowledged means committed, alerts included": docs/api.md.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bench.copies import multiply
from bench.events import called
from bench.reads import FACILITIES, IMPORTED
from bench.running import serving
from bench.stores import fresh, graftwatch
from bench.workload import LAST, key_for, write_events
from service.store.census import followed_facilities
from service.store.engine import Database

SECONDS = 8
PATIENCE_SECONDS = 300
LOADED_SECONDS = 0.1
"""A rate of the whole network takes longer while the sums are being read into memory."""
ENOUGH = 5_000
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "ntm with an alert": (
        "stem_cell_injection",
        {"organism": "Mycobacterium abscessus", "site": "skin"},
    ),
    "ntm": ("lung", {"organism": "MAC", "site": "lung"}),
    "bacterial": ("allo_hsct", {"organism": "Escherichia coli", "site": "blood"}),
}
"""After which transplant, and what was found."""


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure ledgers of so many events."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        file = write_events(Path(folder) / "events.ndjson", IMPORTED, facilities=FACILITIES)
        for number in numbers:
            with fresh(store, server) as url:
                graftwatch(url, "import", "--format", "ndjson", str(file))
                if number > IMPORTED:
                    multiply(url, number // IMPORTED)
                with closing(Database(url)) as database, database.read() as connection:
                    facilities = followed_facilities(connection)
                key = key_for(url, "events:write", "rates:read", "patients:read")
                with serving("graftwatch", url) as served:
                    figures[f"{number} events"] = answered(served.port, key, facilities)
    return figures


def answered(port: int, key: str, facilities: list[str]) -> dict[str, Any]:
    """The waits for each kind of infection."""
    wait_for_sums(port, key)
    found = {}
    for kind in KINDS:
        transplants, infections = courses(kind, facilities)
        send(port, key, transplants)
        found[kind] = called(port, b"\n".join(infections), key, 1, SECONDS)
    return found


def courses(kind: str, facilities: list[str]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """New recipients, facility after facility, and an infection of each."""
    transplant_type, finding = KINDS[kind]
    transplants, infections = [], []
    name = kind.replace(" ", "-")
    for number in range(ENOUGH):
        who = {"facility": facilities[number % len(facilities)], "patient": f"{name}-{number}"}
        index_date = LAST - timedelta(days=400 - number % 300)
        onset = index_date + timedelta(days=90)
        transplant = {"type": "transplant", "transplant_type": transplant_type}
        infection = {"type": "infection", **finding}
        for event, day in ((transplant, index_date), (infection, onset)):
            event |= {**who, "event_id": f"{name}-{number}-{event['type']}"}
            event["occurred_on"] = day.isoformat()
        transplants.append(transplant)
        infections.append(json.dumps(infection).encode())
    return transplants, infections


def send(port: int, key: str, events: list[dict[str, Any]]) -> None:
    """Send them all, and see that they were taken."""
    for part in parts(events):
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/events", headers=holder(key), json=part, timeout=300
        )
        if answer.status_code != httpx.codes.CREATED:
            raise RuntimeError(f"the recipients were not taken: {answer.status_code}")


def parts(events: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """A thousand at a time."""
    for first in range(0, len(events), 1000):
        yield events[first : first + 1000]


def wait_for_sums(port: int, key: str) -> None:
    """Return once rates are answered from memory."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        address = f"http://127.0.0.1:{port}/v1/rates"
        httpx.get(address, headers=holder(key), timeout=60).raise_for_status()
        if time.perf_counter() - began < LOADED_SECONDS:
            return
        time.sleep(1)
    raise RuntimeError("the sums were not in memory in time")


def holder(key: str) -> dict[str, str]:
    """The header that names the holder of a key."""
    return {"authorization": f"Bearer {key}"}


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The waits of the largest ledger, and against the smallest."""
    name, *_ = figures
    smallest, largest = figures[name], list(figures.values())[-1]
    return [
        row
        for kind in KINDS
        for row in (
            (f"{kind}: p50, ms", "< 15", f"{largest[kind]['p50_ms']:.1f}"),
            ("… p99, ms", "-", f"{largest[kind]['p99_ms']:.1f}"),
            (
                f"… p50, largest over {name}",
                "-",
                f"{largest[kind]['p50_ms'] / smallest[kind]['p50_ms']:.2f}",
            ),
        )
    ]
