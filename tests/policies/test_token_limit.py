"""Tokens per window: what is claimed, of whom, and what is larger than any allowance."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.policies.token_limit import TokenLimit


class Wanted:
    """A call that wants so many tokens."""

    def __init__(self, typical, strict):
        self.wanted = {"typical": typical, "strict": strict}

    def tokens(self, dimension, reservation):
        return self.wanted[reservation][dimension]


def exchange(**more):
    made = make_exchange(**more)
    made.demand = Wanted({"input": 30, "output": 50, "total": 80}, {"input": 30, "output": 900, "total": 930})
    return made


def claims(call, **fields):
    return [
        (claim.bucket, claim.limit.name, claim.limit.dimension, claim.amount)
        for claim in TokenLimit(**fields).claims(call, None)
    ]


def test_each_dimension_that_is_written_has_a_bucket_of_its_own():
    assert claims(exchange(), requests=5, input=1000, output=1000, total=1500, name="fair") == [
        ("fair|acme/web/alice|requests", "fair-requests", "requests", 1),
        ("fair|acme/web/alice|input", "fair-input", "input", 30),
        ("fair|acme/web/alice|output", "fair-output", "output", 50),
        ("fair|acme/web/alice|total", "fair-total", "total", 80),
    ]
    assert claims(exchange(), total=1500, name="fair") == [("fair|acme/web/alice|total", "fair", "total", 80)]


def test_all_that_may_come_is_set_aside_where_that_is_asked_for():
    assert claims(exchange(), output=1000, reservation="strict")[0][-1] == 900


def test_a_call_that_uses_no_tokens_claims_none():
    assert claims(make_exchange(), total=1000) == []
    assert claims(make_exchange(), total=1000, requests=5)[0][2] == "requests"


def test_the_claim_is_the_limit_as_written():
    policy = TokenLimit(output=5000, window="10s", burst=200, by="team", mode="observe")
    (claim,) = policy.claims(exchange(), None)
    limit = claim.limit
    assert (limit.name, limit.family, limit.quota, limit.window, limit.burst) == (
        "token_limit",
        "rate",
        5000,
        10.0,
        200,
    )
    assert (claim.bucket, claim.mode) == ("token_limit|acme/web|output", "observe")


def test_a_deployments_tokens_are_counted_at_each_attempt():
    policy = TokenLimit(total=5000, by="deployment")
    assert policy.each_attempt
    assert not TokenLimit(total=5000, by="model").each_attempt
    (claim,) = policy.claims(exchange(), Target("deployment", "openai/gpt-4o"))
    assert claim.bucket == "token_limit|openai/gpt-4o|total"


def test_tokens_are_counted_on_the_llm_gate_only():
    assert TokenLimit(total=5).strange_on("api") == "only on llm"


def test_a_call_larger_than_the_whole_allowance_waits_for_it_or_is_refused_for_good():
    assert claims(exchange(), total=79)[0][-1] == 80
    with pytest.raises(Refusal) as caught:
        claims(exchange(), total=79, oversize="refuse")
    assert (caught.value.code, caught.value.status, caught.value.policy) == ("larger_than_limit", 400, "token_limit")
    with pytest.raises(Refusal):
        claims(exchange(), total=1000, burst=79, oversize="refuse")
    assert claims(exchange(), total=80, oversize="refuse")


def test_who_only_looks_refuses_nobody():
    call = exchange()
    assert claims(call, total=79, oversize="refuse", mode="observe")
    assert call.decisions == [("token_limit", "would refuse", "larger_than_limit")]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "say requests, input, output or total"),
        ({"input": 5, "output": 5, "burst": 2}, "burst is of one dimension, not of input, output"),
        ({"total": 0}, "greater than 0"),
    ],
)
def test_what_limits_nothing_or_cannot_be_meant_is_refused(fields, wrong):
    with pytest.raises(ValidationError, match=wrong):
        TokenLimit(**fields)
