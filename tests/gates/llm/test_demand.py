"""Estimates of a model call before it is made: tokens by size and bound, money at the dearest deployment."""

import json

from tests.gates.llm.places import model, place

from triplegate.core.money import Price
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.demand import TYPICAL_OUTPUT, LlmDemand
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS

CHEAP, DEAR = Price(input=1_000_000, output=2_000_000), Price(input=1_000_000, output=10_000_000)


def asked(endpoint=CHAT, *places, **more):
    call = read_call(endpoint, json.dumps({"model": "m", **more}).encode())
    return call, LlmDemand(call, model(*(places or (place("a"),))))


def test_an_answer_is_set_aside_as_what_is_typical_or_as_all_that_may_come():
    call, demand = asked(CHAT, messages=[{"role": "user", "content": "hello " * 40}], max_tokens=4000)
    assert demand.tokens("input", "typical") == call.size // 4
    assert demand.tokens("output", "typical") == TYPICAL_OUTPUT
    assert demand.tokens("output", "strict") == 4000
    assert demand.tokens("total", "strict") == call.size // 4 + 4000
    _, short = asked(CHAT, messages=[], max_tokens=7)
    assert short.tokens("output", "typical") == 7


def test_what_nothing_is_said_of_wants_something():
    _, demand = asked(CHAT, messages=[])
    assert demand.tokens("input", "typical") >= 1
    assert demand.tokens("output", "strict") == TYPICAL_OUTPUT
    _, vectors = asked(EMBEDDINGS, input="")
    assert vectors.tokens("output", "strict") == 1


def test_money_is_set_aside_for_the_dearest_deployment_or_for_the_one_at_hand():
    cheap, dear = place("cheap", price=CHEAP), place("dear", price=DEAR)
    call, demand = asked(CHAT, cheap, dear, messages=[], max_tokens=100)
    at_cheap, at_dear = demand.money(cheap.target, "strict"), demand.money(dear.target, "strict")
    assert at_cheap == call.size // 4 + 200
    assert at_dear == call.size // 4 + 1000
    assert demand.money(None, "strict") == at_dear


def test_without_a_price_no_money_is_wanted():
    _, demand = asked(CHAT, place("a", price=None), messages=[])
    assert demand.money(None, "strict") == 0
