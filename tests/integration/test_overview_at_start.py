"""While the service still reads its figures after a start, the first page shows alerts at once."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from service.dashboard.memory import Memory
from service.dashboard.overview import overview
from service.dashboard.rendering import page
from service.dashboard.viewers import Viewer
from service.pipeline.catalogue import put_baseline
from service.pipeline.comparisons import read_ahead
from service.pipeline.surveillance import Surveillance
from service.store.engine import Database
from tests.integration.test_look import send
from tests.properties.test_kept_series import FIRST_NTM

BEING_READ = "still reads its figures into memory"
VIEWER = Viewer("test", frozenset({"rates:read", "patients:read"}))


@pytest.fixture
def surveillance(migrated_url: str) -> Iterator[Surveillance]:
    with closing(Database(migrated_url)) as database:
        yield Surveillance(database)


def shown(surveillance: Surveillance) -> str:
    found = overview(surveillance, VIEWER, Memory())
    html = bytes(page("overview.html", VIEWER, overview=found, base_url="http://x").body).decode()
    assert "No open alerts" in html
    return html


def test_the_page_says_so_until_they_are_read(
    surveillance: Surveillance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.dashboard.overview.PATIENCE_SECONDS", 0.01)
    with surveillance.write() as connection:
        put_baseline(connection, surveillance, FIRST_NTM, [])
    send(surveillance, 1)
    surveillance.database.is_ready.clear()
    html = shown(surveillance)
    assert BEING_READ in html
    assert "NTM by transplant type" not in html
    surveillance.database.keep_sums(lambda: read_ahead(surveillance))
    assert surveillance.database.is_ready.wait(60)
    assert surveillance.kept_series.published.series
    html = shown(surveillance)
    assert BEING_READ not in html
    assert "published-caption" in html
    assert "NTM by transplant type" in html
