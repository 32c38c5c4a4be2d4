"""Reads: what dashboards ask for, as the ledger grows.

In:     a store and its server, and how many events.
Out:    milliseconds of each kind of question from the sums in memory, of a rate from the database,
        and of the same person-days computed from the raw events by DuckDB; what loading takes.
Source: docs/performance.md. Every question is another one: dimensions, window, any infection or
        NTM, place, by a fixed seed; nothing is answered twice.
"""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.copies import multiply
from bench.running import resident_mib
from bench.stores import fresh, graftwatch
from bench.warehouse import PersonDays, Warehouse
from bench.workload import FIRST, LAST, write_events
from service.domain.days import Days
from service.domain.figures import DENOMINATOR, RateDefinition
from service.monitors.definitions import MonitorDefinition
from service.pipeline.comparisons import chosen_baselines, compare
from service.pipeline.look import Look, look_at
from service.pipeline.monitor_paths import monitor_path
from service.pipeline.rates import rate_table, rate_tables
from service.pipeline.surveillance import Surveillance
from service.store import catalogue, ledger
from service.store.census import followed_facilities
from service.store.engine import Connection, Database

IMPORTED = 10**5
"""So many events are counted one by one; more are copies of them."""
FACILITIES = 500
BY_TWO = list(combinations((*DENOMINATOR, "agent"), 2))
ROUNDS = 200
LONG_ROUNDS = 20
"""Of what takes long: past positions, which are read from the database, and DuckDB."""
TODAY = LAST.toordinal()


@dataclass(frozen=True, slots=True)
class Looker:
    """Whoever asks: a look at the ledger, what there is to ask about, and dice."""

    look: Look
    head: int
    facilities: list[str]
    monitors: list[MonitorDefinition]
    draw: Random

    @property
    def connection(self) -> Connection:
        """The look's transaction."""
        return self.look.connection

    def rate(self) -> RateDefinition:
        """Two dimensions, a day-exact window, any infection or NTM."""
        end = self.draw.randint(FIRST.toordinal() + 400, TODAY)
        return RateDefinition(
            start_day=end - self.draw.randint(30, 390),
            end_day=end,
            filters=self.draw.choice([{}, {"infection_type": ("ntm",)}]),
            by=self.draw.choice(BY_TWO),
        )

    def place(self) -> str | None:
        """The network, or one of the facilities."""
        return self.draw.choice([None, self.draw.choice(self.facilities)])


def ask_rate(looker: Looker) -> None:
    """`/v1/rates` by two dimensions."""
    rate_table(looker.connection, looker.rate())


def ask_series(looker: Looker) -> None:
    """`/v1/rates/series`: twelve windows of thirty days, by one dimension."""
    asked = looker.rate()
    edges = [asked.end_day - 30 * back for back in range(12, -1, -1)]
    windows = [Days(before + 1, end) for before, end in pairwise(edges)]
    one = next(name for name in asked.by if name != "facility")  # of which there are too many
    by_one = RateDefinition(None, asked.end_day, asked.filters, (one,))
    rate_tables(looker.connection, by_one, windows)


def ask_comparison(looker: Looker) -> None:
    """`/v1/comparisons` of one shipped baseline, in one place."""
    place = looker.place()
    baseline = looker.draw.choice(chosen_baselines(looker.connection, [], None))
    compare(looker.look, [baseline], None if place is None else (place,), TODAY)


def ask_path(looker: Looker) -> None:
    """`/v1/monitors/{id}/path` of one monitor, in one place."""
    monitor = looker.draw.choice(looker.monitors)
    monitor_path(looker.look, monitor, looker.place(), TODAY)


def ask_past(looker: Looker) -> None:
    """`/v1/rates` as known at some past position, which is read from the database."""
    position = looker.draw.randint(1, looker.head - 1)
    rate_table(looker.connection, looker.rate(), position=position)


QUESTIONS: dict[str, tuple[Callable[[Looker], None], int]] = {
    "rates": (ask_rate, ROUNDS),
    "series": (ask_series, ROUNDS),
    "comparisons": (ask_comparison, LONG_ROUNDS),
    "monitor paths": (ask_path, LONG_ROUNDS),
    "as_of": (ask_past, LONG_ROUNDS),
}


def measure(store: str, server: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    """Measure ledgers of so many events."""
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        file = write_events(Path(folder) / "events.ndjson", IMPORTED, facilities=FACILITIES)
        for number in numbers:
            times = max(1, number // IMPORTED)
            with fresh(store, server) as url:
                graftwatch(url, "import", "--format", "ndjson", str(file))
                if times > 1:
                    multiply(url, times)
                figures[f"{number} events"] = asked(url, times)
    return figures


def asked(url: str, times: int) -> dict[str, Any]:
    """Milliseconds of each kind of question."""
    with closing(Database(url)) as database:
        surveillance = Surveillance(database)
        from_database = timed(surveillance, ask_rate, LONG_ROUNDS)
        database.sums.waits = True
        before, began = resident_mib(os.getpid()), perf_counter()
        database.load_sums()
        found: dict[str, Any] = {
            "load_seconds": perf_counter() - began,
            "mib_of_sums": resident_mib(os.getpid()) - before,
            "rates from the database": from_database,
        }
        for warm in (ask_rate, ask_comparison, ask_path):  # made when first asked for
            timed(surveillance, warm, ROUNDS)
        for name, (ask, rounds) in QUESTIONS.items():
            found[name] = timed(surveillance, ask, rounds)
        found |= beside_duckdb(database, Warehouse(url, times))
    return found


def timed(
    surveillance: Surveillance, ask: Callable[[Looker], None], rounds: int
) -> dict[str, float]:
    """Median and 95th percentile of a question, asked so many times."""
    draw = Random(ask.__name__)  # noqa: S311 - no secret
    database = surveillance.database
    taken = []
    with database.read() as connection:
        head = ledger.head_position(connection)
        facilities = followed_facilities(connection)
        monitors = [m for m in catalogue.current_monitors(connection) if m.baseline_id]
    for _ in range(rounds):
        began = perf_counter()
        with look_at(surveillance) as look:
            ask(Looker(look, head, facilities, monitors, draw))
        taken.append(1000 * (perf_counter() - began))
    return {"p50_ms": median(taken), "p95_ms": quantiles(taken, n=20)[-1]}


def beside_duckdb(database: Database, warehouse: Warehouse) -> dict[str, Any]:
    """The same person-days by transplant type and regimen, from memory and from raw events."""
    draw = Random("duckdb")  # noqa: S311 - no secret
    ours, theirs = [], []
    for _ in range(LONG_ROUNDS):
        end = draw.randint(FIRST.toordinal() + 400, TODAY)
        window = Days(end - draw.randint(30, 390), end)
        began = perf_counter()
        known = person_days(database, window)
        ours.append(1000 * (perf_counter() - began))
        began = perf_counter()
        computed = warehouse.person_days(*window)
        theirs.append(1000 * (perf_counter() - began))
        if known != computed:
            raise AssertionError(f"DuckDB and Graftwatch differ over {window}.")
    return {
        "person-days": {"p50_ms": median(ours)},
        "person-days by DuckDB": {"p50_ms": median(theirs)},
    }


def person_days(database: Database, window: Days) -> PersonDays:
    """All days of follow-up, as a rate of all episodes takes them for its denominator."""
    definition = RateDefinition(
        window.start_day,
        window.end_day,
        by=("transplant_type", "regimen"),
        episodes="all",
        person_time="follow_up",
    )
    with database.read() as connection:
        rows = rate_table(connection, definition).rows
    return {
        (row.stratum["transplant_type"], row.stratum["regimen"]): row.estimate.person_days
        for row in rows
        if row.estimate.person_days
    }


def ratios(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How much slower the largest ledger is than the smallest, and others than memory."""
    name, *_ = figures
    smallest, largest = figures[name], list(figures.values())[-1]

    def p50(question: str) -> float:
        return float(largest[question]["p50_ms"])

    told = [
        (
            f"p50 of {question}, largest over {name}",
            "-" if question == "as_of" else "< 1.5",
            f"{p50(question) / smallest[question]['p50_ms']:.2f}",
        )
        for question in QUESTIONS
    ]
    told += [(f"p50 of {one}, ms", "< 20", f"{p50(one):.1f}") for one in QUESTIONS]
    duckdb = p50("person-days by DuckDB") / p50("person-days")
    database = p50("rates from the database") / p50("rates")
    return [
        *told,
        ("the same person-days by DuckDB over ours, p50", "> 100", f"{duckdb:.0f}"),
        ("rates, p50 of the database over memory", "-", f"{database:.0f}"),
        ("load of the largest, s", "-", f"{largest['load_seconds']:.0f}"),
        ("MiB of sums of the largest", "-", f"{largest['mib_of_sums']:.0f}"),
    ]
