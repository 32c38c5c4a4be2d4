"""The mean cumulative function of the cgd trial against R's survival."""

from typing import Any

import pytest

from service.stats.mean_cumulative import Estimator, RecurrentRows, mean_cumulative_function
from tests.reference.outside import cases, table


def trial(subset: str) -> RecurrentRows:
    rows = [row for row in table("survival_cgd.csv") if subset in ("all", row["treat"])]
    number = {name: place for place, name in enumerate(sorted({row["id"] for row in rows}))}
    ill = [row for row in rows if row["status"] == "1"]
    return RecurrentRows(
        [int(row["tstart"]) for row in rows],
        [int(row["tstop"]) for row in rows],
        [number[row["id"]] for row in rows],
        [False] * len(rows),
        [int(row["tstop"]) for row in ill],
        [number[row["id"]] for row in ill],
    )


@pytest.mark.parametrize("estimator", ["nelson_aalen", "ghosh_lin"])
@pytest.mark.parametrize("case", cases("recurrent_mcf"))
def test_means_and_robust_errors(case: dict[str, Any], estimator: Estimator) -> None:
    """Nobody died in the trial, so both estimators tell the same."""
    found = mean_cumulative_function(trial(case["input"]["subset"]), estimator=estimator)
    for line in case["expected"]["mean_cumulative_function"]:
        at = found.at(line["time"])
        assert (at.at_risk, at.events) == (line["n_risk"], line["cum_events"])
        assert at.estimate == pytest.approx(line["mcf_nelson_aalen"], rel=1e-12)
        assert at.std_error == pytest.approx(line["se_robust"], rel=1e-12)
