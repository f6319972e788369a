"""Turns of a conversation as Bedrock takes them."""

from typing import Any

import pytest

from triplegate.wire.bedrock_messages import Turns, vendor
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media, Message, Native, Opaque, Part, Reasoning, Text, ToolResult, ToolUse

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def turns(*messages: Message, model: str = CLAUDE, losses: Losses | None = None) -> Turns:
    found = Turns(model, losses or Losses())
    for message in messages:
        found.add(message)
    return found


def blocks(*parts: Part, losses: Losses | None = None) -> Any:
    return turns(Message("assistant", parts), losses=losses).done("")[-1]["content"]


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (CLAUDE, "anthropic"),
        ("amazon.nova-lite-v1:0", "amazon"),
        ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-1-8b-instruct-v1:0", "meta"),
        ("arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc", ""),
    ],
)
def test_the_vendor_stands_in_the_model(model: str, wanted: str):
    assert vendor(model) == wanted


def test_a_late_system_message_is_the_users_and_a_lonely_one_is_a_turn():
    late = turns(Message("user", (Text("a"),)), Message("system", (Text("b"),)))
    assert late.done("") == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    lonely = turns(Message("system", (Text("a"),)))
    assert lonely.done("") == [{"role": "user", "content": [{"text": "a"}]}]
    assert lonely.system == []


def test_empty_texts_and_turns_are_left_out():
    found = turns(Message("user", (Text("a"),)), Message("assistant", (Text("\n"),)), Message("user", (Text("b"),)))
    assert found.done("") == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    assert turns().done("5m") == []


def test_breakpoints_stand_behind_their_part_and_behind_the_whole():
    found = turns(
        Message("user", (Text("a", cache="1h"), Media("image", "image/png", "eA==", cache="5m"))),
        Message("assistant", (ToolUse("c", "f", "{}", cache="5m"),)),
        Message("tool", (ToolResult("c", (Text("r"),)),)),
    ).done("5m")
    hour, usual = {"cachePoint": {"type": "default", "ttl": "1h"}}, {"cachePoint": {"type": "default"}}
    assert [block for turn in found for block in turn["content"] if "cachePoint" in block] == [hour] + [usual] * 3
    assert found[-1]["content"][-1] == usual
    again = turns(Message("user", (Text("a", cache="1h"),))).done("5m")
    assert again[-1]["content"] == [{"text": "a"}, hour]


def test_models_without_a_cache_lose_breakpoints():
    losses = Losses()
    message = Message("user", (Text("a", cache="5m"),))
    found = turns(message, model="meta.llama3-1-8b-instruct-v1:0", losses=losses).done("")
    assert found[0]["content"] == [{"text": "a"}]
    assert losses.names == ["cache_control"]


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (ToolUse("c", "f", ' {"a": 1.0}'), b'{"a": 1.0}'),
        (ToolUse("c", "f", ""), b"{}"),
        (ToolUse("c", "f", "[1]"), b'{"input":"[1]"}'),
    ],
)
def test_arguments_stay_as_they_are_when_they_are_an_object(call: ToolUse, wanted: bytes):
    (block,) = blocks(call)
    assert bytes(block["toolUse"]["input"]) == wanted


def test_ids_that_bedrock_refuses_are_written_so_that_they_still_fit_together():
    long, odd = "x" * 70, "call|ü"
    found = turns(
        Message("assistant", (ToolUse(long, "f"), ToolUse(odd, "f"), ToolUse("", "f"))),
        Message("tool", (ToolResult(long), ToolResult(odd), ToolResult(""))),
    ).done("")
    uses = [block["toolUse"]["toolUseId"] for block in found[1]["content"]]
    results = [block["toolResult"]["toolUseId"] for block in found[2]["content"]]
    assert uses == results
    assert len(set(uses)) == 3
    assert all(0 < len(one) <= 64 and one.isascii() and "|" not in one for one in uses)


def test_results_hold_texts_pictures_and_errors():
    losses = Losses()
    parts = (Text("r"), Text(" "), Media("image", "image/png", "eA=="), Media("audio", "audio/wav", "eA=="))
    (block,) = turns(Message("tool", (ToolResult("c", parts, error=True),)), losses=losses).done("")[-1]["content"]
    picture = {"image": {"format": "png", "source": {"bytes": "eA=="}}}
    assert block == {"toolResult": {"toolUseId": "c", "content": [{"text": "r"}, picture], "status": "error"}}
    assert losses.names == ["audio"]


def test_own_state_goes_back_and_own_blocks_do():
    losses = Losses()
    signed = Reasoning("Hm.", (Opaque("bedrock", "signature", "c2ln"),))
    hidden = Reasoning(opaque=(Opaque("bedrock", "redacted", "aGlk"), Opaque("gemini", "thought", "eA==")))
    native = Native("bedrock", "guardContent", b'{"guardContent":{"text":{"text":"x"}}}')
    found = blocks(signed, hidden, Reasoning("unsigned"), native, Native("anthropic", "search", b"{}"), losses=losses)
    assert found[:2] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "aGlk"}},
    ]
    assert [bytes(one) for one in found[2:]] == [native.raw]
    assert losses.names == ["content.search"]


def test_a_name_is_lost():
    losses = Losses()
    turns(Message("user", (Text("a"),), name="Ada"), losses=losses)
    assert losses.names == ["name"]


def test_a_call_without_thoughts_before_it_stands_out():
    call, thought = ToolUse("c", "f"), Reasoning("Hm.", (Opaque("bedrock", "signature", "c2ln"),))
    result = Message("tool", (ToolResult("c"),))
    assert turns(Message("assistant", (call,)), result).thoughtless
    assert not turns(Message("assistant", (thought, call)), result).thoughtless
    assert not turns(Message("assistant", (Text("a"),)), Message("user", (Text("b"),))).thoughtless
    assert not turns().thoughtless
