"""Counts and person-time for DHIS2: the figures of `/v1/rates`, under its ids."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.conftest import DidNotStartError
from tests.journeys.test_cli import graftwatch

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "dhis2-mapping.toml"
UNITS = {"northside": "DiszpKrYNg8", "southside": "g8upMTyEZGZ"}
TWO_UNITS = EXAMPLE.read_text().replace(
    'northside = "DiszpKrYNg8"\n', 'northside = "DiszpKrYNg8"\nsouthside = "g8upMTyEZGZ"\n'
)
ONSETS = {"northside": ("2022-03-02", "2022-05-20"), "southside": ("2022-04-11",), "elsewhere": ()}
ASKED = {"start": "2022-01-01", "end": "2022-06-30"}


def events():
    for number, (facility, onsets) in enumerate(ONSETS.items()):
        common = {"facility": facility, "patient": f"p{number}"}
        yield {
            "type": "transplant",
            "event_id": "t",
            "occurred_on": f"2022-01-{10 + number}",
            "transplant_type": "kidney",
            **common,
        }
        for onset in onsets:
            finding = {"organism": "M. abscessus", "specimen": "sputum", "status": "disease"}
            yield {
                "type": "infection",
                "event_id": onset,
                "occurred_on": onset,
                **finding,
                **common,
            }
        yield {"type": "follow_up", "event_id": "f", "occurred_on": "2022-07-15", **common}


@pytest.fixture
def served(start_service, tmp_path):
    """A service with three facilities, two of which have organisation units."""
    file = tmp_path / "dhis2.toml"
    file.write_text(TWO_UNITS)
    with start_service(dhis2_mapping_file=file) as service:
        with service.client(service.key()) as client:
            assert client.post("/v1/events", json=list(events())).status_code == 201
        yield service


def by_place(body):
    return {
        (one["dataElement"], one["orgUnit"], one["period"]): int(one["value"])
        for one in body["dataValues"]
    }


def months(client, **asked):
    """The same months as `/v1/rates/series` tells them."""
    query = {"by": "facility", "interval": "month", **ASKED, **asked}
    for row in client.get("/v1/rates/series", params=query).json()["rows"]:
        if unit := UNITS.get(row["stratum"]["facility"]):
            period = row["window"]["name"].replace("-", "")
            yield unit, period, row["cases"], row["person_days"]


def test_the_export_holds_the_figures_of_the_rates(served):
    with served.client(served.key("rates:read", "patients:read")) as client:
        body = client.get("/v1/exports/dhis2", params=ASKED).json()
        told = by_place(body)
        expected = {}
        for unit, period, cases, days in months(client, infection_type="ntm"):
            expected["cAsEsNtm001", unit, period] = cases
            expected["dAySatRisk1", unit, period] = days
        whole = {"episodes": "all", "person_time": "follow_up"}
        for unit, period, cases, days in months(client, **whole):
            expected["cAsEsAny001", unit, period] = cases
            expected["dAySfUp0001", unit, period] = days
    assert told == expected
    assert len(body["dataValues"]) == len(told) == 4 * 2 * 6
    assert told["cAsEsNtm001", "DiszpKrYNg8", "202203"] == 1
    assert told["dAySfUp0001", "g8upMTyEZGZ", "202202"] == 28
    assert body["idScheme"] == "UID"


def test_only_whole_periods_go_out(served):
    with served.client(served.key("rates:read", "patients:read")) as client:
        cut = {"start": "2022-01-02", "end": "2022-03-30"}
        body = client.get("/v1/exports/dhis2", params=cut).json()
        assert {one["period"] for one in body["dataValues"]} == {"202202"}
        everything = client.get("/v1/exports/dhis2").json()["dataValues"]
        last_month = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
        periods = {one["period"] for one in everything}
        assert (min(periods), max(periods)) == ("202201", f"{last_month:%Y%m}")
        none = client.get("/v1/exports/dhis2", params={"start": "2022-02-02", "end": "2022-02-03"})
        assert none.json()["dataValues"] == []
        assert client.get("/v1/exports/dhis2", params={"by": "sex"}).status_code == 422


def test_a_bound_key_sends_its_own_facilities(served):
    with served.client(
        served.key("rates:read", "patients:read", facilities=("southside",))
    ) as bound:
        body = bound.get("/v1/exports/dhis2", params=ASKED).json()
    assert {one["orgUnit"] for one in body["dataValues"]} == {"g8upMTyEZGZ"}


def test_as_of_tells_what_was_known_then(served):
    with served.client(served.key()) as client:
        before = client.get("/v1/exports/dhis2", params=ASKED).json()
        position = client.get("/v1/rates").json()["as_of"]["position"]
        late = {
            "type": "void",
            "event_id": "v",
            "facility": "northside",
            "patient": "p0",
            "occurred_on": "2022-03-02",
            "voids": "2022-03-02",
        }
        assert client.post("/v1/events", json=late).status_code == 201
        assert client.get("/v1/exports/dhis2", params=ASKED).json() != before
        past = {**ASKED, "as_of": position}
        assert client.get("/v1/exports/dhis2", params=past).json() == before


def test_the_command_writes_what_the_service_answers(served, tmp_path):
    with served.client(served.key("rates:read", "patients:read")) as client:
        answered = client.get("/v1/exports/dhis2", params=ASKED).json()
    mapping = tmp_path / "dhis2.toml"
    command = ("export", "dhis2", "--mapping", str(mapping), "--start", ASKED["start"])
    settings = {"database_url": served.database_url}
    written = graftwatch(*command, "--end", ASKED["end"], **settings)
    assert (written.returncode, json.loads(written.stdout)) == (0, answered)
    assert "without an organisation unit: elsewhere" in written.stderr
    to_file = graftwatch(*command, "--output", str(tmp_path / "out.json"), **settings)
    assert (to_file.returncode, to_file.stdout) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())["idScheme"] == "UID"
    unnamed = graftwatch("export", "dhis2", **settings)
    assert (unnamed.returncode, "--mapping" in unnamed.stderr) == (2, True)


def test_without_a_mapping_the_answer_says_what_to_set(client):
    answer = client.get("/v1/exports/dhis2")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_dhis2_mapping")
    assert "GRAFTWATCH_DHIS2_MAPPING_FILE" in answer.json()["detail"]


def test_a_mapping_that_cannot_be_used_is_told_at_the_start(start_service, tmp_path):
    file = tmp_path / "dhis2.toml"
    file.write_text(TWO_UNITS.replace('"ntm"', '"ntn"'))
    with pytest.raises(DidNotStartError, match="GRAFTWATCH_DHIS2_MAPPING_FILE"):  # noqa: SIM117
        with start_service(dhis2_mapping_file=file):
            pass
