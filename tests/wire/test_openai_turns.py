"""Neutral messages as the chat dialect says them."""

import json
from typing import Any

import msgspec
import pytest

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolResult,
    ToolUse,
)
from triplegate.wire.openai_turns import Turns


def written(*messages: Message, dialect: str = "anthropic") -> tuple[list[Any], list[str]]:
    losses = Losses()
    turns = Turns(dialect, losses)
    for message in messages:
        turns.add(message)
    return json.loads(msgspec.json.encode(turns.done())), losses.names


def test_results_come_first_and_what_tools_show_follows_all_of_them():
    picture = Media("image", "image/png", "iVBO")
    messages, lost = written(
        Message("user", (ToolResult("a", (Text("see"), picture)), ToolResult("b", (Text("2"),)), Text("Go on."))),
    )
    assert [message["role"] for message in messages] == ["tool", "tool", "user", "user"]
    assert messages[0] == {"role": "tool", "tool_call_id": "a", "content": "see"}
    assert messages[2]["content"][1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    assert messages[3]["content"] == "Go on."
    assert lost == []


def test_a_picture_alone_is_announced_and_shown_at_the_end():
    messages, _ = written(Message("tool", (ToolResult("a", (Media("image", url="https://a.example/x"),)),)))
    assert [message["role"] for message in messages] == ["tool", "user"]
    assert messages[0]["content"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            Media("audio", "audio/mpeg", "UklG"),
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
        ),
        (
            Media("file", data="JVBE"),
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (Media("image", url="u", detail="low"), {"type": "image_url", "image_url": {"url": "u", "detail": "low"}}),
        (Native("openai", "novel", b'{"type":"novel"}'), {"type": "novel"}),
    ],
)
def test_media_of_a_user(part: Part, said: dict[str, Any]):
    messages, lost = written(Message("user", (part,)))
    assert messages[0]["content"] == [said]
    assert lost == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (Media("video", url="u"), "video"),
        (Media("file", file_id="file_1"), "file"),
        (Native("anthropic", "document", b"{}"), "content.document"),
        (Text("x", "5m"), "cache_control"),
    ],
)
def test_what_cannot_be_carried_is_told(part: Part, name: str):
    assert written(Message("user", (part,)))[1] == [name]


def test_files_and_breakpoints_are_known_between_openais_dialects():
    messages, lost = written(
        Message("developer", (Text("x"),)),
        Message("user", (Media("file", file_id="file_1"), Text("y", "5m"))),
        dialect="openai_responses",
    )
    assert messages[0]["role"] == "system"
    assert messages[1]["content"] == [
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "text", "text": "y", "prompt_cache_breakpoint": {"mode": "explicit"}},
    ]
    assert lost == []


def test_only_the_familys_own_state_goes_back_and_thoughts_of_others_stay_out():
    details = '{"type":"reasoning.text","signature":"s"}'
    messages, lost = written(
        Message(
            "assistant",
            (
                Reasoning("hm", (Opaque("openai", "encrypted", details), Opaque("anthropic", "signature", "x"))),
                Reasoning("secret", (Opaque("gemini", "thought", "y"),)),
                ToolUse("a", "f", "", Opaque("openai", "thought", "sig")),
                ToolUse("b", "run", "ls", custom=True),
            ),
        )
    )
    said = messages[0]
    assert said["reasoning_details"] == [{"type": "reasoning.text", "signature": "s", "text": "hm"}]
    assert said["tool_calls"][0] == {
        "id": "a",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }
    assert said["tool_calls"][1] == {"id": "b", "type": "custom", "custom": {"name": "run", "input": "ls"}}
    assert "secret" not in json.dumps(messages)
    assert lost == []


def test_an_answer_in_sound_is_told_by_its_id_and_other_media_are_lost():
    messages, lost = written(Message("assistant", (Native("openai", "audio", b'{"id":"z"}'), Media("image", url="u"))))
    assert messages == [{"role": "assistant", "content": None, "audio": {"id": "z"}}]
    assert lost == ["image"]
