"""Sign what is sent, so that a receiver knows who sent it and that it is whole and fresh.

In:     secrets, a message's id, an instant, a body.
Out:    the three headers of a signed message.
Source: Standard Webhooks, "Verifying webhook authenticity"; RFC 2104 (HMAC).
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_bytes

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret that nobody has had before."""
    return PREFIX + b64encode(token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    secrets: Sequence[str], message_id: str, seconds: int, body: bytes
) -> dict[str, str]:
    """The headers of a message signed with each of the secrets at so many seconds since 1970.

    >>> headers = signed_headers(
    ...     ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...     1614265330, b'{"test": 2432232314}')
    >>> headers["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signatures = " ".join(f"v1,{_signature(one, message_id, seconds, body)}" for one in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signatures,
    }


def _signature(secret: str, message_id: str, seconds: int, body: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    content = f"{message_id}.{seconds}.".encode() + body
    return b64encode(hmac.new(key, content, sha256).digest()).decode()
