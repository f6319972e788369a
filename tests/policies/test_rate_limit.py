"""A consumer's allowance: who has it, and what it claims."""

import pytest
from tests.builders import make_exchange

from triplegate.core.identity import Principal
from triplegate.policies.rate_limit import RateLimit, address_block


def bucket(exchange, **fields):
    policy = RateLimit(requests=5, **fields).placed("route:orders/rate_limit", "")
    (claim,) = policy.claims(exchange, None)
    return claim.bucket


@pytest.mark.parametrize(
    ("by", "subject"),
    [
        ("consumer", "acme/web/alice"),
        ("team", "acme/web"),
        ("org", "acme"),
        ("key", "key0000001"),
        ("route", "orders"),
        ("address", "192.0.2.7"),
    ],
)
def test_each_subject_has_its_own_bucket(by, subject):
    assert bucket(make_exchange(), by=by) == f"route:orders/rate_limit|{subject}"


def test_anonymous_callers_are_told_apart_by_address():
    nobody = Principal("acme", "web", "anonymous", team_ref="acme/web")
    first = bucket(make_exchange(principal=nobody, client="192.0.2.1"))
    second = bucket(make_exchange(principal=nobody, client="192.0.2.2"))
    assert first != second


def test_an_ipv6_customer_is_its_64_bit_network():
    assert address_block("2001:db8:1:2:3::4") == address_block("2001:db8:1:2:ffff::1")
    assert address_block("2001:db8:1:3::1") != address_block("2001:db8:1:2::1")


def test_the_claim_is_the_limit_as_written():
    (claim,) = RateLimit(requests=5, window="10s", burst=2, name="tight", mode="observe").claims(make_exchange(), None)
    limit = claim.limit
    assert (limit.name, limit.family, limit.dimension, limit.quota, limit.window, limit.burst) == (
        "tight",
        "rate",
        "requests",
        5,
        10.0,
        2,
    )
    assert (claim.amount, claim.mode) == (1, "observe")


def test_callers_without_a_key_of_ours_do_not_share_one_allowance_by_key():
    alice = Principal("acme", "web", "alice", method="jwt", team_ref="acme/web")
    bob = Principal("acme", "web", "bob", method="jwt", team_ref="acme/web")
    buckets = {bucket(make_exchange(principal=one), by="key") for one in (alice, bob)}
    assert buckets == {"route:orders/rate_limit|acme/web/alice", "route:orders/rate_limit|acme/web/bob"}
