"""Keep webhooks from reaching into networks that they have no business in.

In:     an address as somebody typed it; what the operator allows.
Out:    the one network address to connect to, or `Blocked`.
Source: OWASP, "Server-Side Request Forgery Prevention Cheat Sheet"; docs/delivery.md;
        IANA special-purpose address registries, by `ipaddress`.

A name is resolved here, every address found must be allowed, and the connection goes to one that
was checked: a name that points elsewhere a moment later changes nothing.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
)
"""Where clouds tell a machine its own credentials: never, whatever is allowed."""

TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
"""IPv6 addresses whose last 32 bits are an IPv4 address (RFC 6052, RFC 8215, RFC 4291)."""

PORTS = {"https": 443, "http": 80}
LONGEST_URL = 2000


class Blocked(ValueError):
    """Nothing is sent there; `reason` is a word for the log, the text says what is allowed."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed besides https to public addresses."""

    allows_http: bool = False
    networks: tuple[Network, ...] = ()


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks separated by commas; raises `ValueError` for anything else.

    >>> read_networks("10.1.0.0/16, fd12::/32")[0]
    IPv4Network('10.1.0.0/16')
    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address points: scheme, host, port, and the rest of it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the `Host` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_place(url: str, rules: Rules) -> Place:
    """Where a URL points; raises `Blocked` for one that is refused by its looks alone."""
    schemes = "https:// or http://" if rules.allows_http else "https://"
    if len(url) > LONGEST_URL or any(ord(sign) <= 32 or ord(sign) > 126 for sign in url):
        raise Blocked("bad_url", "A URL has at most 2000 characters, ASCII, without white space.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Blocked("bad_url", "This is not a URL.") from None
    if parts.scheme not in PORTS or (parts.scheme == "http" and not rules.allows_http):
        raise Blocked("scheme", f"The URL must begin with {schemes}.")
    if not host or parts.username is not None or parts.fragment or "\\" in url:
        raise Blocked("bad_url", "A URL needs a host, and no user, password or fragment.")
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    place = Place(parts.scheme, host, port or PORTS[parts.scheme], path + query)
    literal = _literal(host)
    if literal is not None:
        require_allowed([literal], rules)
    return place


async def checked_address(place: Place, rules: Rules) -> Address:
    """An address of the host that may be connected to; raises `Blocked`, or `OSError`."""
    literal = _literal(place.host)
    if literal is not None:
        found = [literal]
    else:
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        found = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    require_allowed(found, rules)
    return found[0]


def require_allowed(addresses: Sequence[Address], rules: Rules) -> None:
    """Raise `Blocked` unless every address is public, or in a network that is allowed."""
    if not addresses or not all(is_allowed(address, rules.networks) for address in addresses):
        raise Blocked(
            "address",
            "Webhooks go to public addresses only. An operator may allow networks of the hospital "
            "in GRAFTWATCH_WEBHOOK_NETWORKS.",
        )


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """May be connected to: public, or in one of the networks, and no cloud's metadata.

    >>> [is_allowed(ip_address(text), ()) for text in ("1.1.1.1", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    address = _unwrapped(address)
    if address in METADATA:
        return False
    if any(address in network for network in networks):
        return True
    return address.is_global and not address.is_multicast


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where a gateway would take it out."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in TRANSLATED) and int(address) > 1:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    return inner or address


def _literal(host: str) -> Address | None:
    """The address that a host is by itself; None for a name.

    What looks like a number is read as the system's resolver does: 127.1 and 0x7f000001 are
    127.0.0.1.
    """
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
