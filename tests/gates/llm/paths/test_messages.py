"""POST /messages and its count, as endpoints and through the gate."""

import json

from tests.gates.built import always, answer, built
from tests.gates.llm.calls import OK, configuration, stream
from tests.hostile.scripted import Upstream

from triplegate.gates.llm.paths.messages import COUNT, MESSAGES

BODY = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]}).encode()
THEIRS = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def config(url, dialect="anthropic_messages"):
    text = configuration({"p": url}, {"m": "{deployments: [{provider: p, model: x}]}"})
    return text.replace("auth: null,", f"auth: null, dialect: {dialect},")


def test_both_belong_to_the_dialect():
    assert (MESSAGES.path, MESSAGES.family, MESSAGES.generates) == (b"/messages", "anthropic", True)
    assert (COUNT.path, COUNT.free, COUNT.generates) == (b"/messages/count_tokens", True, False)


async def test_the_same_dialect_passes_as_it_came_with_usage_and_cost(tmp_path):
    theirs = json.dumps(THEIRS).encode()
    async with Upstream(always(answer(theirs))) as provider, built(tmp_path, config(provider.url)) as made:
        for path in ("/v1/messages", "/anthropic/v1/messages"):
            exchange, wire = await made.serve("POST", path, body=BODY)
            assert (wire.status, wire.content) == (200, theirs)
            assert (exchange.usage.input_total, exchange.usage.output_total, exchange.attempts[0].cost) == (
                3,
                2,
                70_000,
            )
        assert bytes(provider.talks[0].received).startswith(b"POST /v1/messages HTTP/1.1")


async def test_another_dialect_is_translated_both_ways(tmp_path):
    async with Upstream(always(OK)) as provider, built(tmp_path, config(provider.url, "openai_chat")) as made:
        _, wire = await made.serve("POST", "/v1/messages", body=BODY)
    said = json.loads(wire.content)
    assert (said["type"], said["model"], said["usage"]["input_tokens"], said["usage"]["output_tokens"]) == (
        "message",
        "m",
        10,
        5,
    )
    assert b"/v1/chat/completions" in bytes(provider.talks[0].received)


async def test_an_error_is_in_the_dialects_shape(tmp_path):
    async with Upstream(always(stream())) as provider, built(tmp_path, config(provider.url)) as made:
        _, wire = await made.serve("POST", "/v1/messages", body=BODY)
        assert json.loads(wire.content)["type"] == "error"
        _, wire = await made.serve("GET", "/anthropic/v1/messages")
        assert (wire.status, json.loads(wire.content)["type"]) == (405, "error")


async def test_tokens_are_counted_by_a_provider_that_can_and_estimated_otherwise(tmp_path):
    async with Upstream(always(answer(b'{"input_tokens":14}'))) as provider:
        async with built(tmp_path, config(provider.url)) as made:
            exchange, wire = await made.serve("POST", "/v1/messages/count_tokens", body=BODY)
            assert (json.loads(wire.content), exchange.attempts[0].cost) == ({"input_tokens": 14}, 0)
            assert made.records[-1].cost == 0
        async with built(tmp_path, config(provider.url, "openai_chat")) as made:
            _, wire = await made.serve("POST", "/v1/messages/count_tokens", body=BODY)
            assert (json.loads(wire.content), wire.field(b"x-triplegate-tokens")) == (
                {"input_tokens": 10},
                b"estimated",
            )
