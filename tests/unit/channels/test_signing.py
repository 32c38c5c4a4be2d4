"""Signatures are those of the specification's own library."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from service.channels.signing import new_secret, signed_headers


@given(st.dictionaries(st.text(), st.text()), st.integers(1, 3))
def test_the_specifications_library_signs_and_verifies_alike(document, number):
    secrets = [new_secret() for _ in range(number)]
    body = json.dumps(document).encode()
    now = datetime.now(UTC)
    headers = signed_headers(secrets, "msg_1", int(now.timestamp()), body)
    theirs = [Webhook(secret).sign("msg_1", now, body.decode()) for secret in secrets]
    assert headers["webhook-signature"].split() == theirs
    for secret in secrets:
        assert Webhook(secret).verify(body, headers) == document


def test_no_two_secrets_are_alike():
    assert len({new_secret() for _ in range(100)}) == 100
