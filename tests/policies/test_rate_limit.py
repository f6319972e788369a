"""A consumer's allowance: who has it, and what it claims."""

import pytest
from tests.builders import make_exchange

from triplegate.core.catalog import Target
from triplegate.core.identity import Principal
from triplegate.policies.rate_limit import RateLimit


def bucket(exchange, target=None, **fields):
    policy = RateLimit(requests=5, **fields).placed("route:orders/rate_limit", "")
    (claim,) = policy.claims(exchange, target)
    return claim.bucket


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
        ("deployment", "openai/gpt-4o"),
        ("address", "192.0.2.7"),
    ],
)
def test_each_subject_has_its_own_bucket(by, subject):
    target = Target("deployment", "openai/gpt-4o")
    assert bucket(make_exchange(), target, by=by) == f"route:orders/rate_limit|{subject}"


def test_anonymous_callers_are_told_apart_by_address():
    nobody = Principal("acme", "web", "anonymous", team_ref="acme/web")
    first = bucket(make_exchange(principal=nobody, client="192.0.2.1"))
    second = bucket(make_exchange(principal=nobody, client="192.0.2.2"))
    assert first != second


@pytest.mark.parametrize(("by", "gate"), [("model", "api"), ("deployment", "mcp")])
def test_models_and_deployments_are_counted_where_they_are(by, gate):
    assert RateLimit(requests=5, by=by).strange_on(gate) == f"by: {by} counts on llm only; say by: route"
    assert not RateLimit(requests=5, by=by).strange_on("llm")
    assert not RateLimit(requests=5).strange_on(gate)


def test_a_deployments_requests_are_counted_at_each_attempt():
    assert RateLimit(requests=5, by="deployment").each_attempt
    assert not RateLimit(requests=5, by="model").each_attempt


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
