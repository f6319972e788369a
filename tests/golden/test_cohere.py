"""Recorded answers of Cohere, compared with facts read straight from their JSON and with genai-prices."""

import json

import pytest
from genai_prices.data import providers
from tests.golden.recordings import Recorded, recorded

from triplegate.wire.codec import Losses
from triplegate.wire.cohere import PROVIDER
from triplegate.wire.neutral import Message, Request, Text, Tool, ToolResult, ToolUse
from triplegate.wire.neutral_events import Finish, Start, gather

_COHERE = next(provider for provider in providers if provider.id == "cohere")
ALL = recorded("cohere")
ANSWERS = [one for one in ALL if one.values[0] is None or one.values[0].status == 200]


@pytest.mark.parametrize("exchange", ANSWERS)
def test_text_thoughts_and_calls_are_those_of_the_recording(exchange: Recorded):
    answer = gather(PROVIDER.read_reply(exchange.body))
    said = exchange.json()
    message = said["message"]
    content = message.get("content", [])
    wanted = [("reasoning", message["tool_plan"])] if "tool_plan" in message else []
    wanted += [("text", one["text"]) if one["type"] == "text" else ("reasoning", one["thinking"]) for one in content]
    assert [(block.kind, block.text) for block in answer.blocks if block.kind != "tool_call"] == wanted
    assert [(block.id, block.name, block.text) for block in answer.blocks if block.kind == "tool_call"] == [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", [])
    ]
    assert answer.start == Start(said["id"])
    reason = {"COMPLETE": "stop", "TOOL_CALL": "tool_calls"}[said["finish_reason"]]
    assert answer.finishes == {0: Finish(reason, said["finish_reason"])}  # type: ignore[arg-type]  # one of the reasons
    assert all(block.ended for block in answer.blocks)
    assert answer.unknown == 0


@pytest.mark.parametrize("exchange", ANSWERS)
def test_usage_is_what_is_billed_and_what_genai_prices_reads(exchange: Recorded):
    usage = gather(PROVIDER.read_reply(exchange.body)).usage
    said = exchange.json()
    assert usage is not None
    billed = said["usage"]["billed_units"]
    assert (usage.input_total, usage.output_total) == (billed["input_tokens"], billed["output_tokens"])
    _, theirs = _COHERE.extract_usage(said | {"model": "command-r7b-12-2024"}, api_flavor="default")
    assert (usage.input_total, usage.output_total) == (theirs.input_tokens, theirs.output_tokens)


@pytest.mark.parametrize("exchange", [one for one in ANSWERS if one.values[0] is None or "tools/02" in one.id])
def test_citations_stand_where_the_recording_says(exchange: Recorded):
    (block,) = gather(PROVIDER.read_reply(exchange.body)).blocks
    said = exchange.json()["message"]["citations"]
    assert [(block.text[one.start : one.end], one.title) for one in block.citations] == [
        (one["text"], one["sources"][0]["id"]) for one in said
    ]


@pytest.mark.parametrize("exchange", [one for one in ANSWERS if one.values[0] is None or "tools/02" in one.id])
def test_a_conversation_with_a_call_is_written_as_it_was_recorded(exchange: Recorded):
    function = exchange.request["body"]["tools"][0]["function"]
    call = exchange.request["body"]["messages"][1]["tool_calls"][0]
    arguments = call["function"]["arguments"]
    request = Request(
        "openai",
        "m",
        (
            Message("user", (Text("What's the weather in Paris?"),)),
            Message("assistant", (ToolUse(call["id"], "get_weather", arguments),)),
            Message("tool", (ToolResult(call["id"], (Text("Sunny, 22C in Paris"),)),)),
        ),
        tools=(Tool("get_weather", function["description"], json.dumps(function["parameters"]).encode()),),
    )
    written = PROVIDER.write_request(request, "command-r7b-12-2024", Losses("reject"))
    assert json.loads(written) == exchange.request["body"]


@pytest.mark.parametrize("exchange", [one for one in ALL if one.values[0] is None or one.values[0].status == 404])
def test_an_unknown_model_is_missing(exchange: Recorded):
    failed = PROVIDER.read_error(exchange.status, [], exchange.body)
    assert (failed.kind, failed.status) == ("model_missing", 404)
    assert failed.message.startswith("model 'nonexistent' not found")
