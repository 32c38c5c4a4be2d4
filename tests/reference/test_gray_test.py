"""Gray's test against R's cmprsk, on times with many ties."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.stats.gray_test import gray_test

CASES = json.loads((Path(__file__).parent / "data" / "gray_test.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['time'])} rows")
def test_statistic_and_p(case: dict[str, Any]) -> None:
    found = gray_test([-1] * len(case["time"]), case["time"], case["cause"], case["group"])
    assert found.statistic == pytest.approx(case["statistic"], rel=1e-11)
    assert found.p_value == pytest.approx(case["p_value"], rel=1e-11)
    assert found.degrees_of_freedom == case["df"]
