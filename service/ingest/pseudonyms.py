"""Names that say nothing: keyed hashes of what hospitals call their patients and documents.

In:     the operator's secret, a facility, an identifier as the hospital's system has it.
Out:    a pseudonym, the same for the same identifier of the same facility.
Source: docs/patients.md; HMAC: RFC 2104; ISO/TS 25237 on pseudonymisation.

Each facility has a key of its own, derived from the secret: the same number at two hospitals gives
two pseudonyms that cannot be told to be one person. Without the secret no pseudonym can be worked
out from an identifier, nor checked against a list of them; it is in no table and in no log.
"""

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256
from hmac import digest

LENGTH = 26
"""130 bits: two of a billion patients share a pseudonym with a chance below 10^-20."""
LEAST_SECRET = 32


class Pseudonyms:
    """Gives pseudonyms under one secret.

    >>> names = Pseudonyms("a secret of at least 32 characters")
    >>> names.of_patient("ucd-01", "MRN 0012345")
    'p-zpxd2f6pb5ldycc7bzj73ocggd'
    """

    def __init__(self, secret: str) -> None:
        """ValueError for a secret that could be guessed."""
        if len(secret) < LEAST_SECRET:
            raise ValueError(f"a secret has at least {LEAST_SECRET} characters")
        self._secret = secret.encode()
        self._key_of = lru_cache(maxsize=1024)(self._derived)

    def of_patient(self, facility: str, identifier: str, assigned_by: str = "") -> str:
        """The patient's pseudonym; `assigned_by` names the register that the identifier is of."""
        return f"p-{self._hashed(facility, 'patient', assigned_by, identifier)}"

    def of_source(self, facility: str, kind: str, name: str) -> str:
        """The name under which a document of the hospital's is known: its own may hold a patient's.

        `kind` is short and stays legible.
        """
        return f"{kind}-{self._hashed(facility, 'source', kind, name)}"

    def _hashed(self, facility: str, *parts: str) -> str:
        message = "\x1f".join(part.strip() for part in parts).encode()
        hashed = digest(self._key_of(facility), message, sha256)
        return b32encode(hashed).decode("ascii").lower()[:LENGTH]

    def _derived(self, facility: str) -> bytes:
        return digest(self._secret, f"graftwatch pseudonyms of {facility}".encode(), sha256)
