"""Small forms: from a page of this service and of nobody else, and not endless.

In:     a request that sends a form.
Out:    its fields, or `Forbidden`.
Source: docs/decisions/0008-dashboard-sessions.md; OWASP, Cross-Site Request Forgery Prevention.
"""

from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from service.errors import Forbidden

LONGEST_FORM_BYTES = 16_384
"""A note of 2,000 characters, none of them ASCII."""


def require_own_page(request: Request) -> None:
    """Refuse a form that another site sent.

    Browsers say where a form comes from; `Sec-Fetch-Site` cannot be set by a page, and `Origin`
    stands in for it where a browser leaves it out because the address is not https.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_own = site == "same-origin"
    else:
        origin, host = request.headers.get("origin", ""), request.headers.get("host", "")
        is_own = bool(host) and urlsplit(origin).netloc == host
    if not is_own:
        raise Forbidden("Use the forms on the pages of this service.")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form, each once."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM_BYTES:
            raise Forbidden("The form is larger than any of this service's.")
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    return {name: values[0] for name, values in fields.items()}
