"""The pictures of docs/, taken from the demonstration: `make screenshots` puts them in place."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ARTEFACTS, Visit
from tests.browser.test_pages import alerts_of, case_of
from tests.journeys.conftest import Service

FOLDER = ARTEFACTS / "docs"
MARGIN = 16
NOTE = "Asked all five centres for product, lot and date of injection."


class Picture(NamedTuple):
    """Where to look, what to look at (the whole window without it), and what to do before."""

    path: Callable[[Service], str]
    part: Callable[[Page], Locator] | None = None
    before: Callable[[Page], object] = lambda page: None
    height: int = 900


def alert(kind: str) -> Callable[[Service], str]:
    return lambda service: f"/alerts/{alerts_of(service, kind=kind)[0]}"


def patient(service: Service) -> str:
    facility, pseudonym = case_of(service, "excess")
    return f"/facilities/{facility}/patients/{pseudonym}"


def section(heading: str) -> Callable[[Page], Locator]:
    return lambda page: page.locator(f"section[aria-labelledby={heading}]")


PICTURES = {
    "overview": Picture(lambda _: "/", height=1000),
    "published-figures": Picture(
        lambda _: "/", lambda page: page.locator("section.published-figures figure").first
    ),
    "alert-cluster": Picture(alert("cluster")),
    "alert-evidence": Picture(alert("excess"), section("evidence-heading")),
    "alert-cases": Picture(alert("cluster"), section("cases-heading")),
    "alert-act": Picture(
        alert("cluster"), section("act-heading"), lambda page: page.get_by_label("Note").fill(NOTE)
    ),
    "rates": Picture(lambda _: "/rates?by=agent&infection_type=ntm"),
    "patient": Picture(patient),
    "facility": Picture(lambda _: "/facilities/net-02"),
}


def cut(page: Page, picture: Picture) -> dict[str, Any]:
    """How to take the part that is wanted, with a margin around it."""
    if picture.part is None:
        return {}
    box = picture.part(page).bounding_box()
    assert box is not None
    around = {"x": box["x"] - MARGIN, "y": box["y"] - MARGIN}
    size = {"width": box["width"] + 2 * MARGIN, "height": box["height"] + 2 * MARGIN}
    return {"clip": around | size}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_for_the_pages(demonstration: Service, visit: Visit, name: str) -> None:
    picture = PICTURES[name]
    page = visit(demonstration.base_url + picture.path(demonstration))
    # So high that nothing is scrolled, where a part is cut out.
    page.set_viewport_size({"width": 1280, "height": 6000 if picture.part else picture.height})
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    picture.before(page)
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}.png", **cut(page, picture))
    assert page.complaints == []  # type: ignore[attr-defined]
