"""Every worked example of the dashboard is run."""

import doctest
import importlib
import pkgutil

import pytest

import service.dashboard

MODULES = [
    f"service.dashboard.{module.name}"
    for module in pkgutil.iter_modules(service.dashboard.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
