"""Several processes: requests per second at one worker and at two, writing, reading, and both.

In:     a store and its server; on SQLite there is one process and nothing to measure.
Out:    for each number of workers: requests per second and waits of `POST /v1/events`, of
        `GET /v1/rates`, and of both side by side; how busy the machine was.
Source: docs/performance.md, "Several processes"; docs/decisions/0011-several-processes.md.

Client, service and database share the machine's cores: of two cores, a second worker can only take
what the client and the database leave. `busy` is the share of all cores that was in use.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from bench.events import CONNECTIONS, SECONDS, called
from bench.running import serving
from bench.stores import fresh, graftwatch
from bench.workload import FIRST, LAST, key_for, write_events

WORKERS = (1, 2)
STORED, TO_SEND, TO_ASK = 20_000, 60_000, 20_000
"""Events that are there before, so that a rate is asked of something; events and questions sent."""
READERS = 8
"""Of the connections, those that ask for rates while the others send."""
DIMENSIONS = ("transplant_type", "sex", "age_group", "phase", "indication", "regimen")
LOADS = {
    "writes": {"writes": CONNECTIONS},
    "reads": {"reads": CONNECTIONS},
    "mixed": {"writes": CONNECTIONS - READERS, "reads": READERS},
}


def measure(store: str, server: str) -> dict[str, Any]:
    """Measure every load at each number of workers, on databases of their own."""
    if store == "sqlite":
        return {}
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        everything = write_events(Path(folder) / "all.ndjson", STORED + TO_SEND)
        lines = everything.read_bytes().splitlines(keepends=True)
        before = Path(folder) / "before.ndjson"
        before.write_bytes(b"".join(lines[:STORED]))
        sent = {"writes": b"".join(lines[STORED:]), "reads": b"\n".join(questions())}
        for name, load in LOADS.items():
            for workers in WORKERS:
                with fresh(store, server) as url:
                    graftwatch(url, "import", "--format", "ndjson", str(before))
                    figures[f"{name}, {workers} workers"] = measured(url, workers, load, sent)
    return figures


def measured(
    url: str, workers: int, load: dict[str, int], sent: dict[str, bytes]
) -> dict[str, Any]:
    """What the clients of a load found, a process for each kind, and how busy the machine was."""
    key = key_for(url, "events:write", "rates:read")
    with (
        serving("graftwatch", url, workers=workers) as served,
        ThreadPoolExecutor(len(load)) as clients,
    ):
        before = cpu_times()
        calls = {
            kind: clients.submit(called, served.port, sent[kind], key, connections, SECONDS)
            for kind, connections in load.items()
        }
        found = {kind: call.result() for kind, call in calls.items()}
        idle, total = (now - then for now, then in zip(cpu_times(), before, strict=True))
    return {**found, "busy": 1 - idle / total}


def questions() -> Iterator[bytes]:
    """Rates by any two dimensions over a day-exact window, by a fixed seed."""
    draw = Random("workers")  # noqa: S311 - no secret
    pairs = list(combinations(DIMENSIONS, 2))
    for _ in range(TO_ASK):
        end = draw.randint(FIRST.toordinal() + 400, LAST.toordinal())
        start = end - draw.randint(30, 390)
        window = {name: FIRST.fromordinal(day) for name, day in (("start", start), ("end", end))}
        query = urlencode({"by": ",".join(draw.choice(pairs)), **window})
        yield f"/v1/rates?{query}".encode()


def cpu_times() -> tuple[int, int]:
    """What all cores have spent idle, and altogether, since the machine started."""
    first, *_ = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    spent = [int(number) for number in first.split()[1:9]]
    return spent[3] + spent[4], sum(spent)


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What two workers come to over one; on SQLite there is one."""
    rows = []
    for name, load in LOADS.items():
        for kind in load:
            told = "–"
            if figures:
                one, two = (
                    figures[f"{name}, {workers} workers"][kind]["requests_per_second"]
                    for workers in WORKERS
                )
                told = f"{two / one:.2f}"
            goal = "> 1.6" if name == "writes" else "–"
            rows.append((f"{name}: {kind}/s of two workers over one's", goal, told))
    return rows
