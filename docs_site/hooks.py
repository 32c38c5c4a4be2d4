"""What mkdocs adds while it builds: the API's description, and every decision in the navigation.

In:     the service's own `/openapi.json`, made without a database; Swagger UI as the service
        has it; the pages of docs/decisions/.
Out:    `openapi.json` and `assets/swagger-ui/` in the site; tables where a page asks for them.
Source: https://www.mkdocs.org/user-guide/configuration/#hooks.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs_site.tables import Description, published, routes
from service.api.documentation import STATIC
from service.main import create_app
from service.reference.baselines import shipped_baselines
from service.settings import Settings

TABLES: dict[str, Callable[[], str]] = {
    "<!-- routes -->": lambda: routes(described()),
    "<!-- published figures -->": lambda: published(shipped_baselines()),
}
FOLDER_OF_DECISIONS = "decisions/"
SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision where the navigation names their folder."""
    for section in config.nav or []:
        for title, target in section.items():
            if target == FOLDER_OF_DECISIONS:
                section[title] = decisions(Path(config.docs_dir))
    return config


def decisions(docs: Path) -> list[str]:
    """The pages of the decisions, the list of them first."""
    pages = sorted(path.name for path in (docs / FOLDER_OF_DECISIONS).glob("[0-9]*.md"))
    return [FOLDER_OF_DECISIONS + name for name in ["README.md", *pages]]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the description and what shows it."""
    text = json.dumps(described(), ensure_ascii=False)
    files.append(File.generated(config, "openapi.json", content=text))
    for name in SWAGGER_UI:
        place = f"assets/swagger-ui/{name}"
        files.append(File.generated(config, place, abs_src_path=str(STATIC / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Write a table where a page asks for it."""
    for mark, table in TABLES.items():
        if mark in markdown:
            markdown = markdown.replace(mark, table())
    return markdown


def described() -> Description:
    """The service's description of itself; no database is opened for it."""
    return create_app(Settings(database_url="sqlite://")).openapi()
