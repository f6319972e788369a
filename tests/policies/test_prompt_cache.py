"""Breakpoints stand where it is said, once, and only where the client has set none."""

import json

import pytest
from tests.builders import make_exchange

from triplegate.policies.prompt_cache import PromptCache
from triplegate.wire.anthropic_messages import CLIENT, PROVIDER
from triplegate.wire.codec import Losses

BODY = {
    "model": "m",
    "max_tokens": 9,
    "system": "Be brief.",
    "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"name": "g", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "More"},
    ],
}


class Endpoint:
    codec = CLIENT


class Call:
    endpoint, model, size = Endpoint, "m", 5000

    def __init__(self, body, size=5000):
        self.said, self.size = CLIENT.read_request(json.dumps(body).encode()), size

    def request(self):
        return self.said

    def rewrite(self, request):
        self.said = request


def marked(policy, body=BODY, size=5000):
    exchange = make_exchange()
    exchange.call = Call(body, size)
    assert policy.decide(exchange) is None
    told = json.loads(PROVIDER.write_request(exchange.call.said, "m", Losses()))
    places = [f"tools.{at}" for at, tool in enumerate(told["tools"]) if "cache_control" in tool]
    system = told["system"] if isinstance(told["system"], list) else []
    places += [f"system.{at}" for at, part in enumerate(system) if "cache_control" in part]
    for at, message in enumerate(told["messages"]):
        content = message["content"] if isinstance(message["content"], list) else []
        places += [f"messages.{at}" for part in content if "cache_control" in part]
    return places, exchange, told


def test_behind_tools_and_system_prompt():
    places, exchange, _ = marked(PromptCache())
    assert places == ["tools.1", "system.0"]
    assert exchange.decisions == [("prompt_cache", "mark", "tools system")]


def test_behind_the_last_turn_for_as_long_as_is_said():
    places, _, told = marked(PromptCache(after=("last_turn",), ttl="1h"))
    assert places == ["messages.2"]
    assert told["messages"][2]["content"][0]["cache_control"]["ttl"] == "1h"


def test_a_short_call_is_left_alone():
    assert marked(PromptCache(), size=4095)[0] == []
    assert marked(PromptCache(least=10), size=11)[0] != []


@pytest.mark.parametrize(
    "own",
    [
        {"system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {"tools": [{**BODY["tools"][0], "cache_control": {"type": "ephemeral"}}]},
    ],
)
def test_a_client_that_has_set_its_own_is_left_alone(own):
    _, exchange, _ = marked(PromptCache(after=("last_turn",)), BODY | own)
    assert exchange.decisions == []


def test_observing_marks_nothing():
    places, exchange, _ = marked(PromptCache(mode="observe"))
    assert places == []
    assert exchange.decisions[0][1] == "would mark"


def test_calls_that_are_no_chats_are_left_alone():
    exchange = make_exchange()
    assert PromptCache().decide(exchange) is None
