"""The site of docs/: it is built without a warning, holds every page, and asks no other host.

In: docs/, mkdocs.yml, docs_site/. Out: a site in a folder of the test. Source: mkdocs.yml.
"""

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from service.main import create_app
from service.reference.baselines import shipped_baselines
from service.settings import Settings

pytest.importorskip("mkdocs", reason="the site is made with mkdocs: make docs")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LOADED = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("iframe", "src"),
    ("object", "data"),
}
OUTSIDE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)


class References(HTMLParser):
    """What a page loads, what it links to, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in LOADED and value:
                self.loaded.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)
            elif name == "id" and value:
                self.ids.add(value)


def build(folder: Path) -> Path:
    """The site, built into a folder without a warning."""
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, References]:
    """Every page of the site, read."""
    return {path: References(path) for path in site.rglob("*.html")}


def test_every_page_of_docs_is_in_the_navigation(site: Path, pages: dict[Path, References]) -> None:
    """From the first page each can be reached, as a reader does: link by link."""
    reached = {site / "index.html"}
    while fresh := {
        target
        for path in reached
        for target in targets(path, pages[path])
        if target in pages and target not in reached
    }:
        reached |= fresh
    written = {
        site / path.relative_to(DOCS).with_suffix(".html")
        for path in DOCS.rglob("*.md")
        if path.name != "README.md"
    }
    assert len(written) > 40
    assert written - reached == set()


def targets(path: Path, references: References) -> list[Path]:
    """The files that a page links to."""
    found = (urlsplit(link) for link in references.links)
    return [
        (path.parent / unquote(link.path)).resolve() if link.path else path
        for link in found
        if not link.scheme and not link.netloc
    ]


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[Path, References]) -> None:
    outside = {
        (path.relative_to(site), loaded)
        for path, references in pages.items()
        for loaded in references.loaded
        if OUTSIDE.match(loaded)
    }
    assert outside == set()


def test_no_style_loads_anything_from_elsewhere(site: Path) -> None:
    styles = [*site.rglob("*.css"), *site.rglob("*.html")]
    asked = {
        (path.name, found)
        for path in styles
        for found in re.findall(
            r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^)\"']+)", path.read_text()
        )
    }
    assert asked == set()


def test_whatever_a_page_loads_or_links_to_is_there(
    site: Path, pages: dict[Path, References]
) -> None:
    missing = {
        (path.relative_to(site), reference)
        for path, references in pages.items()
        if path.name != "404.html"  # its addresses are those of wherever it is served
        for reference in references.loaded + references.links
        if not is_there(path, reference, pages)
    }
    assert missing == set()


def is_there(path: Path, reference: str, pages: dict[Path, References]) -> bool:
    """Whether a reference from a page leads somewhere; of other hosts nothing is asked."""
    link = urlsplit(reference)
    if link.scheme or link.netloc:
        return True
    target = (path.parent / unquote(link.path)).resolve() if link.path else path
    if target.is_dir():
        target /= "index.html"
    named = not link.fragment or target not in pages or link.fragment.startswith("__")
    return target.is_file() and (named or unquote(link.fragment) in pages[target].ids)


def test_every_picture_is_shown(pages: dict[Path, References]) -> None:
    shown = {Path(loaded).name for page in pages.values() for loaded in page.loaded}
    assert {path.name for path in (DOCS / "images").iterdir()} - shown == set()


def test_lists_and_tables_are_not_left_as_typed(pages: dict[Path, References]) -> None:
    """What GitHub shows as a list must be one here: a blank line goes before it."""
    typed = re.compile(r"<p>[^<]*(?:<(?!/p>)[^<]*)*?\n(?:[-*] |\d+\. |\||```)")
    left = {path.name for path in pages if typed.search(path.read_text(encoding="utf-8"))}
    assert left == set()


def test_the_reference_is_the_services_own_description(
    site: Path, pages: dict[Path, References]
) -> None:
    described = create_app(Settings(database_url="sqlite://")).openapi()
    assert json.loads((site / "openapi.json").read_text()) == json.loads(json.dumps(described))
    page = site / "openapi.html"
    text = page.read_text(encoding="utf-8")
    assert [path for path in described["paths"] if path not in text] == []
    assert "assets/swagger-ui/swagger-ui-bundle.js" in pages[page].loaded
    assert 'data-openapi="openapi.json"' in text


def test_every_published_figure_stands_with_its_source(site: Path) -> None:
    text = (site / "published-figures.html").read_text(encoding="utf-8")
    assert [one.id for one in shipped_baselines() if f"<code>{one.id}</code>" not in text] == []
    dois = {one.source.doi for one in shipped_baselines() if one.source.doi}
    assert [doi for doi in dois if html.escape(doi, quote=False) not in text] == []


def test_the_words_of_every_page_can_be_found(site: Path, pages: dict[Path, References]) -> None:
    """The index lies beside the pages: no search machine is asked."""
    index = json.loads((site / "search" / "search_index.json").read_text())
    found = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert {path.relative_to(site).as_posix() for path in pages} - found == {"404.html"}
