"""`make calibration`: how often the methods err and how soon they see, by simulation, fixed seed.

In:     nothing; some minutes on two cores.
Out:    docs/calibration/figures.json and its plots, and the tables of docs/calibration.md.
Source: docs/calibration.md says what each figure means.
"""

import json
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.calibration import coverage, discoveries, false_alarms, outbreak, rises
from tests.calibration.plots import PLOTS
from tests.calibration.tables import rewritten

SEED = 8_012_026
PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"
FOLDER = PAGE.with_suffix("")
FIGURES = FOLDER / "figures.json"
WORKERS = 2


def simulated() -> dict[str, Any]:
    """All figures; the slowest parts are begun first."""
    with ProcessPoolExecutor(WORKERS) as pool:
        by_volume = [
            pool.submit(rises.at_volume, SEED, rises.SERIES, mu) for mu in reversed(rises.VOLUMES)
        ]
        parts: dict[str, Future[dict[str, Any]]] = {
            "false_alarms": pool.submit(false_alarms.simulate, SEED),
            "coverage": pool.submit(coverage.simulate, SEED),
            "discoveries": pool.submit(discoveries.simulate, SEED),
            "outbreak": pool.submit(outbreak.simulate, SEED),
        }
        volumes = [found.result() for found in reversed(by_volume)]
        return {
            "seed": SEED,
            "sample": sample(),
            "rises": rises.gathered(rises.SERIES, volumes),
            **{name: found.result() for name, found in parts.items()},
        }


def sample() -> dict[str, Any]:
    """The same simulations of few series: a test makes them again, to know this code by them."""
    return {
        "false_alarms": false_alarms.simulate(SEED, 500),
        "coverage": coverage.simulate(SEED, 500),
        "rises": rises.simulate(SEED, 40, (0.05,)),
        "discoveries": discoveries.simulate(SEED, 200),
        "outbreak": outbreak.simulate(SEED, 50),
    }


def write(figures: dict[str, Any]) -> None:
    """The figures, the plots and the page's tables."""
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    for name, plot in PLOTS.items():
        (FOLDER / name).write_text(plot(figures), "utf-8")
    PAGE.write_text(rewritten(PAGE.read_text("utf-8"), figures), "utf-8")


if __name__ == "__main__":
    begun = time.perf_counter()
    write(simulated())
    print(f"{PAGE.name} and {FOLDER.name}/ in {time.perf_counter() - begun:.0f} seconds")  # noqa: T201
