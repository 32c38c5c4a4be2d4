"""What mkdocs adds while it builds: the API's description, and every decision in the navigation.

In:     the service's own `/openapi.json`, made without a database; Swagger UI as the service
        has it; the pages of docs/decisions/.
Out:    `openapi.json` and `assets/swagger-ui/` in the site, a table of routes in openapi.md.
Source: https://www.mkdocs.org/user-guide/configuration/#hooks.
"""

import json
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from service.api.documentation import STATIC
from service.main import create_app
from service.settings import Settings

ROUTES = "<!-- routes -->"
HEAD = "| route | what it does |\n|---|---|"
METHODS = ("get", "post", "put", "patch", "delete")
FOLDER_OF_DECISIONS = "decisions/"
SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE")

Description = dict[str, Any]


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
    """Write the table of routes where a page asks for it."""
    return markdown.replace(ROUTES, routes(described())) if ROUTES in markdown else markdown


def described() -> Description:
    """The service's description of itself; no database is opened for it."""
    return create_app(Settings(database_url="sqlite://")).openapi()


def routes(description: Description) -> str:
    """A table of routes for each subject: first those that are described, in their order."""
    told = {subject["name"]: subject["description"] for subject in description["tags"]}
    tables: dict[str, list[str]] = {name: [] for name in told}
    for path, method, operation in operations(description):
        subject = operation.get("tags", ["service"])[0]
        row = f"| `{method.upper()} {path}` | {operation.get('summary', '')} |"
        tables.setdefault(subject, []).append(row)
    return "\n\n".join(
        "\n".join([f"## {name}\n\n{told.get(name, '')}\n\n{HEAD}", *rows])
        for name, rows in tables.items()
    )


def operations(description: Description) -> list[tuple[str, str, Description]]:
    """Every operation with its path and method."""
    return [
        (path, method, item[method])
        for path, item in description["paths"].items()
        for method in METHODS
        if method in item
    ]
