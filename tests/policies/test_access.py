"""Who is listed may call; who lacks a scope is told all that are needed."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange

from triplegate.core.identity import Principal
from triplegate.policies.access import Access

BOB = Principal("acme", "web", "bob", roles=frozenset({"dev"}), scopes=frozenset({"read"}), team_ref="acme/web")


@pytest.mark.parametrize(
    "fields", [{"teams": ["web"]}, {"teams": ["acme/web"]}, {"consumers": ["bob"]}, {"roles": ["dev", "x"]}]
)
def test_a_listed_caller_passes(fields):
    assert Access(**fields).decide(make_exchange(principal=BOB)) is None


@pytest.mark.parametrize("fields", [{"teams": ["ml"]}, {"consumers": ["eve"]}, {"roles": ["admin"]}])
def test_anyone_else_is_forbidden(fields):
    assert Access(**fields).decide(make_exchange(principal=BOB)).code == "forbidden"


def test_a_missing_scope_names_all_needed_ones_in_one_challenge():
    refusal = Access(scopes=["write", "read"]).decide(make_exchange(principal=BOB))
    assert refusal.code == "insufficient_scope"
    assert refusal.headers == [(b"www-authenticate", b'Bearer error="insufficient_scope", scope="read write"')]


def test_its_scopes_can_be_asked_for_beforehand():
    assert Access(scopes=["write", "read"]).needed_scopes == {"read", "write"}
    assert Access(roles=["dev"]).needed_scopes == frozenset()


def test_nobody_is_not_let_through():
    assert Access(roles=["dev"]).decide(make_exchange(principal=None)).code == "unauthenticated"


@pytest.mark.parametrize("fields", [{}, {"teams": []}, {"teams": [], "scopes": []}])
def test_lists_of_nobody_cannot_be_written(fields):
    with pytest.raises(ValidationError, match="everyone would pass"):
        Access(**fields)
