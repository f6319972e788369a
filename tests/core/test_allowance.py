"""What a call claims of a budget: whose it is, how much, and nothing where there is no price."""

import msgspec
import pytest
from tests.builders import ALICE, PlainGate, make_exchange

from triplegate.core.admission import Limit
from triplegate.core.allowance import Allowance, holder_of, window_text
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.catalog import Route
from triplegate.core.identity import Principal
from triplegate.core.money import Price

MONTH = Limit("web", "budget", "money", 1_000, Calendar("month"))
PRICED = Route("orders", "api", "acme/web", price=Price(call=100))


class LlmGate(PlainGate):
    name = "llm"


class Demand:
    """A call of the llm gate that wants 40 tokens and 700 units of money."""

    def tokens(self, dimension, reservation):
        return {"typical": 40, "strict": 90}[reservation]

    def money(self, target, reservation):
        return {"typical": 700, "strict": 900}[reservation] if target is None else 750


def budget(by="team", limit=MONTH, **more):
    return Allowance("team:acme/web/budget", limit, by, **more)


@pytest.mark.parametrize(
    ("by", "holder"),
    [
        ("key", "key0000001"),
        ("consumer", "acme/web/alice"),
        ("team", "acme/web"),
        ("org", "acme"),
        ("plan", "free"),
        ("route", "api:orders"),
        ("model", None),
    ],
)
def test_each_holder_has_a_bucket_of_its_own(by, holder):
    exchange = make_exchange(route=PRICED)
    assert holder_of(exchange, by) == holder
    claims = budget(by).claims(exchange, None)
    assert [claim.bucket for claim in claims] == ([] if holder is None else [f"team:acme/web/budget|{holder}|month"])


def test_a_model_is_a_route_of_the_llm_gate_and_callers_without_a_key_count_by_consumer():
    assert holder_of(make_exchange(LlmGate(), route=Route("smart", "llm")), "model") == "smart"
    nobody = Principal("acme", "web", "anonymous", team_ref="acme/web")
    assert holder_of(make_exchange(principal=nobody), "key") == "acme/web/anonymous"
    assert holder_of(make_exchange(principal=nobody), "plan") is None
    assert holder_of(make_exchange(principal=None), "team") is None


def test_a_call_of_a_gate_without_estimates_claims_its_price_and_one_without_price_nothing():
    (claim,) = budget().claims(make_exchange(route=PRICED), None)
    assert (claim.limit, claim.amount, claim.mode, claim.last) == (MONTH, 100, "enforce", False)
    assert budget().claims(make_exchange(), None) == ()


def test_a_model_call_claims_what_it_may_cost():
    exchange = make_exchange(LlmGate(), route=Route("smart", "llm"), principal=ALICE)
    exchange.demand = Demand()
    tokens = Limit("web", "budget", "total", 10_000, Calendar("day"))
    assert budget().claims(exchange, None)[0].amount == 700
    assert budget(reservation="strict").claims(exchange, None)[0].amount == 900
    assert budget(limit=tokens).claims(exchange, None)[0].amount == 40
    assert budget(limit=tokens, reservation="strict").claims(exchange, None)[0].amount == 90
    observed = budget(mode="observe", last=True).claims(exchange, None)[0]
    assert (observed.mode, observed.last) == ("observe", True)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (Calendar("month"), "month"),
        (Calendar("quarter", 4), "quarter:4"),
        (Rolling(30 * 86_400.0), "30d"),
        (Rolling(5_400.0), "90m"),
        (7_200.0, "2h"),
        (2.5, "2.5s"),
    ],
)
def test_another_window_is_another_bucket(window, text):
    assert window_text(window) == text
    assert budget(limit=msgspec.structs.replace(MONTH, window=window)).bucket("x").endswith(f"|x|{text}")
