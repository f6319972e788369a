"""Messages as Cohere's: results of tools each on its own, plans before calls, images by address."""

import json
from typing import Any

import msgspec
import pytest

from triplegate.wire.codec import Losses
from triplegate.wire.cohere_messages import Messages
from triplegate.wire.neutral import Media, Message, Native, Part, Reasoning, Refused, Text, ToolResult, ToolUse


def written(*messages: Message, losses: Losses | None = None) -> Any:
    found = Messages(losses or Losses())
    for message in messages:
        found.add(message)
    return json.loads(msgspec.json.encode(found.written))


def one(role: Any, *parts: Part, losses: Losses | None = None) -> Any:
    return written(Message(role, parts), losses=losses)


def test_results_and_words_of_one_message_are_messages_of_their_own():
    assert one(
        "user", Text("a"), ToolResult("1", (Text("b"),)), ToolResult("2", (Text("c"), Text("d"))), Text("e")
    ) == [
        {"role": "user", "content": "a"},
        {"role": "tool", "tool_call_id": "1", "content": "b"},
        {
            "role": "tool",
            "tool_call_id": "2",
            "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}],
        },
        {"role": "user", "content": "e"},
    ]


def test_thoughts_before_calls_are_the_plan_and_else_thinking():
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert one("assistant", Reasoning("Hm."), Text("Look:"), ToolUse("1", "f", "")) == [
        {"role": "assistant", "tool_plan": "Hm.", "content": "Look:", "tool_calls": [call]}
    ]
    assert one("assistant", Reasoning("Hm."), Text("Yes.")) == [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]}
    ]


@pytest.mark.parametrize(
    ("media", "wanted"),
    [
        (Media("image", "image/webp", "AAAA"), {"url": "data:image/webp;base64,AAAA"}),
        (
            Media("image", url="https://x.example/a.png", detail="low"),
            {"url": "https://x.example/a.png", "detail": "low"},
        ),
    ],
)
def test_images_come_by_address(media: Media, wanted: Any):
    assert one("user", media) == [{"role": "user", "content": [{"type": "image_url", "image_url": wanted}]}]


def test_what_cohere_has_no_place_for_is_told():
    losses = Losses()
    found = written(
        Message(
            "user",
            (
                Media("audio", data="AAAA"),
                Media("image", file_id="file-1"),
                Native("anthropic", "search_result", b"{}"),
                ToolResult("1", (Media("image", data="AAAA"),), error=True, cache="5m"),
            ),
            name="anna",
        ),
        losses=losses,
    )
    assert found == [{"role": "tool", "tool_call_id": "1", "content": ""}]
    assert losses.names == ["name", "audio", "file_id", "content.search_result", "cache_control", "is_error", "image"]


def test_empty_messages_are_left_out_and_refusals_are_text():
    assert written(
        Message("assistant", (Text(""),)), Message("system", ()), Message("assistant", (Refused("No."),))
    ) == [{"role": "assistant", "content": "No."}]
