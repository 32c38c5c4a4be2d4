"""The API's own pages: the description, the page that shows it, and each kind of problem.

In:     the application's routes.
Out:    `/docs` with Swagger UI from this service, `/problems/{name}`.
Source: swagger-ui-dist 5.35.0 from npm (Apache-2.0, its licence beside it), nothing else loaded.
"""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from service.api.problem_types import PROBLEMS
from service.errors import NotFound

STATIC = Path(__file__).parent / "static" / "swagger-ui"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Graftwatch API</title>
<link rel="icon" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<main id="swagger-ui" data-openapi="openapi.json"></main>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/initialise.js"></script>
<noscript>This page needs JavaScript. The same is in <a href="openapi.json">openapi.json</a>.
</noscript>
</body>
</html>
"""

router = APIRouter(tags=["service"])


@router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
def show_documentation() -> HTMLResponse:
    """The page on which the API can be read and tried."""
    return HTMLResponse(PAGE)


@router.get("/problems/{name}")
def explain_problem(name: str) -> dict[str, Any]:
    """Tell what a problem's `type` means and what to do about it."""
    found = PROBLEMS.get(name)
    if found is None:
        raise NotFound(f"The kinds of problem are {', '.join(sorted(PROBLEMS))}.")
    return {"type": f"/problems/{name}", **found._asdict()}


def serve_assets(app: FastAPI) -> None:
    """Serve the files that `/docs` needs."""
    app.mount("/docs/assets", StaticFiles(directory=STATIC), name="docs_assets")
