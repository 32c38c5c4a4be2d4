"""Rebuild: how long counting everything again takes, beside the import of the same events.

In:     a store and its server, and how many events.
Out:    seconds and peak memory of an import, of a rebuild that finds nothing, of one that finds
        every patient counted under other rules, each less what the command takes on no events.
Source: docs/performance.md, "Storage".
"""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter
from typing import Any

from bench.running import resident_mib
from bench.stores import GRAFTWATCH, environment, fresh
from bench.workload import write_events

OTHER_RULES = {"GRAFTWATCH_FOLLOWUP_GRACE_DAYS": "30"}


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure ledgers of so many events, counted one by one."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for number in numbers:
            file = write_events(Path(folder) / f"{number}.ndjson", number)
            with fresh(store, server) as url:
                idle = {
                    "import": run(url, "import", "--format", "ndjson", os.devnull),
                    "rebuild": run(url, "rebuild"),
                }
                steps = {
                    "import": run(url, "import", "--format", "ndjson", str(file)),
                    "rebuild": run(url, "rebuild"),
                    "rebuild_under_other_rules": run(url, "rebuild", "--apply", **OTHER_RULES),
                }
            figures[f"{number} events"] = {"idle": idle, **steps}
    return figures


def run(url: str, *arguments: str, **settings: str) -> dict[str, float]:
    """How long a command takes and how much memory it holds at most."""
    began, most = perf_counter(), 0.0
    process = subprocess.Popen(
        [GRAFTWATCH, *arguments],
        env={**environment(url), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        try:
            most = max(most, resident_mib(process.pid, "VmHWM"))
        except (OSError, StopIteration):
            break
        Event().wait(0.05)
    process.wait()
    return {"seconds": perf_counter() - began, "mib": most}


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How long a rebuild takes, in imports; its memory above that of a rebuild of nothing."""
    told = []
    for events, found in figures.items():
        idle = found["idle"]
        imported = found["import"]["seconds"] - idle["import"]["seconds"]
        for name in ("rebuild", "rebuild_under_other_rules"):
            taken = found[name]["seconds"] - idle["rebuild"]["seconds"]
            called = name.replace("_", " ")
            told.append((f"{called} over import, {events}", "≤ 1", f"{taken / imported:.2f}"))
            above = found[name]["mib"] - idle["rebuild"]["mib"]
            told.append((f"{called}, MiB above idle, {events}", "-", f"{above:.0f}"))
    return told
