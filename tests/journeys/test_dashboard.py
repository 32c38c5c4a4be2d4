"""The dashboard as a browser meets it: its pages, who sees what, what gets in and out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import httpx
import pytest

from service.store.engine import Database
from service.store.keys import revoke_key
from tests.journeys.conftest import Service
from tests.journeys.watched import injected, send, watching

HOSTILE = '<script>alert("x")</script>'
VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """What a page holds: texts of headings, tags with their attributes, and whether they close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if any(re.fullmatch("h[1-6]", tag) for tag in self.open):
            level, text = self.headings[-1]
            self.headings[-1] = (level, f"{text} {data}".strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def chart(facility: str, patient: str, **more: Any) -> list[dict[str, Any]]:
    """A lung recipient on tacrolimus with NTM of the lung a hundred days later."""
    who = {"facility": facility, "patient": patient}
    index_date = date.today() - timedelta(days=400)  # noqa: DTZ011 - a calendar date
    transplant = {"type": "transplant", "event_id": f"{patient}-t", "transplant_type": "lung"}
    regimen = {"type": "regimen", "event_id": f"{patient}-r", "agents": ["FK506"]}
    infection = {"type": "infection", "event_id": f"{patient}-i", "organism": "MAC"}
    onset = (index_date + timedelta(days=100)).isoformat()
    return [
        {**transplant, **who, "occurred_on": index_date.isoformat(), **more},
        {**regimen, **who, "occurred_on": index_date.isoformat()},
        {**infection, **who, "occurred_on": onset, "specimen": "sputum", "status": "disease"},
    ]


@pytest.fixture(scope="module")
def locked(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with keys that knows two hospitals, with one alert each and one of both."""
    log_file = tmp_path_factory.mktemp("dashboard") / "log"
    with databases(migrated=True) as url, watching(url, log_file) as service:
        with service.client(service.key()) as client:
            send(client, chart("north", "n1"))
            send(client, chart("south", "s1"))
            product = {"lot": HOSTILE, "kind": "exosomes"}
            for facility in ("north", "south"):
                events = injected(facility, f"{facility}-x", "2024-01-01", product=product)
                send(client, events)
        yield service


@contextmanager
def browser(service: Service, key: str | None = None) -> Iterator[httpx.Client]:
    """A browser, signed in with a key where one is given."""
    headers = {"origin": service.base_url}
    with httpx.Client(base_url=service.base_url, headers=headers, timeout=60) as client:
        if key:
            answer = client.post("/sign-in", data={"key": key})
            assert answer.status_code == 303, answer.text
        yield client


def alert_paths(client: httpx.Client) -> dict[str, str]:
    """The open alerts on the first page: title by path."""
    found = re.findall(r'<h3><a href="(/alerts/[^"]+)">([^<]+)</a>', client.get("/").text)
    return dict(found)


# Signing in


def test_whoever_is_not_signed_in_is_shown_where_to(locked):
    with browser(locked) as stranger:
        for path in ("/", "/open-alerts", "/live", "/alerts/a1"):
            answer = stranger.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")
            assert "north" not in answer.text
        form = stranger.get("/alerts/a1", follow_redirects=True)
        assert form.status_code == 200
        assert 'name="to" value="/alerts/a1"' in form.text


def test_signing_in_leads_back_and_the_cookie_is_no_key(locked):
    key = locked.key("rates:read")
    with browser(locked) as reader:
        answer = reader.post("/sign-in", data={"key": f" {key}\n", "to": "/alerts/a1"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/a1")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Path=/" in cookie
        assert key not in cookie
        assert key.split("_", 2)[2] not in cookie
        assert reader.get("/").status_code == 200


def test_signing_in_never_leads_elsewhere(locked):
    with browser(locked) as reader:
        answer = reader.post(
            "/sign-in", data={"key": locked.key("rates:read"), "to": "//elsewhere.example/"}
        )
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("wrong", ["", "nonsense", "gw_0000000000000000_guess"])
def test_a_wrong_key_opens_nothing_and_is_not_repeated(locked, wrong):
    with browser(locked) as stranger:
        answer = stranger.post("/sign-in", data={"key": wrong})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "unknown, expired or revoked" in answer.text
        assert not wrong or wrong not in answer.text


def test_a_key_that_cannot_read_rates_is_told_so(locked):
    with browser(locked) as sender:
        answer = sender.post("/sign-in", data={"key": locked.key("events:write")})
        assert answer.status_code == 403
        assert "rates:read" in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_a_form_of_another_site_does_nothing(locked, path, sent):
    with browser(locked) as victim:
        answer = victim.post(path, data={"key": locked.key("rates:read")}, headers=sent)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_browser_that_says_where_a_form_comes_from_is_believed(locked):
    """Behind a proxy that changes `Host`, only `Sec-Fetch-Site` tells."""
    with browser(locked) as reader:
        headers = {"origin": "https://graftwatch.example", "sec-fetch-site": "same-origin"}
        answer = reader.post("/sign-in", data={"key": locked.key("rates:read")}, headers=headers)
        assert answer.status_code == 303


def test_after_signing_out_nothing_is_shown(locked):
    with browser(locked, locked.key("rates:read")) as reader:
        assert reader.get("/").status_code == 200
        assert reader.post("/sign-out").headers["location"] == "/sign-in"
        assert reader.get("/").status_code == 303


def test_a_session_ends_with_its_key(locked):
    key = locked.key("rates:read")
    with browser(locked, key) as reader:
        assert reader.get("/").status_code == 200
        database = Database(locked.database_url)
        with database.write() as connection:
            assert revoke_key(connection, key.split("_")[1], datetime.now(UTC))
        database.close()
        assert reader.get("/").status_code == 303


def test_a_made_up_session_is_none(locked):
    key_id = locked.key("rates:read").split("_")[1]
    with browser(locked) as stranger:
        stranger.cookies.set("graftwatch", f"gws1.{key_id}.99999999999.AAAA")
        assert stranger.get("/").status_code == 303


def test_a_session_does_not_open_the_api(locked):
    with browser(locked, locked.key()) as reader:
        assert reader.get("/v1/rates").status_code == 401
        assert reader.post("/v1/events", json=[]).status_code == 401


# What is shown


def test_the_overview_shows_alerts_figures_and_rates(locked):
    with browser(locked, locked.key("rates:read", "patients:read")) as reader:
        html = reader.get("/").text
    page = Page(html)
    headings = [text for _, text in page.headings]
    assert headings[0] == "Infections after transplantation"
    assert re.fullmatch(r"\d alerts to look at", headings[1])  # other tests add some
    assert "Beside published figures" in headings
    assert "NTM by immunosuppressive agent" in headings
    assert "NTM by transplant type" in headings
    assert "tacrolimus" in html
    assert "NTM disease: Lung transplant 1990-2005, Boston" in html
    assert page.all("html")[0]["lang"] == "en"


def test_pages_are_built_for_everybody(locked):
    with browser(locked, locked.key()) as reader:
        paths = ["/", *alert_paths(reader)]
        pages = [Page(reader.get(path).text) for path in paths]
    for page in pages:
        levels = [level for level, _ in page.headings]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert len(page.all("main")) == 1
        assert any(link.get("href") == "#main" for link in page.all("a"))
        assert len(page.all("caption")) == len(page.all("table")) >= 1
        assert all(head.get("scope") in ("col", "row") for head in page.all("th"))
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        for _, attributes in page.tags:
            assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)
        assert all("style" not in attributes for _, attributes in page.tags)
    plots = [plot for plot in pages[0].all("svg") if "aria-hidden" not in plot]
    assert {plot["aria-labelledby"] for plot in plots} >= {
        "by-agent-title by-agent-desc",
        "by-transplant-type-title by-transplant-type-desc",
    }
    assert all(plot["role"] == "img" for plot in plots)


def test_the_rates_shown_are_those_of_the_api(locked):
    key = locked.key("rates:read", "patients:read")
    with locked.client(key) as client:
        rates = client.get("/v1/rates", params={"infection_type": "ntm", "by": "agent"}).json()
    (row,) = [row for row in rates["rows"] if row["stratum"] == {"agent": "tacrolimus"}]
    with browser(locked, key) as reader:
        html = reader.get("/").text.replace("\u00a0", " ")
    exact, anytime = row["ci"], row["anytime_ci"]
    assert f'<td class="figure">{row["rate"]:,.0f}</td>' in html
    assert f"<td>{exact['lower']:.1f} to {exact['upper']:,.0f}</td>" in html
    assert f"<td>{anytime['lower']:.2f} to {anytime['upper']:,.0f}</td>" in html


def test_the_years_beside_a_rate_are_those_of_the_series_and_hidden_as_it_is(locked):
    def told(*scopes):
        with browser(locked, locked.key(*scopes)) as reader:
            return re.findall(r"Cases by year: ([^<]*)", reader.get("/").text)

    with locked.client(locked.key("rates:read", "patients:read")) as client:
        first = f"{datetime.now(UTC).year - 7}-01-01"
        asked = {"infection_type": "ntm", "by": "transplant_type", "interval": "year"}
        series = client.get("/v1/rates/series", params={**asked, "start": first}).json()
    whole = [row["cases"] for row in series["window_totals"]]
    seen = told("rates:read", "patients:read")
    assert [int(part.split()[-1]) for part in seen[-1].split(", ")] == whole
    assert sum(whole) > 0
    assert any(0 < count < 5 for count in whole)
    assert told("rates:read")[-1] == "hidden", "the sum beside it would tell the year left out"


def test_an_alert_shows_its_cases_evidence_advice_and_history(locked):
    with browser(locked, locked.key()) as reader:
        cluster = next(path for path, title in alert_paths(reader).items() if "linked" in title)
        html = reader.get(cluster).text
    assert "2 patients at 2 facilities" in html
    assert "Product lot" in html
    assert "north-x" in html
    assert "MMWR 2024;73(18):420-422" in html
    assert "Opened" in html
    assert f"curl {locked.base_url}/v1/alerts/{cluster.rpartition('/')[2]}/acknowledge" in html


def test_pseudonyms_are_for_who_may_read_patients(locked):
    with browser(locked, locked.key("rates:read")) as reader:
        pages = [reader.get(path).text for path in ("/", *alert_paths(reader))]
    assert len(pages) >= 4
    for html in pages:
        assert "north-x" not in html
        assert "south-x" not in html


def test_a_key_bound_to_a_facility_sees_nothing_of_others(locked):
    with browser(locked, locked.key()) as everybody:
        all_paths = alert_paths(everybody)
    with browser(locked, locked.key(facilities=("north",))) as north:
        html = north.get("/").text
        own = alert_paths(north)
        assert list(own.values()) == [
            "Extrapulmonary NTM after MSC infusion or stem cell injection at north"
        ]
        assert "This key sees only north." in html
        assert "south" not in html
        assert re.search(r"<dt>Patients</dt><dd>2</dd>", html)
        assert re.search(r"<dt>Events</dt><dd>5</dd>", html)
        for path in set(all_paths) - set(own):
            answer = north.get(path)
            assert answer.status_code == 404
            assert "south" not in answer.text
        assert "south" not in north.get("/open-alerts").text
    with browser(locked, locked.key(facilities=("elsewhere",))) as elsewhere:
        html = elsewhere.get("/").text
        assert "Nothing has arrived yet" in html
        assert "north" not in html


def test_what_does_not_exist_is_told_as_a_page(locked):
    with browser(locked, locked.key()) as reader:
        answer = reader.get("/alerts/none-such")
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert Page(answer.text).headings[0] == (1, "There is no such page")
        assert reader.get("/assets/..%2fpages.py").status_code == 404
        assert reader.get("/assets/none.css").status_code == 404


# Nothing gets in or out


def test_hostile_words_stay_words(locked):
    with locked.client(locked.key()) as client:
        send(client, chart("north-2", "h1", indication=HOSTILE, performed_at=HOSTILE))
        alert = client.get("/v1/alerts", params={"kind": "cluster"}).json()["items"][0]
        note = {"note": f"{HOSTILE} & so on"}
        assert client.post(f"/v1/alerts/{alert['id']}/comment", json=note).status_code == 200
    with browser(locked, locked.key()) as reader:
        html = reader.get(f"/alerts/{alert['id']}").text
        pages = [html, reader.get("/").text]
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; so on" in html
    assert html.count("&lt;script&gt;") >= 2
    for shown in pages:
        assert "<script>" not in shown
        assert "alert(" not in re.sub(r"&lt;script&gt;.*?&lt;/script&gt;", "", shown)


def test_no_page_names_another_host(locked):
    with browser(locked, locked.key()) as reader:
        paths = ["/", "/sign-in", "/alerts/none", "/open-alerts", *alert_paths(reader)]
        texts = [reader.get(path).text for path in paths]
        assets = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', texts[0]))
        assert len(assets) == 3
        for path in assets:
            answer = reader.get(path)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            texts.append(answer.text)
    own = locked.base_url
    for text in texts:
        elsewhere = text.replace(own, "").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"""https?:|["'(]//|@import|url\(""", elsewhere)


def test_every_page_lets_in_only_what_is_its_own(locked):
    with browser(locked, locked.key()) as reader:
        for path in ("/", "/sign-in", "/alerts/none", *alert_paths(reader)):
            answer = reader.get(path)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            sources = re.findall(r"(?:default|style|script|img|connect)-src ([^;]+)", policy)
            assert set(sources) == {"'none'", "'self'"}
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_in_use_is_told_that_alerts_changed(locked):
    with browser(locked, locked.key("rates:read")) as reader, locked.client(locked.key()) as client:
        with reader.stream("GET", "/live", timeout=20) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            assert next(lines) == "retry: 5000"
            send(client, injected("west", "w1", "2024-03-01"))
            assert "event: alerts" in (line for line in lines)
        cut_off = {"last-event-id": "0"}
        with reader.stream("GET", "/live", headers=cut_off, timeout=20) as stream:
            assert "event: alerts" in stream.iter_lines()
        with reader.stream("GET", "/live?after=0", timeout=20) as stream:
            assert "event: alerts" in stream.iter_lines()
        assert "at west" in reader.get("/open-alerts").text
    with browser(locked, locked.key(facilities=("north",))) as north:
        assert "west" not in north.get("/open-alerts").text


# Without keys


def test_where_no_key_is_needed_nobody_is_asked_for_one(start_service):
    with start_service(auth="off") as service, browser(service) as anybody:
        assert anybody.get("/sign-in").headers["location"] == "/"
        empty = anybody.get("/")
        assert empty.status_code == 200
        assert Page(empty.text).headings[1] == (2, "Nothing has arrived yet")
        assert f"curl {service.base_url}/v1/events" in empty.text
        assert "Authorization" not in empty.text
        assert "Sign out" not in empty.text

        (event,) = re.findall(r"-d &#39;(.*?)&#39;|-d '(.*?)'</code>", empty.text, re.DOTALL)
        sent = "".join(event).replace("&#34;", '"')
        headers = {"content-type": "application/json"}
        assert anybody.post("/v1/events", content=sent, headers=headers).status_code == 201
        filled = anybody.get("/")
        assert "Nothing has arrived yet" not in filled.text
        assert "No open alerts" in filled.text
        assert Page(filled.text).headings[0][0] == 1


def test_a_service_that_others_reach_sends_its_cookie_over_tls_only(start_service):
    with start_service(host="0.0.0.0") as service, browser(service) as reader:
        form = reader.get("/sign-in")
        assert "only over https" in form.text
        answer = reader.post("/sign-in", data={"key": service.key("rates:read")})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-graftwatch=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
