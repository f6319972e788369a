"""Calls of tools: which count, and whose they are."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange

from triplegate.core.catalog import Route
from triplegate.core.money import Price
from triplegate.policies.tool_limit import ToolLimit


def claims(tool, **fields):
    exchange = make_exchange(route=Route("files", "mcp"))
    exchange.tool = tool
    return [(claim.bucket, claim.limit.dimension) for claim in ToolLimit(calls=5, **fields).claims(exchange, None)]


def test_what_calls_no_tool_does_not_count():
    assert claims("") == []


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({}, "acme/web/alice"),
        ({"by": "key"}, "key0000001"),
        ({"by": "team"}, "acme/web"),
        ({"by": "server"}, "files"),
        ({"by": "tool"}, "files__read"),
        ({"by": "tool", "each": True}, "files__read"),
        ({"each": True}, "acme/web/alice|files__read"),
    ],
)
def test_each_subject_has_its_own_bucket(fields, subject):
    assert claims("files__read", **fields) == [(f"tool_limit|{subject}", "tools")]


def test_only_the_tools_that_are_named_count():
    assert claims("files__delete", tools=["files__del*", "mail__send"])
    assert claims("mail__send", tools=["files__del*", "mail__send"])
    assert not claims("mail__send_all", tools=["files__del*", "mail__send"])


def test_the_claim_is_the_limit_as_written():
    exchange = make_exchange()
    exchange.tool = "t"
    (claim,) = ToolLimit(calls=5, window="10s", burst=2, name="few", mode="observe").claims(exchange, None)
    assert (claim.limit.name, claim.limit.quota, claim.limit.window, claim.limit.burst) == ("few", 5, 10.0, 2)
    assert (claim.amount, claim.mode) == (1, "observe")


def test_money_is_claimed_as_the_call_costs_it():
    exchange = make_exchange(route=Route("files", "mcp", price=Price(call=7)))
    exchange.tool = "t"
    limit = ToolLimit(money=0.5, window="1h", each=True)
    (claim,) = limit.claims(exchange, None)
    assert (claim.limit.dimension, claim.limit.quota, claim.amount) == ("money", 5_000_000_000, 7)
    exchange.price = Price(call=9)
    assert limit.claims(exchange, None)[0].amount == 9
    exchange.price = Price()
    assert limit.claims(exchange, None) == ()


@pytest.mark.parametrize("wrong", [{}, {"calls": 1, "money": 1}, {"money": 1, "burst": 2}, {"money": 0}])
def test_one_measure_is_written(wrong):
    with pytest.raises(ValidationError):
        ToolLimit(**wrong)
