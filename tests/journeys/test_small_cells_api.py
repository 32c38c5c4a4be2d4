"""Small counts are hidden from keys without `patients:read`, wherever figures are shown."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

CASES = {"female": 2, "male": 9, "other": 7}
PATIENTS_OF_EACH = 20
COUNTS = {
    "cases",
    "recipients",
    "episodes",
    "deaths",
    "among_cases",
    "at_risk",
    "due",
    "seen",
    "late",
    "overdue",
    "not_seen",
    "courses",
    "under_observation",
    "reports",
    "died",
    "events",
}
"""Names under which counts of people and of what befell them stand, in any answer."""


def history(facility: str) -> Iterator[dict[str, Any]]:
    """Sixty recipients, of whom eighteen have an NTM disease in March 2021."""
    for sex, cases in CASES.items():
        for number in range(PATIENTS_OF_EACH):
            who = {"facility": facility, "patient": f"{sex}-{number}"}
            yield {
                **who,
                "type": "transplant",
                "event_id": f"t-{sex}-{number}",
                "occurred_on": "2021-01-01",
                "transplant_type": "allo_hsct",
                "sex": sex,
                "age_years": 50,
            }
            if number < cases:
                yield {
                    **who,
                    "type": "infection",
                    "event_id": f"i-{sex}-{number}",
                    "occurred_on": f"2021-03-{number + 1:02}",
                    "organism": "M. abscessus",
                    "status": "disease",
                }
            if sex == "female" and number < 3:
                yield {
                    **who,
                    "type": "follow_up",
                    "event_id": f"n-{sex}-{number}",
                    "occurred_on": (date.today() - timedelta(days=9)).isoformat(),  # noqa: DTZ011
                }
            yield {
                **who,
                "type": "follow_up",
                "event_id": f"f-{sex}-{number}",
                "occurred_on": "2021-06-01",
            }


@pytest.fixture
def reported(client: httpx.Client, facility: str) -> str:
    """A facility with its history."""
    answer = client.post("/v1/events", json=list(history(facility)))
    assert answer.json()["rejected"] == 0, answer.text
    return facility


@pytest.fixture
def reader(service: Any, reported: str) -> Iterator[httpx.Client]:
    """Whoever may read the facility's rates and nobody's history."""
    with service.client(service.key("rates:read", facilities=(reported,))) as reader:
        yield reader


@pytest.fixture
def doctor(service: Any, reported: str) -> Iterator[httpx.Client]:
    """Whoever may read the facility's patients too."""
    key = service.key("rates:read", "patients:read", facilities=(reported,))
    with service.client(key) as doctor:
        yield doctor


def small_counts(document: Any, path: str = "") -> list[str]:
    """Every place where a count from 1 to 4 is shown."""
    if isinstance(document, dict):
        parts = [
            (f"{path}/{name}", name, value)
            for name, value in document.items()
            if name not in ("definition", "as_of")
        ]
        here = [
            f"{place}={value}"
            for place, name, value in parts
            if name in COUNTS and isinstance(value, int) and 0 < value < 5
        ]
        return here + [one for place, _, value in parts for one in small_counts(value, place)]
    if isinstance(document, list):
        places = ((f"{path}/{n}", value) for n, value in enumerate(document))
        return [one for place, value in places for one in small_counts(value, place)]
    return []


FIGURES = [
    "/v1/rates?by=sex&infection_type=ntm&include=recipients",
    "/v1/rates?by=sex,phase&infection_type=ntm",
    "/v1/rates?sex=female&infection_type=ntm",
    "/v1/rates?by=agent",
    "/v1/rates?by=infection_type",
    "/v1/rates/series?by=sex&infection_type=ntm&interval=quarter&start=2021-01-01",
    "/v1/rates/series?infection_type=ntm&interval=year",
    "/v1/rates/standardised?standard=european_2013&by=sex&infection_type=ntm",
    "/v1/rates/repeat-windows?sex=female&infection_type=ntm",
    "/v1/rate-ratios?compare=sex:female&reference=sex:male&strata=phase&infection_type=ntm",
    "/v1/cumulative-incidence?infection_type=ntm&by=sex&horizon=180",
    "/v1/mean-cumulative-function?infection_type=ntm&by=sex&horizon=180",
    "/v1/follow-up?by=sex",
    "/v1/follow-up/visits?by=sex",
    "/v1/follow-up/reporting-lag",
]


@pytest.mark.parametrize("path", FIGURES)
def test_no_figure_shows_a_small_count(reader, doctor, path):
    answer, whole = reader.get(path), doctor.get(path)
    assert answer.status_code == 200, answer.text
    assert small_counts(answer.json()) == []
    as_lines = reader.get(path, headers={"accept": "application/x-ndjson"})
    assert small_counts([json.loads(line) for line in as_lines.text.splitlines()]) == []
    assert ('"suppressed":true' in answer.text) == bool(small_counts(whole.json()))
    assert '"suppressed"' not in whole.text


def test_the_hidden_row_takes_one_more_along_and_the_sum_is_shown(reader):
    shown = reader.get("/v1/rates", params={"by": "sex", "infection_type": "ntm"}).json()
    by_sex = {row["stratum"]["sex"]: row for row in shown["rows"]}
    assert by_sex["female"]["suppressed"] is True
    assert by_sex["female"]["cases"] is None
    assert by_sex["female"]["rate"] is by_sex["female"]["ci"]["lower"] is None
    assert by_sex["female"]["person_days"] > 0
    hidden = [row for row in shown["rows"] if row["suppressed"]]
    assert 2 <= len(hidden) <= 3
    assert (shown["total"]["cases"], shown["total"]["suppressed"]) == (18, False)


def test_csv_and_lines_hide_the_same(reader):
    asked = {"by": "sex", "infection_type": "ntm", "format": "csv"}
    rows = list(csv.DictReader(io.StringIO(reader.get("/v1/rates", params=asked).text)))
    female = next(row for row in rows if row["sex"] == "female")
    assert (female["suppressed"], female["cases"], female["rate"]) == ("true", "", "")
    assert female["ci_lower"] == female["anytime_ci_upper"] == female["expected_cases"] == ""


def test_who_may_read_patients_is_shown_every_count_and_told_of_no_hiding(doctor):
    shown = doctor.get("/v1/rates", params={"by": "sex", "infection_type": "ntm"}).json()
    assert sorted(row["cases"] for row in shown["rows"]) == sorted(CASES.values())
    assert "suppressed" not in shown["total"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/rates?start=2021-03-02",
        "/v1/rates?end=2021-03-02",
        "/v1/rates?as_of=1",
        "/v1/rates/series?interval=day&start=2021-03-01&end=2021-03-31",
        "/v1/rates/series?interval=month&cumulative=true",
        "/v1/cumulative-incidence?infection_type=ntm&horizon=61",
        "/v1/cumulative-incidence?infection_type=ntm&include=curve",
        "/v1/mean-cumulative-function?infection_type=ntm&include=curve",
        "/v1/funnel?baseline=tb-sot-spain&standardise_by=phase",
        "/v1/follow-up?end=2021-03-02",
        "/v1/follow-up/reporting-lag?as_of=1",
    ],
)
def test_what_would_show_single_cases_by_their_differences_is_refused(reader, path):
    answer = reader.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "patients_scope_needed")
    assert "patients:read" in answer.json()["detail"]


def test_an_operator_may_choose_to_hide_nothing(start_service, facility):
    with start_service(small_cells_below=0) as service:
        with service.client(service.key("events:write")) as sender:
            assert sender.post("/v1/events", json=list(history(facility))).status_code == 201
        with service.client(service.key("rates:read")) as reader:
            asked = {"by": "sex", "infection_type": "ntm", "end": "2021-03-02"}
            shown = reader.get("/v1/rates", params=asked).json()
    assert min(row["cases"] for row in shown["rows"]) == 2


def test_a_path_shows_its_threshold_and_none_of_its_cases(watched_client, network, facility):
    sent = list(history(facility))
    assert watched_client.post("/v1/events", json=sent).status_code == 201
    asked = f"/v1/monitors/excess-cinicola-ntm-allo/path?facility={facility}"
    whole = watched_client.get(asked).json()
    assert whole["points"]
    with network.client(network.key("rates:read")) as reader:
        told = reader.get(asked).json()
        assert told["suppressed"] is True
        assert told["points"] == told["gaps"]["points"] == []
        assert told["threshold"] == whole["threshold"]
        assert small_counts(reader.get("/v1/comparisons").json()) == []
        assert small_counts(reader.get("/v1/funnel").json()) == []
        page = reader.post(
            "/sign-in",
            data={"key": network.key("rates:read"), "to": "/"},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert page.status_code in (200, 303)
        assert "this key may not read patients" in reader.get("/").text
        for path in ("/facilities", f"/facilities/{facility}", "/data-quality", "/baselines"):
            assert reader.get(path).status_code == 200, path
        asked = f"/rates?by=sex&infection_type=ntm&facility={facility}"
        explored = reader.get(asked)
        assert explored.status_code == 200
        assert explored.text.count('<td class="figure">hidden</td>') >= 2
        assert "patients:read" in reader.get(f"{asked}&interval=week").text
        assert reader.get(f"/facilities/{facility}/patients/female-0").status_code == 403


def test_a_measure_report_masks_what_is_small(reader, client):
    asked = {"by": "sex", "infection_type": "ntm"}
    told = reader.get("/fhir/MeasureReport", params=asked).json()
    whole = client.get("/fhir/MeasureReport", params=asked).json()

    def numerators(bundle: Any) -> list[Any]:
        (group,) = bundle["entry"][0]["resource"]["group"]
        strata = group["stratifier"][0]["stratum"]
        return [one["population"][0].get("count") for one in (group, *strata)]

    assert None not in numerators(whole)
    assert numerators(told)[0] == 18
    assert numerators(told).count(None) >= 2
    assert "masked" in json.dumps(told)
