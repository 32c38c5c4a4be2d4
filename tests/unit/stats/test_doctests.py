"""Every worked example in the statistics is run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import service.stats

MODULES = [
    f"service.stats.{module.name}" for module in pkgutil.iter_modules(service.stats.__path__)
]
PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_on_the_statistics_page() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.attempted > 0
    assert found.failed == 0
