"""Every error that Graftwatch raises, in one tree.

GraftwatchError
├── BadRequest            the caller can put it right
│   ├── Unreadable        the body is no JSON, no UTF-8, too long, …
│   ├── BadQuery          a parameter, or a combination of them, means nothing
│   └── MeasureMismatch   a comparison between measures that are not the same kind
├── NotFound              nothing of that name, or not for this key
├── Conflict              the thing is not in a state that allows it
├── Unauthorised          no key, or none that is valid
├── Forbidden             the key does not reach so far
├── TooManyRequests       the key has sent more than it may, for now
├── Overloaded            more waits than can be taken in just now
├── Unavailable           the database cannot be used just now
├── Unsent                a service elsewhere did not take what was sent to it
└── LedgerOutOfDate       the ledger was counted under other rules: `graftwatch rebuild`

Translated to HTTP in one place, `service.api.problems`. No message holds a patient's value.
"""

from typing import NamedTuple


class Detail(NamedTuple):
    """One fault: where it is (a JSON pointer or a parameter), its code, and what to do."""

    pointer: str
    code: str
    message: str


class GraftwatchError(Exception):
    """Something went wrong that has a name; `code` is stable, the message is for people."""

    code = "error"

    def __init__(
        self, message: str, *, code: str | None = None, details: tuple[Detail, ...] = ()
    ) -> None:
        """Keep the message, a finer code where there is one, and every single fault."""
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details


class BadRequest(GraftwatchError):
    """The caller can put it right."""

    code = "bad_request"


class Unreadable(BadRequest):
    """The body cannot be read at all."""

    code = "unreadable"


class BadQuery(BadRequest):
    """A parameter, or a combination of parameters, means nothing."""

    code = "bad_query"


class MeasureMismatch(BadRequest):
    """Two figures of different kinds cannot be compared."""

    code = "measure_mismatch"


class NotFound(GraftwatchError):
    """Nothing of that name, or not for this key."""

    code = "not_found"


class Conflict(GraftwatchError):
    """The thing is not in a state that allows it."""

    code = "conflict"


class Unauthorised(GraftwatchError):
    """No key, or none that is valid."""

    code = "unauthorised"


class Forbidden(GraftwatchError):
    """The key does not reach so far."""

    code = "forbidden"


class TooManyRequests(GraftwatchError):
    """The key has sent more requests than it may, for now."""

    code = "too_many_requests"


class Overloaded(GraftwatchError):
    """More waits than can be taken in just now; nothing was kept of it."""

    code = "overloaded"


class Unavailable(GraftwatchError):
    """The database cannot be used just now; what it was asked last may have been done or not."""

    code = "unavailable"


class Unsent(GraftwatchError):
    """A service elsewhere did not take what was sent to it; what it took stays there."""

    code = "unsent"


class LedgerOutOfDate(GraftwatchError):
    """The ledger's sums were counted under other rules than the ones now set."""

    code = "ledger_out_of_date"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "The ledger was counted under other rules (followup_grace_days or case definitions) "
            "than the ones now set, or a rebuild under other rules was cut. Run `graftwatch "
            "rebuild --apply` to count it again or to go on, or set the rules back."
        )
