"""Reads the outside numbers under `data/`.

In:     a topic, or a table's file name.
Out:    its cases as `pytest.param`s named by id, or the table's rows.
Source: data/README.md.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"


def cases(topic: str, keep: Callable[[dict[str, Any]], bool] = lambda case: True) -> list[Any]:
    content = json.loads((DATA / f"{topic}.shared.json").read_text("utf-8"))
    kept = [case for case in content["cases"] if keep(case)]
    assert kept, f"no case of {topic} left to compare with"
    return [pytest.param(case, id=case["id"]) for case in kept]


def of_group(group: str) -> Callable[[dict[str, Any]], bool]:
    return lambda case: case["group"] == group


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
