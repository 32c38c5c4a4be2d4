"""What the scopes of SMART open here.

In:     the scopes that a client asks for, and those it is registered with.
Out:    the service's own scopes, or `ScopeRefused`.
Source: SMART App Launch 2.2, "Scopes for requesting FHIR resources"; docs/access.md.

A client is registered with the service's own scopes. It may ask for them by their own names, or by
those names of SMART that mean the same; a name that would have to open less or more is not known.
Nothing of SMART's opens patients: no FHIR route shows any.
"""

from collections.abc import Collection, Mapping

from service.api.access import Scope
from service.errors import BadRequest

READING = frozenset({Scope.RATES_READ})
WRITING = frozenset({Scope.EVENTS_WRITE})
OPENS: Mapping[str, frozenset[Scope]] = {
    **{
        f"system/{kind}.{verb}": READING
        for kind in ("*", "MeasureReport", "DetectedIssue")
        for verb in ("rs", "s", "read")
    },
    "system/*.cud": WRITING,
    "system/*.write": WRITING,
    "system/*.cruds": READING | WRITING,
    "system/*.*": READING | WRITING,
    **{scope.value: frozenset({scope}) for scope in Scope},
}
MOST_ASKED = 50


class ScopeRefused(BadRequest):
    """A scope that is not known, or that the client was not registered with."""

    code = "invalid_scope"


def granted(asked: str, registered: Collection[str]) -> frozenset[Scope]:
    """What a client gets that asks for these scopes; all of them, or it is refused.

    >>> sorted(granted("system/*.rs", {"rates:read"}))
    [<Scope.RATES_READ: 'rates:read'>]
    """
    may_ask = {name for name, opens in OPENS.items() if opens <= set(registered)}
    names = asked.split(" ", MOST_ASKED) if asked else []
    if not names or not may_ask.issuperset(names):
        raise ScopeRefused(
            "Ask for one or more of the scopes this client is registered with, parted by single "
            f"spaces: {', '.join(sorted(may_ask))}."
        )
    return frozenset().union(*(OPENS[name] for name in names))
