"""`python -m bench`: measure, print one table of ratios for each part, keep the figures.

In:     the parts to measure and on which stores; `--largest` for the longest stream.
Out:    a table for each part, and JSON under `bench/results/`.
Source: docs/performance.md.

A part is a module with `measure(store, server)` and `ratios(figures)`, named in `PARTS`.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from bench import events, infections, paint, reads, rebuilding, results, storage, stream, workers
from bench.stores import STORES, servers

Ratios = list[tuple[str, str, str]]


class Part(NamedTuple):
    """What to measure on a store, and what ratios to tell of it."""

    measure: Callable[[str, str], dict[str, Any]]
    ratios: Callable[[dict[str, Any]], Ratios]


def parts(largest: int) -> dict[str, Part]:
    """Every part by its name; `largest` is the number of events in the longest stream."""
    numbers = tuple(number for number in (10**5, 10**6, 10**7) if number <= largest)
    return {
        "events": Part(events.measure, events.ratios),
        "stream": Part(partial(stream.measure, numbers=numbers), stream.ratios),
        "reads": Part(partial(reads.measure, numbers=numbers), reads.ratios),
        "infections": Part(partial(infections.measure, numbers=numbers), infections.ratios),
        "paint": Part(partial(paint.measure, numbers=numbers), paint.ratios),
        "storage": Part(storage.measure, storage.ratios),
        "workers": Part(workers.measure, workers.ratios),
        "rebuild": Part(partial(rebuilding.measure, numbers=numbers), rebuilding.ratios),
    }


def main() -> None:
    """Measure what was asked for."""
    asking = argparse.ArgumentParser(prog="bench", description=__doc__)
    asking.add_argument("parts", nargs="*", help=f"of {', '.join(parts(0))}; all if none is named")
    asking.add_argument("--store", choices=STORES, action="append")
    asking.add_argument("--largest", type=int, default=10**6, help="events in the longest stream")
    asked = asking.parse_args()
    known = parts(asked.largest)
    with servers() as server_of:
        for name in asked.parts or known:
            stores = asked.store or STORES
            figures = {store: known[name].measure(store, server_of[store]) for store in stores}
            told = {store: known[name].ratios(found) for store, found in figures.items()}
            results.tell(name, told)
            results.keep(name, figures, told)


if __name__ == "__main__":
    main()
