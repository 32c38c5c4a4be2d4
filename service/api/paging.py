"""Pages of a list: an opaque cursor, the next page's address, and the `Link` that names it.

In:     the request, and the key after which the next page begins.
Out:    `next` and RFC 8288's header; a cursor read back, or the problem that it is none of ours.
Source: docs/api.md.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import Request

from service.errors import BadQuery, Detail

Key = TypeVar("Key")


def next_page(request: Request, after: Any) -> str | None:
    """The address of the page that begins after a key; None where there is none."""
    if after is None:
        return None
    cursor = urlsafe_b64encode(msgspec.json.encode(after)).decode().rstrip("=")
    kept = [pair for pair in parse_qsl(request.url.query) if pair[0] != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def link_to(following: str | None) -> Mapping[str, str]:
    """The header that names the next page."""
    return {"link": f'<{following}>; rel="next"'} if following else {}


def key_in(cursor: str | None, shape: type[Key]) -> Key | None:
    """The key in a cursor; raises `BadQuery` for one that this service did not give out."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(urlsafe_b64decode(padded), type=shape)
    except (ValueError, msgspec.DecodeError):
        message = "Not a cursor of this service: follow `next` as it was given."
        raise BadQuery(message, details=(Detail("?cursor", "bad_cursor", message),)) from None
