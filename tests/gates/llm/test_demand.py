"""Estimates of a model call before it is made: tokens by bytes and bound, money at the dearest deployment."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ALICE
from tests.gates.llm.places import model, place

from triplegate.core.admission import Claim, Limit
from triplegate.core.clock import SetClock
from triplegate.core.learned import Learned
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.demand import LONGEST_OUTPUT, TYPICAL_OUTPUT, LlmDemand
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.messages import COUNT
from triplegate.gates.llm.sizing import raw_tokens
from triplegate.stores.memory.admission import MemoryAdmission

CHEAP, DEAR = Price(input=1_000_000, output=2_000_000), Price(input=1_000_000, output=10_000_000)
WORDS = [{"role": "user", "content": "Tell me of the sea and of the ships that sail on it. " * 8}]


def asked(endpoint=CHAT, *places, learned=None, caller=ALICE, **more):
    call = read_call(endpoint, json.dumps({"model": "m", **more}).encode())
    return call, LlmDemand(call, model(*(places or (place("a"),))), learned or Learned(), caller)


def test_an_answer_is_set_aside_as_what_is_typical_or_as_all_that_may_come():
    call, demand = asked(messages=WORDS, max_tokens=4000)
    wanted = demand.tokens("input", "typical")
    assert raw_tokens(call) < wanted < raw_tokens(call) * 1.3
    assert demand.tokens("output", "typical") == TYPICAL_OUTPUT
    assert demand.tokens("output", "strict") == 4000
    assert demand.tokens("total", "strict") == wanted + 4000
    _, short = asked(messages=WORDS, max_tokens=7)
    assert short.tokens("output", "typical") == 7


def test_every_answer_that_is_asked_for_counts():
    _, demand = asked(messages=WORDS, n=3)
    assert demand.tokens("output", "typical") == 3 * TYPICAL_OUTPUT
    assert demand.tokens("output", "strict") == 3 * LONGEST_OUTPUT
    _, small = asked(CHAT, place("a", window=2048), messages=WORDS)
    assert small.tokens("output", "strict") == 2048


def test_what_nothing_is_said_of_wants_something():
    for messages in ([], [{"role": "user", "content": ""}], [{}]):
        _, demand = asked(messages=messages)
        assert demand.tokens("input", "typical") >= 1
        assert demand.tokens("output", "typical") == TYPICAL_OUTPUT
    _, vectors = asked(EMBEDDINGS, input="")
    assert vectors.tokens("input", "strict") >= 1
    assert vectors.tokens("output", "strict") == 1


def test_what_is_free_wants_nothing_and_is_counted_without_a_margin():
    call, demand = asked(COUNT, messages=WORDS)
    assert demand.tokens("total", "strict") == 0
    assert demand.count() == round(raw_tokens(call))


def test_money_is_set_aside_for_the_dearest_deployment_or_for_the_one_at_hand():
    cheap, dear = place("cheap", price=CHEAP), place("dear", price=DEAR)
    _, demand = asked(CHAT, cheap, dear, messages=[], max_tokens=100)
    wanted = demand.tokens("input", "typical")
    assert demand.money(cheap.target, "strict") == wanted + 200
    assert demand.money(dear.target, "strict") == wanted + 1000
    assert demand.money(None, "strict") == wanted + 1000


def test_without_a_price_no_money_is_wanted():
    _, demand = asked(CHAT, place("a", price=None), messages=[])
    assert demand.money(None, "strict") == 0


def test_what_providers_counted_corrects_later_estimates():
    there, learned = place("a"), Learned()
    call, demand = asked(CHAT, there, learned=learned, messages=WORDS)
    before = demand.tokens("input", "typical")
    for _ in range(60):
        _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
        demand.tokens("input", "typical")
        demand.learn(there.target, Usage(input_uncached=round(raw_tokens(call) * 2), output_text=90, source="provider"))
    _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
    assert before * 1.5 < demand.tokens("input", "typical") < before * 2.5
    assert 90 <= demand.tokens("output", "typical") < 128
    _, others = asked(CHAT, there, learned=learned, caller=msgspec.structs.replace(ALICE, key_id="k2"), messages=WORDS)
    assert 90 <= others.tokens("output", "typical") < 128


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_uncached=900_000, output_text=5000, source="estimated"),
        Usage(input_uncached=900_000, output_text=5000, source="partial"),
        Usage(source="provider"),
        Usage(input_uncached=-5, output_text=-900, source="provider"),
        Usage(input_uncached=900_000, source="provider", tool_units='{"web_search":3}'),
    ],
)
def test_only_a_providers_plain_count_teaches_anything(usage):
    there, learned = place("a"), Learned()
    _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
    wanted = [demand.tokens(dimension, "typical") for dimension in ("input", "output", "total")]
    for _ in range(50):
        _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
        demand.tokens("total", "typical")
        demand.learn(there.target, usage)
    _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
    assert [demand.tokens(dimension, "typical") for dimension in ("input", "output", "total")] == wanted


COUNTS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.lists(st.integers())
)


@given(st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens"]), COUNTS))
def test_absurd_usage_never_spoils_an_estimate_or_a_limit(usage):
    found = CHAT.usage(json.dumps({"choices": [], "usage": usage}).encode())
    there, learned, store = place("a"), Learned(), MemoryAdmission(SetClock())
    _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
    claim = Claim("b", Limit("t", "rate", "total", 10_000, 60.0), demand.tokens("total", "typical"))
    taken = store.take_now((claim,), 120.0)
    if found is not None:
        demand.learn(there.target, found)
        taken.hold.settle({"total": found.total})
    _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
    assert 1 <= demand.tokens("total", "typical") < 100_000
    again = store.take_now((claim,), 120.0)
    assert 0 <= again.standings[0].remaining <= 10_000
    assert again.retry_after is None or 0 < again.retry_after < 100_000


def test_of_a_call_that_nobody_estimated_nothing_is_learned():
    there, learned = place("a"), Learned()
    for _ in range(50):
        _, demand = asked(CHAT, there, learned=learned, messages=WORDS)
        demand.learn(there.target, Usage(input_uncached=10_000, output_text=5000, source="provider"))
    assert learned.output("m", "") == 0
