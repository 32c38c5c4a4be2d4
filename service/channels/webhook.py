"""Webhooks by the Standard Webhooks specification.

In:     a URL, secrets, a message.
Out:    what came of one signed POST; nothing of the answer but its status is read.
Source: docs/delivery.md; https://www.standardwebhooks.com; httpx, "Extensions" (`sni_hostname`).
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from service import __version__
from service.channels.guard import Blocked, Place, Rules, checked_address, read_place
from service.channels.signing import signed_headers
from service.domain.delivery_outcomes import Outcome, outcome_of

AGENT = f"Graftwatch/{__version__}"
TIMEOUT = httpx.Timeout(10.0, connect=5.0)


class Webhooks:
    """Sends to webhooks; follows no redirect, uses no proxy, keeps no cookie."""

    def __init__(self, rules: Rules) -> None:
        """Nothing is connected yet."""
        self._rules = rules
        self._trusted = httpx.create_ssl_context()

    async def send(
        self,
        url: str,
        secrets: Sequence[str],
        message_id: str,
        document: dict[str, Any],
        now: datetime,
    ) -> Outcome:
        """Send a document once."""
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": AGENT,
            **signed_headers(secrets, message_id, int(now.timestamp()), body),
        }
        try:
            place = read_place(url, self._rules)
            address = await checked_address(place, self._rules)
            return await self._post(place, str(address), headers, body)
        except Blocked as fault:
            return Outcome("blocked", reason=fault.reason)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as fault:
            return Outcome("failed", reason=type(fault).__name__)

    async def _post(
        self, place: Place, address: str, headers: dict[str, str], body: bytes
    ) -> Outcome:
        """POST to an address in the name of a host."""
        literal = f"[{address}]" if ":" in address else address
        async with (
            httpx.AsyncClient(verify=self._trusted, trust_env=False, timeout=TIMEOUT) as client,
            client.stream(
                "POST",
                f"{place.scheme}://{literal}:{place.port}{place.path}",
                content=body,
                headers={**headers, "host": place.authority},
                extensions={"sni_hostname": place.host},
                follow_redirects=False,
            ) as answer,
        ):
            return outcome_of(answer.status_code, answer.headers.get("retry-after"))
