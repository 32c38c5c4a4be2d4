"""Tables of the site that are written from what the service itself ships.

In:     the API's description; the published figures.
Out:    Markdown.
Source: service/api/openapi.py; service/reference/data/baselines.json.
"""

from collections.abc import Iterable
from typing import Any

from service.dashboard.published import cited
from service.reference.baselines import Baseline, Source

METHODS = ("get", "post", "put", "patch", "delete")
HEAD = "| route | what it does |\n|---|---|"

Description = dict[str, Any]


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


def published(baselines: Iterable[Baseline]) -> str:
    """Each source once, with the figures taken from it, in the order in which they ship."""
    by_source: dict[Source, list[Baseline]] = {}
    for baseline in baselines:
        by_source.setdefault(baseline.source, []).append(baseline)
    return "\n\n".join(
        "\n".join([f"{cited(source)}\n", *map(figure, figures)])
        for source, figures in by_source.items()
    )


def figure(baseline: Baseline) -> str:
    """One published figure as an entry of a list."""
    parts = [
        f"- **{baseline.title}**: {baseline.printed} ({baseline.measure.replace('_', ' ')}, ",
        f"`{baseline.id}`). ",
        "Watched out of the box. " if baseline.monitored else "",
        "Not verified in the source. " if not baseline.verified else "",
        f"{baseline.caveat}." if baseline.caveat else "",
    ]
    return "".join(parts).rstrip()
