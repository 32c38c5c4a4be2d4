"""What means nothing is answered with a problem document that says what to ask instead."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import Service

RATES = "/v1/rates"
STANDARDISED = "/v1/rates/standardised"
COMPARISONS = "/v1/comparisons"
RATIOS = "/v1/rate-ratios"
FUNNEL = "/v1/funnel"
MONITORS = "/v1/monitors"

WHOLE: dict[str, dict[str, str]] = {
    RATES: {},
    "/v1/rates/series": {},
    "/v1/rates/repeat-windows": {"infection_type": "bacterial"},
    STANDARDISED: {"standard": "who_2000_2025"},
    RATIOS: {"compare": "agent:sirolimus", "reference": "agent:tacrolimus"},
    FUNNEL: {},
}
"""Questions that mean something."""


@pytest.fixture(scope="module")
def asking(network: Service) -> Iterator[httpx.Client]:
    """One who may do everything, and changes nothing here: all of it is refused."""
    with network.client(network.key()) as client:
        yield client


@pytest.mark.parametrize("level", ["0", "1", "-0.5", "95", "nan", "inf", "high"])
@pytest.mark.parametrize("path", WHOLE)
def test_a_level_lies_between_0_and_1(asking, path, level):
    answer = asking.get(path, params={**WHOLE[path], "level": level})
    assert "number" in explained(answer, "?level") or "than" in explained(answer, "?level")


@pytest.mark.parametrize("level", ["1e-300", "0.9999999999999999"])
@pytest.mark.parametrize("path", WHOLE)
def test_any_level_between_them_has_an_answer(asking, path, level):
    answer = asking.get(path, params={**WHOLE[path], "level": level})
    assert answer.status_code == 200, answer.text
    json.loads(answer.text, parse_constant=pytest.fail)


@pytest.mark.parametrize("path", [*WHOLE, COMPARISONS, MONITORS])
def test_a_parameter_that_is_not_known_is_not_passed_over(asking, path):
    asked = {**WHOLE.get(path, {}), "confidence": "0.9"}
    assert "nown" in explained(asking.get(path, params=asked), "?confidence")


@pytest.mark.parametrize(
    ("path", "asked", "pointer", "says"),
    [
        (RATES, {"ci": "wald"}, "?ci", "exact"),
        (RATES, {"per": "nan"}, "?per", "number"),
        (RATES, {"unit": "beds"}, "?unit", "person_days"),
        (RATES, {"by": "ward"}, "?by", "facility"),
        (RATIOS, {"method": "wald"}, "?method", "midp"),
        (RATIOS, {"p": "bayes"}, "?p", "central"),
        (RATIOS, {"reference": "phase:0-30"}, "?reference", "`compare` speaks of agent"),
        (RATIOS, {"strata": "ward"}, "?strata", "phase"),
        (FUNNEL, {"ci": "wald"}, "?ci", "byar"),
        (FUNNEL, {"standardise_by": "agent"}, "?standardise_by", "transplant_type"),
        (FUNNEL, {"baseline": "cinicola-ntm-allo"}, "?baseline", "measure is rate"),
        (COMPARISONS, {"measure": "odds"}, "?measure", "proportion"),
        (COMPARISONS, {"proportion_ci": "wald"}, "?proportion_ci", "wilson"),
        (COMPARISONS, {"sir": "byar"}, "?sir", "nhsn_2011"),
        (COMPARISONS, {"baseline": "nobody-knows"}, "?baseline", "/v1/baselines"),
        (STANDARDISED, {"standard": "segi"}, "?standard", "european_2013"),
        (STANDARDISED, {"standard": ""}, "?standard", "network"),
        (STANDARDISED, {"strata": "phase"}, "?strata", "standard=network"),
        (STANDARDISED, {"strata": "age_group,sex"}, "?strata", "standard=network"),
        (STANDARDISED, {"strata": "ward", "standard": "network"}, "?strata", "phase"),
        (STANDARDISED, {"strata": ","}, "?strata", "age_group"),
        (STANDARDISED, {"by": "agent"}, "?by", "facility"),
        (STANDARDISED, {"by": "age_group"}, "?by", "`strata`"),
        (STANDARDISED, {"ci": "fay_feuer"}, "?ci", "exact"),
        (STANDARDISED, {"episodes": "all", "person_time": "at_risk"}, "?episodes", "follow_up"),
    ],
    ids=str,
)
def test_a_question_without_meaning_is_told_what_has(asking, path, asked, pointer, says):
    answer = asking.get(path, params={**WHOLE.get(path, {}), **asked})
    assert says in explained(answer, pointer)


def test_a_standard_must_be_named(asking):
    explained(asking.get(STANDARDISED), "?standard")


@pytest.mark.parametrize(
    ("baseline", "measure"),
    [
        ("tb-sot-spain", "proportion"),
        ("cinicola-ntm-allo", "rate"),
        ("cinicola-share-lung", "cumulative_incidence"),
        ("mmwr-mabs-mexico", "rate"),
    ],
)
def test_a_figure_is_compared_within_its_own_measure(asking, baseline, measure):
    answer = asking.get(COMPARISONS, params={"baseline": baseline, "measure": measure})
    assert f"cannot be read as a {measure.replace('_', ' ')}" in explained(answer, "?measure")
    assert answer.json()["code"] == "measure_mismatch"


@pytest.mark.parametrize("alpha", ["0", "1", "-0.05", "5", "NaN", "Infinity", "1e999", '"often"'])
def test_a_monitor_s_alpha_lies_between_0_and_1(asking, alpha):
    body = f'{{"id": "ours", "baseline": "cinicola-ntm-allo", "alpha": {alpha}}}'
    made = asking.post(MONITORS, content=body, headers=JSON)
    assert "number" in explained(made, "/alpha") or "than" in explained(made, "/alpha")
    changed = asking.patch(
        f"{MONITORS}/excess-cinicola-ntm-allo", content=f'{{"alpha": {alpha}}}', headers=JSON
    )
    explained(changed, "/alpha")


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"method": "bayes"}, "/method"),
        ({"null": "lower"}, "/null"),
        ({"scope": "ward"}, "/scope"),
        ({"baseline": "nobody-knows"}, "/baseline"),
        ({"baseline": "mmwr-mabs-mexico"}, "/baseline"),
        ({"horizon": 100}, "/horizon"),
    ],
    ids=str,
)
def test_a_monitor_that_cannot_be_is_refused(asking, more, pointer):
    wanted = {"id": "ours", "baseline": "cinicola-ntm-allo", **more}
    explained(asking.post(MONITORS, json=wanted), pointer)


JSON = {"content-type": "application/json"}


def explained(answer: httpx.Response, pointer: str) -> str:
    """What a problem document says of the fault at a pointer."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    told: dict[str, Any] = json.loads(answer.text, parse_constant=pytest.fail)
    assert told["type"].startswith("/problems/")
    assert told["detail"]
    said = {error["pointer"]: error["message"] for error in told["errors"]}
    assert pointer in said, said
    return f"{said[pointer]} {told['detail']}"


@pytest.mark.parametrize(
    "address",
    [
        "/v1/rates?facility=%00",
        "/v1/rates/explain?facility=a%00b",
        "/v1/facilities/ucd%00/patients/p1",
        "/v1/facilities/ucd-01/patients/p%001",
        "/v1/alerts/%00",
        "/facilities/%00",
    ],
)
def test_an_address_with_a_nul_is_refused_before_a_database_chokes_on_it(asking, address):
    answer = asking.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_query")
