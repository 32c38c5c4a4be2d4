"""What concerns the whole network is not for a key bound to some facilities.

In:     whoever asks.
Out:    nothing, or `Forbidden`, or `BadQuery` where a place is to be named.
Source: docs/api.md: a bound key sees and writes nothing else; docs/decisions/0007.
"""

from service.api.access import Principal
from service.errors import BadQuery, Detail, Forbidden


def require_network(principal: Principal) -> None:
    """Raise `Forbidden` for a key bound to facilities: baselines and monitors are everybody's."""
    if principal.facilities is not None:
        raise Forbidden(
            "This key is bound to facilities, and this would change what all others are told.",
            code="network_not_allowed",
        )


PUBLISHED_RATE = "Ask for a published rate with `baseline=`, see `GET /v1/baselines`."
PUBLISHED_STANDARD = "Ask for a published standard, such as `standard=who_2000_2025`."


def require_network_rate(principal: Principal, instead: str = PUBLISHED_RATE) -> None:
    """Raise `Forbidden` for a key bound to facilities: its own figures beside the network's would
    give away what all others had. `instead` tells what it may ask for.
    """
    if principal.facilities is not None:
        raise Forbidden(
            "This key is bound to facilities, and the network's own figures are not theirs to see: "
            f"less their own they tell those of the others. {instead}",
            code="network_not_allowed",
        )


def require_a_place(principal: Principal, pointer: str) -> None:
    """Raise `BadQuery` for a key bound to facilities, which must name one of them."""
    if principal.facilities is not None:
        message = "This key is bound to facilities: name one of them in `facility`."
        detail = Detail(pointer, "facility_needed", message)
        raise BadQuery("The network is not this key's to see.", details=(detail,))
