"""What a key's holder may see and do."""

import asyncio

import pytest

from service.api.access import LOCAL, Principal, Scope, require
from service.errors import Forbidden

BOUND = Principal("lab", frozenset({"rates:read"}), ("ucd-01", "ucd-02"))
FREE = Principal("centre", frozenset({"rates:read"}))


def test_a_free_key_sees_all_or_what_it_asks_for():
    assert FREE.visible() is None
    assert FREE.visible(["b", "a", "b"]) == ("a", "b")


def test_a_bound_key_sees_its_own_facilities_whatever_it_asks():
    assert BOUND.visible() == ("ucd-01", "ucd-02")
    assert BOUND.visible([]) == ("ucd-01", "ucd-02")
    assert BOUND.visible(["ucd-02"]) == ("ucd-02",)


def test_asking_for_another_facility_is_refused_rather_than_answered_for_fewer():
    with pytest.raises(Forbidden, match="bound to other facilities") as refused:
        BOUND.visible(["ucd-01", "elsewhere"])
    assert refused.value.code == "facility_not_allowed"
    assert "elsewhere" not in refused.value.message


def test_a_key_bound_to_no_facility_at_all_sees_nothing():
    nobody = Principal("x", frozenset(Scope), ())
    assert nobody.visible() == ()
    assert not nobody.reaches("ucd-01")


def test_no_scope_includes_another():
    operator = Principal("operator", frozenset({Scope.MANAGE}))
    for scope in set(Scope) - {Scope.MANAGE}:
        with pytest.raises(Forbidden, match=scope):
            asyncio.run(require(scope)(operator))
    assert asyncio.run(require(Scope.MANAGE)(operator)) is operator


def test_without_authentication_everybody_may_do_everything():
    assert all(LOCAL.may(scope) for scope in Scope)
    assert LOCAL.visible() is None
