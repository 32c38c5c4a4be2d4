"""Random cases put to R itself, where R is installed: one process, a fixed seed.

In:     `live.R`, which asks poisson.test, binom.test, survival's survfit.
Out:    equal limits, p-values and curves.
Source: R's own stats package and survival; without R, or a package, a test is skipped by name.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.stats.cumulative_incidence import cumulative_incidence
from service.stats.p_values import poisson_p_value
from service.stats.proportions import proportion_interval
from service.stats.rate_ratios import Counts, rate_ratio
from service.stats.rates import poisson_interval

SCRIPT = Path(__file__).with_name("live.R")
MANY = 100
LEVELS = (0.8, 0.9, 0.95, 0.99)

Question = dict[str, Any]


def questions() -> dict[str, list[Question]]:
    """The same every time; counts from 0 to thousands."""
    random = np.random.default_rng(20020107)

    def count() -> int:
        return int(np.expm1(random.uniform(0.0, 8.0)))

    def level() -> float:
        return float(random.choice(LEVELS))

    def curve() -> Question:
        size = int(random.integers(5, 60))
        entry = np.where(random.random(size) < 0.5, -1, random.integers(0, 40, size))
        length = random.integers(1, 60, size)
        causes = random.integers(0, 3, size)
        exits = entry + length
        return {"entry": entry.tolist(), "exit": exits.tolist(), "cause": causes.tolist()}

    def ratio() -> Question:
        times = random.uniform(0.5, 50.0, 2)
        return {
            "cases": count() + 1,
            "time": float(times[0]),
            "reference_cases": count() + 1,
            "reference_time": float(times[1]),
            "level": level(),
        }

    def proportion() -> Question:
        whole = count() + 1
        return {"k": int(random.integers(0, whole + 1)), "n": whole, "level": level()}

    return {
        "poisson": [
            {"cases": count(), "person_time": float(random.uniform(0.1, 9.0)), "level": level()}
            for _ in range(MANY)
        ],
        "binomial": [proportion() for _ in range(MANY)],
        "ratio": [ratio() for _ in range(MANY)],
        "curve": [curve() for _ in range(30)],
    }


@pytest.fixture(scope="module")
def asked() -> dict[str, list[Question]]:
    return questions()


@pytest.fixture(scope="module")
def answered(asked: dict[str, list[Question]]) -> dict[str, Any]:
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("Rscript is not installed (r-base-core)")
    looked = subprocess.run(
        [program, "-e", "quit(status = !requireNamespace('jsonlite', quietly = TRUE))"],
        check=False,
    )
    if looked.returncode:
        pytest.skip("the R package jsonlite is not installed (r-cran-jsonlite)")
    ran = subprocess.run(
        [program, "--vanilla", str(SCRIPT)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers: dict[str, Any] = json.loads(ran.stdout)
    return answers


def test_poisson_test(asked: dict[str, list[Question]], answered: dict[str, Any]) -> None:
    for question, answer in zip(asked["poisson"], answered["poisson"], strict=True):
        found = poisson_interval(question["cases"], "exact", question["level"])
        limits = found.scaled(1.0 / question["person_time"])
        assert [limits.lower, limits.upper] == pytest.approx(answer["limits"], rel=1e-9)
        p_value = poisson_p_value(question["cases"], question["cases"] + 1.5, "minlike")
        assert p_value == pytest.approx(answer["p"], rel=1e-8)


def test_binom_test(asked: dict[str, list[Question]], answered: dict[str, Any]) -> None:
    for question, answer in zip(asked["binomial"], answered["binomial"], strict=True):
        found = proportion_interval(question["k"], question["n"], "exact", question["level"])
        assert [found.lower, found.upper] == pytest.approx(answer, rel=1e-9)


def test_poisson_test_of_two_rates(
    asked: dict[str, list[Question]], answered: dict[str, Any]
) -> None:
    for question, answer in zip(asked["ratio"], answered["ratio"], strict=True):
        counts = Counts(
            question["cases"],
            question["time"],
            question["reference_cases"],
            question["reference_time"],
        )
        found = rate_ratio(counts, p_value="minlike", level=question["level"])
        assert found.ratio == pytest.approx(answer["ratio"])
        assert [found.interval.lower, found.interval.upper] == pytest.approx(answer["limits"])
        assert found.p_value == pytest.approx(answer["p"], rel=1e-6, abs=1e-300)


def test_survfit_with_late_entry(
    asked: dict[str, list[Question]], answered: dict[str, Any]
) -> None:
    if "curve" not in answered:
        pytest.skip("the R package survival is not installed (r-cran-survival)")
    for question, answer in zip(asked["curve"], answered["curve"], strict=True):
        curve = cumulative_incidence(question["entry"], question["exit"], question["cause"])
        assert curve.times.tolist() == np.atleast_1d(answer["days"]).tolist()
        expected = np.atleast_1d(answer["estimate"]).tolist()
        assert curve.estimate.tolist() == pytest.approx(expected, rel=1e-9)
