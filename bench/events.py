"""Single events: requests per second and waits, beside a plain endpoint and one that only parses.

In:     a store and its server.
Out:    for Graftwatch and its rivals: requests per second, p50 and p99, with many connections
        and with one alone.
Source: docs/performance.md.

The client is a process of its own on the same machine, so everybody's figures are lower than with
a client elsewhere; it is the same client for all, and only the ratios are told.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.running import serving
from bench.stores import fresh
from bench.workload import key_for, write_events

CONNECTIONS = 64
SERVED = ("storing", "parsing", "graftwatch")
WARM_UP_SECONDS, SECONDS, SECONDS_ALONE = 2, 8, 4
ENOUGH_EVENTS = 150_000
"""More than anybody can take in while it is measured."""


def measure(store: str, server: str) -> dict[str, Any]:
    """Measure everybody on databases of their own."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        lines = write_events(Path(folder) / "events.ndjson", ENOUGH_EVENTS).read_bytes()
        for connections, seconds in ((CONNECTIONS, SECONDS), (1, SECONDS_ALONE)):
            for name in SERVED:
                with fresh(store, server) as url, serving(name, url) as served:
                    figures[f"{name}, {connections} connections"] = called(
                        served.port, lines, key_for(url), connections, seconds
                    )
    return figures


def called(port: int, lines: bytes, key: str, connections: int, seconds: float) -> dict[str, Any]:
    """What the client found."""
    settings = {
        "port": port,
        "key": key,
        "connections": connections,
        "warm_up": WARM_UP_SECONDS,
        "seconds": seconds,
    }
    client = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(settings).encode() + b"\n" + lines,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(client.stdout)
    return found


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was measured, its target, and what came of it."""
    many = {name: figures[f"{name}, {CONNECTIONS} connections"] for name in SERVED}
    alone = {name: figures[f"{name}, 1 connections"] for name in SERVED}
    rate = {name: found["requests_per_second"] for name, found in many.items()}
    own = many["graftwatch"]
    return [
        ("events/s over a plain endpoint's", "≥ 6", f"{rate['graftwatch'] / rate['storing']:.2f}"),
        ("of a parse-only endpoint's", "≥ 30%", f"{rate['graftwatch'] / rate['parsing']:.0%}"),
        ("p99 over p50", "< 5", f"{own['p99_ms'] / own['p50_ms']:.2f}"),
        (
            "one connection alone: p50 over a plain endpoint's",
            "–",
            f"{alone['graftwatch']['p50_ms'] / alone['storing']['p50_ms']:.2f}",
        ),
    ]
