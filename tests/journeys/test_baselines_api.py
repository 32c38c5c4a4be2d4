"""Published figures over HTTP: read, put in versions, and set beside what is observed.

The observed figures are counted by hand from four kidney recipients:

    index 1 January 2020       day 0    30    45    60   100   180   365
    A  CMV day 31, zoster 121  |---------------------------------------|  transferred out
    B  E. coli on day 60       |-------------------o--------------+       died on day 180
    C  first seen on day 45                  |-----------|                lost on day 100
    D                          |-----+                                    died on day 30
"""

from datetime import date, timedelta
from math import log
from typing import Any

import httpx
import pytest

from service.stats.proportions import proportion_interval
from service.stats.sir import observed_expected
from tests.journeys.watched import send

FACILITY = "ucd-01"
INDEX_DATE = date(2020, 1, 1)
YEAR = 365.25
EXACT_OF_ONE_CASE = (0.02531781, 5.57164339)
"""Garwood's limits of one case: half the chi-square quantiles .025 on 2 and .975 on 4 df."""


@pytest.fixture
def client(watched_client: httpx.Client) -> httpx.Client:
    return watched_client


def recipient(patient: str, facility: str = FACILITY, **more: Any) -> Any:
    """An event maker for one kidney recipient; the transplant comes with it."""

    def event(type_: str, days: int, **more: Any) -> dict[str, Any]:
        on = (INDEX_DATE + timedelta(days=days)).isoformat()
        event_id = f"{patient}-{type_}-{days}"
        who = {"facility": facility, "patient": patient}
        return {"type": type_, "event_id": event_id, **who, "occurred_on": on, **more}

    transplant = event("transplant", 0, transplant_type="kidney", age_years=50, **more)
    return transplant, event


def cohort() -> list[dict[str, Any]]:
    a, of_a = recipient("A")
    b, of_b = recipient("B")
    c, of_c = recipient("C", enrolled_on="2020-02-15")
    d, of_d = recipient("D")
    return [
        *(a, b, c, d),
        of_a("infection", 31, organism="CMV", site="blood"),
        of_a("infection", 121, organism="VZV", site="skin"),
        of_b("infection", 60, organism="E. coli", site="urinary tract"),
        of_a("outcome", 365, outcome="transferred_out"),
        of_b("outcome", 180, outcome="death"),
        of_c("outcome", 100, outcome="lost_to_follow_up"),
        of_d("outcome", 30, outcome="death"),
    ]


def figure(**fields: Any) -> dict[str, Any]:
    return {
        "title": "Bacterial infection after kidney transplantation",
        "measure": "rate",
        "value": 1.0,
        "printed": "100 per 100 patient-years",
        "population": {"transplant_type": ["kidney"]},
        "numerator": {"infection_type": ["bacterial"]},
        "source": {"title": "A paper"},
        "verified": True,
    } | fields


def compared(client: httpx.Client, name: str, **fields: Any) -> dict[str, Any]:
    """Put the figure and set it beside the cohort."""
    put = client.put(f"/v1/baselines/{name}", json=figure(**fields))
    assert put.status_code == 201, put.text
    query = {"baseline": name, "facility": FACILITY}
    (found,) = client.get("/v1/comparisons", params=query).json()["items"]
    assert isinstance(found, dict)
    return found


def test_a_rate_is_set_beside_cases_over_matching_person_time(client):
    """A 366 days, B 61 up to its first case, C 56, D 31: 514 person-days and one case."""
    send(client, cohort())
    found = compared(client, "mine-rate")
    observed, ratio = found["observed"], found["ratio"]
    assert (observed["cases"], observed["person_days"]) == (1, 514)
    assert observed["value"] == pytest.approx(YEAR / 514)
    lower, upper = (limit * YEAR / 514 for limit in EXACT_OF_ONE_CASE)
    assert observed["ci"]["lower"] == pytest.approx(lower, rel=1e-6)
    assert observed["ci"]["upper"] == pytest.approx(upper, rel=1e-6)
    assert (observed["ci"]["method"], observed["unit"]) == ("exact", "per person-year")
    assert found["expected"]["cases"] == pytest.approx(514 / YEAR)
    assert ratio["value"] == pytest.approx(YEAR / 514)
    assert ratio["lower"] < ratio["value"] < ratio["upper"]
    assert (ratio["method"], found["reason"]) == ("midp", None)
    assert 0 < ratio["p"] <= 1
    assert found["e_value"]["value"] >= 1
    assert found["e_value"]["monitor"] == "excess-mine-rate"
    assert found["e_value"]["enabled"] is False  # a new figure's monitor waits to be switched on


def test_a_first_zoster_counts_though_another_virus_came_before_it(client):
    """Over all follow-up: A 366, B 181, C 56, D 31 days; the CMV infection hides nothing."""
    send(client, cohort())
    numerator = {"infection_type": ["viral"], "organism": ["Varicella zoster virus"]}
    found = compared(client, "mine-zoster", numerator=numerator)
    assert (found["observed"]["cases"], found["observed"]["person_days"]) == (1, 634)


def test_a_proportion_is_set_beside_recipients_with_a_case(client):
    """One of four; Clopper-Pearson 0.6 to 80.6 percent; half of four are two expected."""
    send(client, cohort())
    found = compared(client, "mine-share-of-recipients", measure="proportion", value=0.5)
    observed = found["observed"]
    assert (observed["cases"], observed["recipients"], observed["value"]) == (1, 4, 0.25)
    assert observed["ci"]["lower"] == pytest.approx(0.00630946, rel=1e-5)
    assert observed["ci"]["upper"] == pytest.approx(0.80587960, rel=1e-5)
    assert found["expected"]["cases"] == 2.0
    assert found["ratio"]["value"] == 0.5
    assert "runs ahead" in found["expected"]["assumption"]


@pytest.mark.parametrize("method", ["exact", "wilson", "jeffreys"])
def test_the_interval_of_a_proportion_or_share_is_the_one_named(client, method):
    send(client, cohort())
    compared(client, "mine-proportion", measure="proportion", value=0.5)
    viral = {"infection_type": ["viral"]}
    compared(client, "mine-share", measure="share", value=0.4, numerator=viral, among={})
    compared(client, "mine-rate")
    names = ["mine-proportion", "mine-share", "mine-rate"]
    query = {"baseline": names, "facility": FACILITY, "proportion_ci": method}
    items = client.get("/v1/comparisons", params=query).json()["items"]
    observed = {one["baseline"]["id"]: one["observed"] for one in items}
    for name, n in {"mine-proportion": "recipients", "mine-share": "among_cases"}.items():
        told = observed[name]
        expected = proportion_interval(told["cases"], told[n], method)
        assert told["ci"] == {
            "lower": pytest.approx(expected.lower),
            "upper": pytest.approx(expected.upper),
            "level": 0.95,
            "method": method,
        }
    assert observed["mine-rate"]["ci"]["method"] == "exact"


def test_an_unknown_interval_of_a_proportion_is_refused(client):
    answer = client.get("/v1/comparisons", params={"proportion_ci": "wald"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "?proportion_ci"


@pytest.mark.parametrize("method", ["midp", "nhsn_2011"])
def test_the_rule_of_observed_over_expected_is_the_one_named(client, method):
    send(client, cohort())
    query = {"sir": method} if method != "midp" else {}
    compared(client, "mine-rate")
    params = {"baseline": "mine-rate", **query}
    (found,) = client.get("/v1/comparisons", params=params).json()["items"]
    expected = observed_expected(1, found["expected"]["cases"], method=method)
    assert found["ratio"] == {
        "value": pytest.approx(expected.ratio),
        "lower": pytest.approx(expected.interval.lower),
        "upper": pytest.approx(expected.interval.upper),
        "level": 0.95,
        "p": pytest.approx(expected.p_value),
        "method": method,
    }


def test_an_unknown_rule_of_observed_over_expected_is_refused(client):
    answer = client.get("/v1/comparisons", params={"sir": "nhsn"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "?sir"


def test_below_one_expected_case_no_ratio_is_given_and_the_reason_is(client):
    send(client, cohort())
    found = compared(client, "mine-rare", measure="proportion", value=0.1)
    assert (found["ratio"], found["reason"]) == (None, "expected below 1")
    assert found["expected"]["cases"] == pytest.approx(0.4)


def test_a_cumulative_incidence_is_estimated_at_its_horizon_with_death_competing(client):
    """Day 30: D of A, B, D dies, 2/3 are left. Day 60: B of A, B, C is ill: 2/3 x 1/3 = 2/9.
    Within days 0 to 100: A 101 days, B 61, C 56, D 31, together 249; at ln 2 / 100 a day."""
    send(client, cohort())
    found = compared(
        client, "mine-cif", measure="cumulative_incidence", value=0.5, horizon_days=100
    )
    observed = found["observed"]
    assert observed["value"] == pytest.approx(2 / 9)
    assert (observed["cases"], observed["person_days"]) == (1, 249)
    assert (observed["recipients"], observed["at_risk"]) == (4, 2)
    assert observed["ci"]["lower"] < 2 / 9 < observed["ci"]["upper"]
    assert observed["ci"]["method"] == "loglog"
    assert found["expected"]["cases"] == pytest.approx(249 * log(2) / 100)
    assert "constant hazard" in found["expected"]["assumption"]
    assert found["ratio"]["value"] == pytest.approx(100 / (249 * log(2)))


def test_beyond_the_last_day_followed_an_incidence_has_no_value(client):
    send(client, cohort())
    found = compared(
        client, "mine-late", measure="cumulative_incidence", value=0.5, horizon_days=3650
    )
    assert found["observed"]["value"] is None
    assert found["observed"]["at_risk"] == 0


def test_a_share_is_set_beside_the_share_of_cases(client):
    """A's first viral infection was CMV in the blood: of one case none is of the skin."""
    send(client, cohort())
    found = compared(
        client,
        "mine-share",
        measure="share",
        value=0.4,
        numerator={"infection_type": ["viral"], "site": ["skin_soft_tissue"]},
        among={"infection_type": ["viral"]},
    )
    assert (found["observed"]["cases"], found["observed"]["among_cases"]) == (0, 1)
    assert found["observed"]["ci"] == {
        "lower": 0.0,
        "upper": pytest.approx(0.975),
        "level": 0.95,
        "method": "exact",
    }
    assert found["ratio"] is None
    assert found["e_value"]["value"] == 1.0
    assert "no ratio" in found["reason"]


def test_colonisation_is_counted_where_the_figure_counts_it(client):
    isolated, of_isolated = recipient("E")
    event = of_isolated("infection", 50, organism="M. avium", site="lung", status="colonisation")
    send(client, [isolated, event, of_isolated("outcome", 100, outcome="transferred_out")])
    both = ["disease", "infection", "colonisation"]
    fields: dict[str, Any] = {"measure": "proportion", "value": 0.5}
    mixed = compared(
        client, "mine-mixed", numerator={"infection_type": ["ntm"], "status": both}, **fields
    )
    disease = compared(client, "mine-disease", numerator={"infection_type": ["ntm"]}, **fields)
    assert (mixed["observed"]["cases"], disease["observed"]["cases"]) == (1, 0)


def test_nobody_at_risk_is_a_reason_and_no_error(client):
    found = client.get("/v1/comparisons").json()["items"]
    assert len(found) > 60
    reasons = {one["reason"] for one in found if one["baseline"]["measure"] == "rate"}
    assert reasons == {"nobody of this population was at risk"}
    values = [one["observed"]["value"] for one in found if one["observed"]]
    assert set(values) == {None}


@pytest.mark.parametrize(
    ("baseline", "measure", "told"),
    [
        ("cinicola-ntm-allo", "rate", "recipients having at least one case"),
        ("calm-early-bacterial", "proportion", "person-time"),
        ("cinicola-share-lung", "rate", "no risk"),
        ("mmwr-mabs-mexico", "rate", "no denominator"),
    ],
)
def test_measures_are_never_mixed(client, baseline, measure, told):
    query = {"baseline": baseline, "measure": measure}
    answer = client.get("/v1/comparisons", params=query)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "/problems/measure_mismatch"
    assert told in problem["detail"]
    assert problem["errors"][0]["pointer"] == "?measure"


def test_a_measure_alone_selects_the_figures_that_have_it(client):
    found = client.get("/v1/comparisons", params={"measure": "share"}).json()["items"]
    assert {one["baseline"]["measure"] for one in found} == {"share"}
    assert len(found) == 3


def test_a_bound_key_compares_its_own_facilities(network, client):
    send(client, cohort())
    elsewhere, _ = recipient("Z", facility="ucd-02")
    send(client, [elsewhere])
    with network.client(
        network.key("rates:read", "patients:read", facilities=("ucd-02",))
    ) as bound:
        query = {"baseline": "dzif-kidney-any"}
        answer = bound.get("/v1/comparisons", params=query).json()
        assert answer["facilities"] == ["ucd-02"]
        assert answer["items"][0]["observed"]["recipients"] == 1
        refused = bound.get("/v1/comparisons", params={**query, "facility": FACILITY})
        assert refused.status_code == 403


# The catalogue


def test_baselines_come_in_pages_that_name_the_next(client):
    names: list[str] = []
    address = "/v1/baselines?limit=30"
    while address:
        answer = client.get(address)
        page = answer.json()
        assert ("link" in answer.headers) is (page["next"] is not None)
        names += [one["id"] for one in page["items"]]
        address = page["next"]
    assert names == sorted(names)
    assert len(names) == len(set(names)) > 60


def test_a_change_is_a_new_version_and_the_old_one_stays(client):
    first = client.put("/v1/baselines/mine", json=figure())
    assert (first.status_code, first.json()["version"]) == (201, 1)
    second = client.put("/v1/baselines/mine", json=figure(value=0.5))
    assert (second.status_code, second.json()["versions"]) == (200, [2, 1])
    again = client.put("/v1/baselines/mine", json=figure(value=0.5))
    assert again.json()["version"] == 2  # the same fields are no new version
    assert client.get("/v1/baselines/mine").json()["value"] == 0.5
    assert client.get("/v1/baselines/mine", params={"version": 1}).json()["value"] == 1.0
    assert client.get("/v1/baselines/mine", params={"version": 3}).status_code == 404
    assert client.get("/v1/baselines/none").status_code == 404


def test_a_new_figure_that_can_be_watched_gets_a_monitor_switched_off(client):
    client.put("/v1/baselines/mine", json=figure())
    monitor = client.get("/v1/monitors/excess-mine").json()
    assert (monitor["enabled"], monitor["baseline"]) == (False, {"id": "mine", "version": 1})
    client.put("/v1/baselines/odd", json=figure(measure="share", value=0.1, among={}))
    assert client.get("/v1/monitors/excess-odd").status_code == 404


def test_two_people_who_change_a_figure_at_once_hear_of_each_other(client):
    client.put("/v1/baselines/mine", json=figure())
    etag = client.get("/v1/baselines/mine").headers["etag"]
    mine = client.put("/v1/baselines/mine", json=figure(value=2.0), headers={"if-match": etag})
    assert mine.status_code == 200
    theirs = client.put("/v1/baselines/mine", json=figure(value=3.0), headers={"if-match": etag})
    assert (theirs.status_code, theirs.json()["code"]) == (409, "changed_since")
    assert client.get("/v1/baselines/mine").json()["value"] == 2.0


def test_what_cannot_be_is_refused_with_every_fault(client):
    answer = client.put(
        "/v1/baselines/mine",
        json=figure(
            measure="proportion", value=1.5, ci_lower=0.1, numerator={"infection_type": ["flu"]}
        ),
    )
    assert answer.status_code == 422
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert pointers == {"/value", "/ci_lower", "/numerator/infection_type"}
    assert client.get("/v1/baselines/mine").status_code == 404


def test_a_version_is_given_and_not_sent(client):
    answer = client.put("/v1/baselines/mine", json=figure(version=7))
    assert answer.json()["errors"][0]["pointer"] == "/version"


def test_only_an_operator_of_the_whole_network_changes_figures(network, client):
    for key in (
        network.key("rates:read"),
        network.key("manage", facilities=(FACILITY,)),
    ):
        with network.client(key) as other:
            assert other.put("/v1/baselines/mine", json=figure()).status_code == 403
    with network.client(None) as nobody:
        assert nobody.get("/v1/baselines").status_code == 401
