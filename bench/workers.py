"""Several processes: requests per second at one and two workers, writing, and writing while reading.

In:     a store and its server; on SQLite there is one process and nothing to measure.
Out:    for one and for two workers: requests per second and waits of `POST /v1/events` alone, and of
        events and rates side by side.
Source: docs/performance.md, "Several processes"; docs/decisions/0011-several-processes.md.

Client, service and database share the machine's cores: with two of them, a second worker takes what
the other three already use. `busy` says how much of all cores was in use meanwhile.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.events import CONNECTIONS, SECONDS, WARM_UP_SECONDS
from bench.running import serving
from bench.stores import fresh, graftwatch
from bench.workload import FIRST, LAST, key_for, write_events

WORKERS = (1, 2)
STORED, ENOUGH_EVENTS = 20_000, 60_000
"""What is there before, so that a rate is asked of something, and what there is to send."""
READERS = 8
"""Connections that ask for rates, beside those that send."""
DIMENSIONS = ("transplant_type", "sex", "age_group", "phase", "indication", "regimen")


def measure(store: str, server: str) -> dict[str, Any]:
    """Measure each number of workers on databases of their own."""
    if store == "sqlite":
        return {}
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        lines = write_events(Path(folder) / "all.ndjson", STORED + ENOUGH_EVENTS).read_bytes()
        stored, sent = split(lines.splitlines(keepends=True))
        (Path(folder) / "stored.ndjson").write_bytes(stored)
        for name, what in (("writes", {"writes": sent}), ("mixed", {"writes": sent, "reads": b""})):
            for workers in WORKERS:
                with fresh(store, server) as url:
                    graftwatch(url, "import", "--format", "ndjson", f"{folder}/stored.ndjson")
                    with serving("graftwatch", url, "--workers", str(workers)) as served:
                        key = key_for(url, "events:write", "rates:read")
                        figures[f"{name}, {workers} workers"] = side_by_side(
                            served.port, key, what
                        )
    return figures
