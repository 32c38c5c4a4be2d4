"""Pages as answers: templates filled, with headers that let in nothing from elsewhere.

In:     a template's name and what it shows.
Out:    `HTMLResponse`s; everything that is filled in is escaped.
Source: Jinja2's autoescape; CSP level 3. Style and script come from `static/`, by their hash.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from service import __version__
from service.dashboard import words
from service.dashboard.bars import draw_bars
from service.dashboard.charts import draw
from service.dashboard.curves import draw_curve, draw_spark
from service.dashboard.lanes import draw_lanes
from service.dashboard.scatters import draw_funnel
from service.dashboard.viewers import Viewer
from service.errors import NotFound

HERE = Path(__file__).parent
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # Not `no-referrer`: with it a browser sends `Origin: null`, and signing in asks for the origin.
    "referrer-policy": "same-origin",
}


class Asset(NamedTuple):
    """A file that pages need."""

    content: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """The files by name."""
    found = {}
    for file in sorted((HERE / "static").iterdir()):
        if file.suffix in MEDIA_TYPES:
            content = file.read_bytes()
            digest = sha256(content).hexdigest()[:12]
            found[file.name] = Asset(content, MEDIA_TYPES[file.suffix], digest)
    return found


def asset(name: str) -> Asset:
    """One file; raises `NotFound` for a name that is none of them."""
    if name not in assets():
        raise NotFound("No such file.")
    return assets()[name]


def asset_url(name: str) -> str:
    """Where a file is served; another content has another address."""
    return f"/assets/{name}?v={asset(name).digest}"


@cache
def templates() -> Environment:
    """The templates, which know how to show numbers, days and plots."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        counted=words.counted,
        instant=words.instant,
        day=words.day,
        number=words.number,
        plot=draw,
        curve=draw_curve,
        spark=draw_spark,
        bars=draw_bars,
        funnel=draw_funnel,
        lanes=draw_lanes,
        term=words.term,
        count=words.count,
    )
    environment.globals.update(asset_url=asset_url, version=__version__)
    return environment


def page(template: str, viewer: Viewer | None, *, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page; `viewer` is None where nobody is signed in."""
    html = templates().get_template(template).render(viewer=viewer, **shown)
    return HTMLResponse(html, status_code=status, headers=HEADERS)
