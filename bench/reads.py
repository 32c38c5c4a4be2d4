"""Reads: rates by any two dimensions over a day-exact window, as the ledger grows.

In:     a store and its server, and how many events.
Out:    milliseconds of a rate read from the sums in memory and from the database, and what loading
        the sums takes.
Source: docs/performance.md. Every question is another one: two dimensions, a window, any infection
        or NTM, by a fixed seed; nothing is answered twice.
"""

import os
from contextlib import closing
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.copies import multiply
from bench.running import resident_mib
from bench.stores import fresh, graftwatch
from bench.workload import FIRST, LAST, write_events
from service.domain.figures import RateDefinition
from service.pipeline.rates import rate_table
from service.store.engine import Database

IMPORTED = 10**5
"""So many events are counted one by one; more are copies of them."""
DIMENSIONS = (
    "transplant_type",
    "indication",
    "age_group",
    "sex",
    "phase",
    "regimen",
    "agent",
    "facility",
)
ROUNDS, ROUNDS_OF_DATABASE = 8, 1


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure ledgers of so many events."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        file = write_events(Path(folder) / "events.ndjson", IMPORTED)
        for number in numbers:
            with fresh(store, server) as url:
                graftwatch(url, "import", "--format", "ndjson", str(file))
                if number > IMPORTED:
                    multiply(url, number // IMPORTED)
                figures[f"{number} events"] = asked(url)
    return figures


def asked(url: str) -> dict[str, Any]:
    """Milliseconds of a rate, from the database and from memory."""
    with closing(Database(url)) as database:
        from_database = timed(database, ROUNDS_OF_DATABASE)
        database.sums.waits = True
        before, began = resident_mib(os.getpid()), perf_counter()
        database.load_sums()
        loaded = {
            "load_seconds": perf_counter() - began,
            "mib_of_sums": resident_mib(os.getpid()) - before,
        }
        timed(database, 1)  # the views by facility are made when first asked for
        return {"memory": timed(database, ROUNDS), "database": from_database, **loaded}


def timed(database: Database, rounds: int) -> dict[str, float]:
    """Median and 95th percentile of every pair of dimensions, so many times."""
    draw = Random(f"{rounds}")  # noqa: S311 - no secret
    taken = []
    for by in list(combinations(DIMENSIONS, 2)) * rounds:
        end = draw.randint(FIRST.toordinal() + 400, LAST.toordinal())
        asked_for = RateDefinition(
            start_day=end - draw.randint(30, 390),
            end_day=end,
            filters=draw.choice([{}, {"infection_type": ("ntm",)}]),
            by=by,
        )
        began = perf_counter()
        with database.read() as connection:
            rate_table(connection, asked_for)
        taken.append(1000 * (perf_counter() - began))
    return {"p50_ms": median(taken), "p95_ms": quantiles(taken, n=20)[-1]}


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How much slower the largest ledger is than the smallest, and memory than the database."""
    smallest, *_, largest = figures.values()
    growth = largest["memory"]["p50_ms"] / smallest["memory"]["p50_ms"]
    faster = largest["database"]["p50_ms"] / largest["memory"]["p50_ms"]
    return [
        ("p50, largest over smallest", "< 1.5", f"{growth:.2f}"),
        ("p50 of the largest, ms", "< 20", f"{largest['memory']['p50_ms']:.1f}"),
        ("p50 of the database over memory", "-", f"{faster:.0f}"),
        ("load of the largest, s", "-", f"{largest['load_seconds']:.0f}"),
        ("MiB of sums of the largest", "-", f"{largest['mib_of_sums']:.0f}"),
    ]
