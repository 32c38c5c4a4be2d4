"""Each page in a real browser: with data and empty, by day and by night, on a phone and a wall."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, accept, fits
from tests.journeys.conftest import Service
from tests.journeys.watched import injected, send


def alerts_of(service: Service, **wanted: str) -> list[str]:
    """The ids of alerts, the newest first."""
    items = httpx.get(f"{service.base_url}/v1/alerts", params={"limit": 500}).json()["items"]
    return [one["id"] for one in items if wanted.items() <= one.items()]


def case_of(service: Service, kind: str) -> tuple[str, str]:
    """Whoever stands first in an alert of a kind: facility and pseudonym."""
    alert = httpx.get(f"{service.base_url}/v1/alerts/{alerts_of(service, kind=kind)[0]}").json()
    case = alert["cases"][0]
    return case["facility"], case["patient"]


PAGES = {
    "overview": "/",
    "alerts": "/alerts",
    "rates": "/rates?by=agent&infection_type=ntm",
    "rates-over-time": "/rates?by=transplant_type&infection_type=ntm&interval=year",
    "rates-refused": "/rates?by=agnt&level=3",
    "facilities": "/facilities",
    "facility": "/facilities/net-02",
    "baselines": "/baselines",
    "data-quality": "/data-quality",
}
WINDOWS = {"desk": {}, "phone-by-night": {"width": 390, "dark": True}}


@pytest.mark.parametrize("window", WINDOWS)
def test_pages_with_data_are_in_order(demonstration: Service, visit: Visit, window: str) -> None:
    for name, path in PAGES.items():
        page = visit(demonstration.base_url + path, **WINDOWS[window])
        forgive_refusal(page, name)
        accept(page, f"{name}-{window}")


def test_pages_fit_a_wall(demonstration: Service, visit: Visit) -> None:
    """As at a desk, but for the room: axe has nothing new to say."""
    for name, path in PAGES.items():
        page = visit(demonstration.base_url + path, width=2560)
        forgive_refusal(page, name)
        fits(page, f"{name}-wall")


def forgive_refusal(page: Page, name: str) -> None:
    """The browser itself tells the console that a page came with 422."""
    if name == "rates-refused":
        complaints = page.complaints  # type: ignore[attr-defined]
        assert [text for text in complaints if "422" in text] == complaints != []
        complaints.clear()


@pytest.mark.parametrize("kind", ["excess", "rise", "sentinel", "cluster"])
def test_the_page_of_an_alert_is_in_order(demonstration: Service, visit: Visit, kind: str) -> None:
    address = f"{demonstration.base_url}/alerts/{alerts_of(demonstration, kind=kind)[0]}"
    page = visit(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    drawn = page.get_by_role("img", name="day by day")
    expect(drawn).to_have_count(1 if kind in ("excess", "rise") else 0)
    expect(page.get_by_role("img", name="of onset")).to_have_count(1)
    accept(page, f"alert-{kind}")


def test_the_page_of_a_patient_is_in_order(demonstration: Service, visit: Visit) -> None:
    facility, patient = case_of(demonstration, "excess")
    page = visit(f"{demonstration.base_url}/facilities/{facility}/patients/{patient}")
    expect(page.get_by_role("img", name="The patient’s course")).to_be_visible()
    accept(page, "patient")


def test_empty_pages_say_so(empty: Service, visit: Visit) -> None:
    page = visit(empty.base_url + "/sign-in")
    accept(page, "sign-in")
    sign_in(page, empty.key())
    for name, path in PAGES.items():
        if name != "facility":
            page.goto(empty.base_url + path)
            forgive_refusal(page, name)
            accept(page, f"{name}-empty")


def sign_in(page: Page, key: str) -> None:
    """As a person does."""
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_an_alert_arrives_while_somebody_looks(empty: Service, visit: Visit) -> None:
    """Nobody reloads: the list changes, and whoever hears the page is told."""
    key = empty.key()
    with empty.client(key) as client:
        send(client, injected("north", "p1", "2024-01-01")[:1])
        page = visit(empty.base_url + "/sign-in")
        sign_in(page, key)
        expect(page.get_by_role("heading", name="No open alerts")).to_be_visible()
        send(client, injected("south", "p2", "2024-01-01"))
    expect(page.get_by_role("heading", name="1 alert to look at")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The list of alerts has changed.")
    accept(page, "overview-live")


def test_whatever_somebody_looks_at_an_arriving_alert_is_told(empty: Service, visit: Visit) -> None:
    """With a way to it; what came while a page was out of sight is told when it is seen again."""
    key = empty.key()
    page = visit(empty.base_url + "/sign-in")
    sign_in(page, key)
    news = page.locator("#live-told")
    with empty.client(key) as client:
        for name, path in PAGES.items():
            if name in ("overview", "facility"):  # the one shows the list, the other is not there
                continue
            page.goto(empty.base_url + path)
            forgive_refusal(page, name)
            expect(news).to_have_attribute("data-heard", re.compile("[0-9]"))
            assert news.inner_text() == ""
            show(page, is_shown=name != "baselines")
            send(client, injected(f"near-{name}", "p1", "2024-01-01"))
            show(page, is_shown=True)
            expect(news).to_have_text("The list of alerts has changed. Open alerts")
            fits(page, f"{name}-news")
    accept(page, f"{name}-news")
    page.get_by_role("link", name="Open alerts").click()
    expect(page.get_by_role("heading", name="alerts to look at")).to_be_visible()


def show(page: Page, *, is_shown: bool) -> None:
    """Bring a page before somebody's eyes, or behind another."""
    page.evaluate(
        """isShown => {
            Object.defineProperty(document, "hidden", { value: !isShown, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_shown,
    )


def test_an_alert_is_acknowledged_commented_on_closed_and_reopened(
    empty: Service, visit: Visit
) -> None:
    """By keyboard where it matters; somebody without the scope is offered nothing."""
    with empty.client(empty.key()) as client:
        send(client, injected("south", "p2", "2024-01-01"))
    page = visit(empty.base_url + "/sign-in")
    sign_in(page, empty.key())
    page.locator("#alerts h3 a").first.click()
    page.get_by_label("Note").fill("Looking into it")
    page.get_by_role("button", name="Acknowledge").press("Enter")
    history = page.locator(".history")
    expect(history).to_contain_text("Acknowledged by test")
    expect(history).to_contain_text("Looking into it")
    page.get_by_label("Note").fill("Reagent sent for culture")
    page.get_by_role("button", name="Comment").click()
    expect(history).to_contain_text("Reagent sent for culture")
    page.get_by_label("It turned out to be").select_option("pseudo_outbreak")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dl.fresh")).to_contain_text("pseudo outbreak")
    accept(page, "alert-closed")
    page.get_by_role("button", name="Reopen").click()
    expect(history).to_contain_text("Reopened by test")

    reader = visit(empty.base_url + "/sign-in")
    sign_in(reader, empty.key("rates:read"))
    reader.goto(page.url)
    expect(reader.get_by_role("button", name="Comment")).to_have_count(0)
    assert "p2" not in reader.content()


def test_the_explorer_asks_what_is_ticked(demonstration: Service, visit: Visit) -> None:
    """The address is the API's question, and the CSV and the command are the same one."""
    page = visit(demonstration.base_url + "/rates")
    page.get_by_label("Transplant type", exact=True).first.check()
    page.get_by_text("Which infections").click()
    page.locator("summary", has_text="Infection type").click()
    page.get_by_label("NTM", exact=True).check()
    page.get_by_role("button", name="Show").click()
    assert page.url.split("?")[1] == "by=transplant_type&infection_type=ntm"
    asked = {"by": "transplant_type", "infection_type": "ntm"}
    rows = httpx.get(f"{demonstration.base_url}/v1/rates", params=asked).json()["rows"]
    table = page.get_by_role("table")
    expect(table.locator("tbody tr")).to_have_count(len(rows))
    shown = [int(text) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert shown == [row["cases"] for row in rows]
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download as CSV").click()
    text = begun.value.path().read_text()
    assert text.count("\nrow,") == len(rows)
    command = page.locator("#curl").inner_text()
    assert f"{demonstration.base_url}/v1/rates?by=transplant_type&infection_type=ntm" in command


def test_everything_is_reached_by_keyboard(demonstration: Service, visit: Visit) -> None:
    page = visit(demonstration.base_url + "/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith("/alert")


def test_without_scripts_every_page_still_tells_everything(
    demonstration: Service, visit: Visit
) -> None:
    for path in PAGES.values():
        page = visit(demonstration.base_url + path, java_script_enabled=False)
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_paper_holds_the_page(demonstration: Service, visit: Visit) -> None:
    page = visit(demonstration.base_url + "/")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("table").first).to_be_visible()
