"""Neutral messages as items."""

import json
from typing import Any

import msgspec
import pytest

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Media, Message, Native, Opaque, Part, Reasoning, Refused, Text, ToolResult, ToolUse
from triplegate.wire.responses_turns import Turns


def written(*messages: Message, dialect: str = "anthropic") -> tuple[list[Any], list[str]]:
    losses = Losses()
    turns = Turns(dialect, losses)
    for message in messages:
        turns.add(message)
    return json.loads(msgspec.json.encode(turns.items)), losses.names


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Media("image", url="u"), {"type": "input_image", "detail": "auto", "image_url": "u"}),
        (Media("file", url="u"), {"type": "input_file", "file_url": "u"}),
        (
            Media("file", data="JVBE"),
            {"type": "input_file", "filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        ),
        (
            Media("audio", "audio/mpeg", "UklG"),
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
        ),
        (Native("openai_responses", "novel", b'{"type":"novel"}'), {"type": "novel"}),
    ],
)
def test_media_of_a_user_and_of_a_tool(part: Part, said: dict[str, Any]):
    items, lost = written(Message("user", (part,)))
    assert (items[0]["content"], lost) == ([said], [])
    if isinstance(part, Media):
        assert written(Message("tool", (ToolResult("c", (part,)),)))[0][0]["output"] == [said]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (Message("user", (Media("video", url="u"),)), "video"),
        (Message("user", (Media("image", file_id="f"),)), "image"),
        (Message("user", (Text("x", "5m"),)), "cache_control"),
        (Message("user", (Native("anthropic", "document", b"{}"),)), "content.document"),
        (Message("user", (Text("x"),), "bob"), "name"),
        (Message("assistant", (Native("anthropic", "server_tool_use", b"{}"),)), "content.server_tool_use"),
        (Message("assistant", (Media("image", url="u"),)), "image"),
        (Message("tool", (ToolResult("c", error=True),)), "is_error"),
    ],
)
def test_what_cannot_be_carried_is_told(message: Message, name: str):
    assert written(message)[1] == [name]


def test_the_models_turn_keeps_its_order_and_only_its_own_state():
    own = Opaque("openai_responses", "encrypted", "c2Vj")
    items, lost = written(
        Message(
            "assistant",
            (
                Reasoning("a", (own,), "rs_1", summary=True),
                Reasoning("hm", (Opaque("anthropic", "signature", "x"),)),
                Text("t"),
                Refused("no"),
                ToolUse("d", "run", "ls", custom=True),
                Native("openai_responses", "web_search_call", b'{"type":"web_search_call"}'),
                Text("after"),
            ),
        ),
        Message("tool", (ToolResult("d", (Text("1"),)),)),
    )
    assert items == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}],
            "encrypted_content": "c2Vj",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "t"}, {"type": "refusal", "refusal": "no"}],
        },
        {"type": "custom_tool_call", "call_id": "d", "name": "run", "input": "ls"},
        {"type": "web_search_call"},
        {"type": "message", "role": "assistant", "content": "after"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": "1"},
    ]
    assert lost == []


def test_between_openais_dialects_files_breakpoints_and_stored_thoughts_are_known():
    items, lost = written(
        Message("user", (Media("image", file_id="f"), Media("file", file_id="g"), Text("x", "5m"))),
        Message("assistant", (Reasoning(id="rs_1"),)),
        dialect="openai_responses",
    )
    assert [part["type"] for part in items[0]["content"]] == ["input_image", "input_file", "input_text"]
    assert items[0]["content"][2]["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert items[1] == {"type": "reasoning", "id": "rs_1", "summary": []}
    assert lost == []
