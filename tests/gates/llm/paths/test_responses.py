"""POST /responses through the gate: passed as it came, or translated both ways."""

import json

from tests.gates.built import always, answer, built
from tests.gates.llm.calls import COUNT, DONE, OK, STOP, WORD, configuration, stream
from tests.hostile.scripted import Upstream

from triplegate.gates.llm.paths.responses import RESPONSES

BODY = json.dumps({"model": "m", "input": "hello there", "instructions": "Be brief."}).encode()
STREAMED = json.dumps({"model": "m", "input": "hello there", "stream": True}).encode()
THEIRS = json.dumps(
    {
        "id": "resp_1",
        "object": "response",
        "model": "x",
        "status": "completed",
        "output": [],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
).encode()


def config(url, dialect):
    text = configuration({"p": url}, {"m": "{deployments: [{provider: p, model: x}]}"})
    return text.replace("auth: null,", f"auth: null, dialect: {dialect},")


def test_it_belongs_to_the_dialect():
    assert (RESPONSES.path, RESPONSES.family, RESPONSES.generates) == (b"/responses", "openai_responses", True)


async def test_the_same_dialect_passes_with_its_id_sealed_and_usage_counted(tmp_path):
    async with (
        Upstream(always(answer(THEIRS))) as provider,
        built(tmp_path, config(provider.url, "openai_responses")) as made,
    ):
        exchange, wire = await made.serve("POST", "/v1/responses", body=BODY)
    said = json.loads(wire.content)
    assert (wire.status, said["id"].partition("_tg")[0], said["usage"]) == (
        200,
        "resp_1",
        {"input_tokens": 3, "output_tokens": 2},
    )
    assert (exchange.usage.input_total, exchange.usage.output_total) == (3, 2)
    assert bytes(provider.talks[0].received).startswith(b"POST /v1/responses HTTP/1.1")


async def test_another_dialect_is_translated_both_ways(tmp_path):
    async with Upstream(always(OK)) as provider, built(tmp_path, config(provider.url, "openai_chat")) as made:
        exchange, wire = await made.serve("POST", "/v1/responses", body=BODY)
    said = json.loads(wire.content)
    assert (said["object"], said["model"], said["instructions"], said["status"]) == (
        "response",
        "m",
        "Be brief.",
        "completed",
    )
    assert (exchange.usage.input_total, said["usage"]["total_tokens"]) == (10, 15)
    received = bytes(provider.talks[0].received)
    assert b"/v1/chat/completions" in received
    assert b'"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hello there"}]' in received


async def test_a_stream_of_another_dialect_ends_as_this_one_does(tmp_path):
    async with (
        Upstream(always(stream(WORD, STOP, COUNT, DONE))) as provider,
        built(tmp_path, config(provider.url, "openai_chat")) as made,
    ):
        _, wire = await made.serve("POST", "/v1/responses", body=STREAMED)
    events = [line[7:] for line in wire.content.decode().splitlines() if line.startswith("event: ")]
    assert (events[0], events[-1]) == ("response.created", "response.completed")
    assert b"[DONE]" not in wire.content


async def test_a_stream_that_is_cut_ends_with_an_error_event(tmp_path):
    async with (
        Upstream(always(stream(WORD))) as provider,
        built(tmp_path, config(provider.url, "openai_chat")) as made,
    ):
        _, wire = await made.serve("POST", "/v1/responses", body=STREAMED)
    last = json.loads(wire.content.strip().splitlines()[-1].removeprefix(b"data: "))
    assert (last["type"], last["error"]["code"]) == ("error", "upstream_reset")
    assert b"response.completed" not in wire.content


CUSTOM = {"type": "custom", "name": "code", "format": {"type": "grammar", "syntax": "regex", "definition": ".*"}}
CALLED = (
    {"type": "message_start", "message": {"id": "msg_1", "model": "x", "usage": {"input_tokens": 3}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "code"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"input": "1+'}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '1\\n"}'}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
)


async def test_a_custom_tool_is_called_with_its_text_though_the_provider_knows_functions_only(tmp_path):
    events = stream(*[b"data: %b\n\n" % json.dumps(one).encode() for one in CALLED])
    body = json.dumps({"model": "m", "input": "hi", "tools": [CUSTOM], "stream": True}).encode()
    async with (
        Upstream(always(events)) as provider,
        built(tmp_path, config(provider.url, "anthropic_messages")) as made,
    ):
        exchange, wire = await made.serve("POST", "/v1/responses", body=body)
        (talk,) = provider.talks
        head, _, _ = bytes(talk.received).partition(b"\r\n\r\n")
        asked = json.loads(bytes(talk.received)[len(head) + 4 :])
    said = [json.loads(line[6:]) for line in wire.content.splitlines() if line.startswith(b"data: ")]
    deltas = [one["delta"] for one in said if one["type"] == "response.custom_tool_call_input.delta"]
    assert (exchange.outcome, deltas, wire.field(b"x-triplegate-dropped")) == ("ok", ["1+", "1\n"], b"grammar")
    (item,) = said[-1]["response"]["output"]
    assert (item["type"], item["name"], item["input"], item["call_id"]) == ("custom_tool_call", "code", "1+1\n", "t")
    assert asked["tools"][0]["input_schema"]["required"] == ["input"]
