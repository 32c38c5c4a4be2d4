"""The worked examples in the docstrings of what tells people."""

import doctest

import pytest

from service.channels import email, guard, signing
from service.domain import delivery_outcomes, delivery_times, recipients

MODULES = (email, guard, signing, delivery_outcomes, delivery_times, recipients)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_hold(module):
    ran = doctest.testmod(module)
    assert ran.attempted
    assert not ran.failed
