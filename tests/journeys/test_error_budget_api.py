"""Many monitors at once, over HTTP: what stands among all, the budget, and the book of outcomes."""

from datetime import date

import httpx
import pytest

from service.store import audit_log
from service.store.engine import Database
from tests.journeys.test_alerts_api import EXCESS, allo_recipients, one_case
from tests.journeys.watched import send

BUDGET = "/v1/error-budget"


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    return watched_client


def two_hospitals(client: httpx.Client) -> None:
    """Six of thirty ill at one hospital, three of eight at the other: both have signalled."""
    send(client, allo_recipients("hsct-1", date(2024, 3, 1), 30, ill=6))
    send(client, allo_recipients("hsct-2", date(2024, 3, 1), 8, ill=3))


def passing(client: httpx.Client) -> dict[str, bool | None]:
    alerts = client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"]
    return {alert["scope"]: alert["passes_fdr"] for alert in alerts}


def test_one_hospital_stands_among_all_monitors_and_the_other_does_not(client):
    """Four monitors at two hospitals and the network: twelve series. The second hospital's e-value
    is 31; as the third of twelve it needs 12 / (0.05 x 3) = 80, or a rate of false ones of 0.15."""
    two_hospitals(client)
    assert passing(client) == {"network": True, "facility:hsct-1": True, "facility:hsct-2": False}
    told = client.get(BUDGET).json()
    assert told["discoveries"] == {"judged": 12, "standing": 2, "e_value_alone": 240.0}

    told = client.put(BUDGET, json={"false_discovery_rate": 0.15}).json()
    assert told["discoveries"] == {"judged": 12, "standing": 3, "e_value_alone": 80.0}
    assert set(passing(client).values()) == {True}


def test_a_bound_key_reads_whether_its_own_alert_stands_and_no_budget(network, client):
    two_hospitals(client)
    own = network.key("rates:read", "alerts:manage", facilities=("hsct-1",))
    with network.client(own) as hospital:
        assert passing(hospital) == {"facility:hsct-1": True}
        for answer in (hospital.get(BUDGET), hospital.put(BUDGET, json={})):
            assert (answer.status_code, answer.json()["code"]) == (403, "network_not_allowed")


def test_closing_takes_an_alert_out_of_the_judgement_and_a_rule_is_never_in_it(client):
    two_hospitals(client)
    assert client.get(f"/v1/alerts/{one_case(client)}").json()["passes_fdr"] is None
    (alert,) = [
        alert
        for alert in client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"]
        if alert["scope"] == "facility:hsct-1"
    ]
    address = f"/v1/alerts/{alert['id']}"
    closed = client.post(f"{address}/close", json={"outcome": "outbreak"}).json()
    assert closed["passes_fdr"] is None
    assert client.post(f"{address}/reopen").json()["passes_fdr"] is True


def test_the_page_of_an_alert_says_whether_it_stands_among_all(network, client):
    two_hospitals(client)
    alerts = client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"]
    with network.client(None) as browser:
        browser.headers["sec-fetch-site"] = "same-origin"
        signed_in = browser.post("/sign-in", data={"key": network.key("rates:read"), "to": "/"})
        assert signed_in.status_code == 303
        told = {alert["scope"]: browser.get(f"/alerts/{alert['id']}").text for alert in alerts}
    together = "today among all 12 monitored series together, at a false discovery rate of 5%."
    assert f"It also stands {together}" in told["facility:hsct-1"]
    assert f"it does not stand {together}" in told["facility:hsct-2"]


# The budget


def test_a_budget_is_set_seen_and_held_against_what_is_watched(network, client):
    two_hospitals(client)
    shipped = client.get(BUDGET).json()
    assert (shipped["false_discovery_rate"], shipped["set_by"]) == (0.05, None)
    assert (shipped["ever"]["allowed"], shipped["ever"]["over"]) == (None, False)

    answer = client.put(BUDGET, json={"false_alarms_ever": 0.24, "false_alarms_per_year": 2})
    assert answer.status_code == 200, answer.text
    told = client.get(BUDGET).json()
    assert told == answer.json()
    assert told["set_by"] == "test"
    assert told["facilities"] == 2
    ever = told["ever"]
    assert (ever["places"], ever["over"]) == (12, True)
    assert ever["spent"] == ever["chance_of_any"] == pytest.approx(12 * 0.05)
    assert ever["fitting_alpha"] == pytest.approx(0.02)
    assert (told["per_year"]["places"], told["per_year"]["over"]) == (6, False)
    assert told["per_year"]["spent"] == pytest.approx(6 * 365.25 / 3650)
    shares = {share["monitor"]: share for share in told["monitors"]}
    assert shares[EXCESS]["places"] == 3
    assert shares[EXCESS]["false_alarms_ever"] == pytest.approx(0.15)
    assert shares["cluster-ntm"]["false_alarms_ever"] is None

    for monitor, share in shares.items():
        if share["alpha"] is not None:
            fitted = {"alpha": ever["fitting_alpha"]}
            assert client.patch(f"/v1/monitors/{monitor}", json=fitted).status_code == 200
    assert client.get(BUDGET).json()["ever"]["over"] is False

    client.put(BUDGET, json={})
    assert client.get(BUDGET).json()["ever"]["allowed"] is None
    database = Database(network.database_url)
    with database.read() as connection:
        last, before = audit_log.entries(connection, limit=2, actions=["error_budget_set"])
        set_of_monitors = audit_log.entries(connection, limit=1, actions=["monitor_changed"])
    database.close()
    assert set_of_monitors[0].detail["set"].keys() == {"alpha"}
    assert last.detail["before"] == before.detail["after"]
    assert before.detail["after"]["false_alarms_ever"] == 0.24
    assert before.actor == "test"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"false_discovery_rate": 0}, "/false_discovery_rate"),
        ({"false_discovery_rate": 1}, "/false_discovery_rate"),
        ({"false_alarms_ever": 0}, "/false_alarms_ever"),
        ({"false_alarms_per_year": -1}, "/false_alarms_per_year"),
        ({"false_alarms": 1}, "/false_alarms"),
    ],
    ids=str,
)
def test_a_budget_that_means_nothing_is_refused_with_its_place(client, body, pointer):
    answer = client.put(BUDGET, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_who_may_see_a_budget_and_who_may_set_it(network):
    allowed = {"rates:read": (200, 403), "alerts:manage": (403, 200), "manage": (403, 200)}
    for scope, statuses in allowed.items():
        with network.client(network.key(scope)) as holder:
            answers = (holder.get(BUDGET), holder.put(BUDGET, json={}))
            assert tuple(answer.status_code for answer in answers) == statuses, scope


def test_an_empty_network_spends_only_on_itself(client):
    told = client.get(BUDGET).json()
    assert (told["facilities"], told["discoveries"]["standing"]) == (0, 0)
    assert told["ever"]["places"] == told["discoveries"]["judged"] == 4


# The book


def test_closed_alerts_make_a_monitors_predictive_value(network, client):
    """Two sentinels at one hospital, one at another: an outbreak, a pseudo-outbreak, one open."""
    of = "/v1/monitors/sentinel-ntm-cell-injection/performance"
    none = client.get(of).json()
    assert none["positive_predictive_value"]["value"] is None
    first, second = one_case(client, "ucd-01"), one_case(client, "ucd-02")
    one_case(client, "ucd-03")
    client.post(f"/v1/alerts/{first}/close", json={"outcome": "outbreak"})
    client.post(f"/v1/alerts/{second}/close", json={"outcome": "pseudo_outbreak"})

    told = client.get(of).json()
    assert (told["alerts"], told["waiting"]) == (3, 1)
    outcomes = {"outbreak": 1, "pseudo_outbreak": 1, "data_error": 0, "expected": 0, "other": 0}
    assert told["outcomes"] == outcomes
    predictive = told["positive_predictive_value"]
    assert (predictive["value"], predictive["true"], predictive["closed"]) == (0.5, 1, 2)
    assert predictive["lower"] == pytest.approx(0.012579, abs=1e-6)
    assert predictive["upper"] == pytest.approx(0.987421, abs=1e-6)
    days = {(row["until"], row["over"]): row for row in told["days_to_signal"]}
    assert days["signalled_on", "alerts"]["median_days"] is None  # a rule has no such day
    assert days["opened_at", "alerts"]["alerts"] == 3
    onset = date(2024, 1, 1).toordinal() + 60
    opened = date.fromisoformat(client.get(f"/v1/alerts/{first}").json()["opened_at"][:10])
    assert days["opened_at", "outbreaks"]["median_days"] == opened.toordinal() - onset

    with network.client(network.key("rates:read", facilities=("ucd-02",))) as hospital:
        own = hospital.get(of).json()
    assert (own["alerts"], own["outcomes"]["outbreak"]) == (1, 0)
    assert client.get("/v1/monitors/none/performance").status_code == 404


def test_an_excess_knows_the_day_on_which_its_evidence_sufficed(client):
    send(client, allo_recipients("hsct-1", date(2024, 3, 1), 30, ill=6))
    (alert, *_) = client.get("/v1/alerts", params={"monitor": EXCESS}).json()["items"]
    told = client.get(f"/v1/monitors/{EXCESS}/performance").json()
    signalled = date.fromisoformat(alert["evidence"]["signalled_on"])
    row = told["days_to_signal"][0]
    assert (row["until"], row["over"], row["alerts"]) == ("signalled_on", "alerts", 2)
    assert row["median_days"] == (signalled - date.fromisoformat(alert["first_onset"])).days
