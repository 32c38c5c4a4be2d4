"""Clark's index at its edges."""

import pytest

from service.stats.completeness import completeness


def test_edges() -> None:
    assert completeness(0, 0) is None
    assert completeness(0, 10) == 0
    assert completeness(10, 10) == 1
    for observed, potential in [(11, 10), (-1, 10)]:
        with pytest.raises(ValueError, match="between"):
            completeness(observed, potential)
