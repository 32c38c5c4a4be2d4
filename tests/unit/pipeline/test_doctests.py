"""The worked examples in the docstrings of comparisons and of what is told of them."""

import doctest

import pytest

from service.api import alert_answers, comparison_answers


@pytest.mark.parametrize("module", [alert_answers, comparison_answers], ids=lambda m: m.__name__)
def test_the_examples_hold(module):
    ran = doctest.testmod(module)
    assert ran.attempted
    assert not ran.failed
