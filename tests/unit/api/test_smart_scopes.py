"""What SMART's scopes open: what the client is registered for, and never patients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.access import Scope
from service.api.smart_scopes import OPENS, ScopeRefused, granted

registrations = st.sets(st.sampled_from(sorted(Scope)))
asked_for = st.lists(st.sampled_from([*OPENS, "system/Patient.rs", "user/*.rs", ""]), max_size=4)


@given(registrations, asked_for)
def test_nobody_gets_more_than_was_registered_nor_more_than_was_asked(registered, asked):
    try:
        got = granted(" ".join(asked), registered)
    except ScopeRefused:
        assert not asked or any(not OPENS.get(name, {""}) <= registered for name in asked)
        return
    assert got
    assert got <= registered
    assert got == set().union(*(OPENS[name] for name in asked))


def test_no_scope_of_smarts_opens_patients_or_the_service_itself():
    own = {scope.value for scope in Scope}
    for name, opens in OPENS.items():
        if name not in own:
            assert opens <= {Scope.RATES_READ, Scope.EVENTS_WRITE}, name


def test_too_many_scopes_are_refused():
    with pytest.raises(ScopeRefused):
        granted(" ".join(["rates:read"] * 60), {"rates:read"})
