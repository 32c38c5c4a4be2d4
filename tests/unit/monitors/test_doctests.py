"""Every worked example in the monitors is run."""

import doctest
import importlib
import pkgutil

import pytest

import service.monitors

MODULES = [
    f"service.monitors.{module.name}" for module in pkgutil.iter_modules(service.monitors.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
