"""Whose allowance a call takes of."""

import pytest
from tests.builders import make_exchange

from triplegate.core.catalog import Target
from triplegate.core.identity import Principal
from triplegate.core.subject import address_block, subject_of

NOBODY = Principal("acme", "web", "anonymous", team_ref="acme/web")


@pytest.mark.parametrize(
    ("by", "subject"),
    [
        ("consumer", "acme/web/alice"),
        ("team", "acme/web"),
        ("org", "acme"),
        ("plan", "free"),
        ("key", "key0000001"),
        ("route", "orders"),
        ("model", "orders"),
        ("deployment", "orders"),
        ("address", "192.0.2.7"),
    ],
)
def test_a_call_has_one_subject_of_each_kind(by, subject):
    assert subject_of(make_exchange(), by) == subject


def test_an_attempt_counts_where_it_goes():
    assert subject_of(make_exchange(), "deployment", Target("deployment", "openai/gpt-4o")) == "openai/gpt-4o"
    assert subject_of(make_exchange(), "consumer", Target("deployment", "openai/gpt-4o")) == "acme/web/alice"


@pytest.mark.parametrize("by", ["consumer", "key"])
def test_anonymous_callers_are_told_apart_by_address(by):
    first, second = (make_exchange(principal=NOBODY, client=f"192.0.2.{n}") for n in (1, 2))
    assert subject_of(first, by) == "192.0.2.1" != subject_of(second, by)
    assert subject_of(first, "team") == subject_of(second, "team") == "acme/web"


def test_callers_without_a_key_of_ours_do_not_share_one_allowance_by_key():
    alice = Principal("acme", "web", "alice", method="jwt", team_ref="acme/web")
    assert subject_of(make_exchange(principal=alice), "key") == "acme/web/alice"


def test_whoever_is_not_known_yet_counts_by_address():
    assert subject_of(make_exchange(principal=None), "team") == "192.0.2.7"


def test_an_ipv6_customer_is_its_64_bit_network():
    assert address_block("2001:db8:1:2:3::4") == address_block("2001:db8:1:2:ffff::1")
    assert address_block("2001:db8:1:2::1") != address_block("2001:db8:1:3::1")
    assert address_block("not:an:address") == "not:an:address"
