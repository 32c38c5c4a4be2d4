"""What was measured, kept with the machine and the commit, and told as a table of ratios.

In:     figures of each part on each store.
Out:    a JSON file under `bench/results/`, and a table.
Source: docs/performance.md.
"""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent / "results"


def keep(part: str, figures: dict[str, Any], ratios: dict[str, Any]) -> Path:
    """Write a part's figures and ratios, by store, with where and on what they were measured."""
    now = datetime.now(UTC)
    document = {
        "part": part,
        "measured_at": now.isoformat(timespec="seconds"),
        "commit": git("rev-parse", "HEAD"),
        "is_committed": not git("status", "--porcelain", "--untracked-files=no"),
        "machine": machine(),
        "ratios": ratios,
        "figures": figures,
    }
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{now:%Y%m%d-%H%M%S}-{part}.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def machine() -> dict[str, Any]:
    """What it was measured on, and how busy it was with other things before."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpus": os.cpu_count(),
        "architecture": platform.machine(),
        "memory_gib": round(pages * page_bytes / 2**30, 1),
        "python": platform.python_version(),
        "load_average_before": LOAD_BEFORE,
    }


LOAD_BEFORE = os.getloadavg()


def tell(part: str, ratios: dict[str, list[tuple[str, str, str]]]) -> None:
    """Print the table of ratios: a column for each store."""
    table = Table("measured", "target", *ratios, title=f"bench {part}")
    for rows in zip(*ratios.values(), strict=True):
        table.add_row(*rows[0][:2], *(row[2] for row in rows))
    Console().print(table)


def git(*arguments: str) -> str:
    """What git says."""
    ran = subprocess.run(
        ["/usr/bin/env", "git", *arguments], check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()
