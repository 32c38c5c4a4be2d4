"""A sign-in leads nowhere but to pages of this service."""

import pytest

from service.dashboard.routes import way_back


@pytest.mark.parametrize("own", ["/", "/alerts/alert-8000-0"])
def test_it_leads_back_to_the_page_asked_for(own):
    assert way_back(own) == own


@pytest.mark.parametrize(
    "other",
    [
        "",
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere",
        "/alerts/../x",
        "/x\n",
    ],
)
def test_it_leads_to_the_first_page_instead_of_elsewhere(other):
    assert way_back(other) == "/"
