"""Items as clients write them, and what they mean."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import (
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Raw,
    Reasoning,
    Refused,
    Text,
    ToolResult,
    ToolUse,
    seal,
)
from triplegate.wire.responses_items import read_items


def read(*items: Any) -> list[Message]:
    return read_items([Raw(json.dumps(item).encode()) for item in items])


@pytest.mark.parametrize(
    ("part", "meant"),
    [
        ({"type": "input_text", "text": "a"}, Text("a")),
        ({"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}, Text("a", "5m")),
        ({"type": "output_text", "text": "a", "annotations": []}, Text("a")),
        ({"type": "refusal", "refusal": "no"}, Refused("no")),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "low"},
            Media("image", "image/png", "iVBO", detail="low"),
        ),
        ({"type": "input_image", "file_id": "file_1"}, Media("image", file_id="file_1")),
        ({"type": "input_file", "file_url": "https://a.example/x.pdf"}, Media("file", url="https://a.example/x.pdf")),
        ({"type": "input_file", "file_id": "file_1"}, Media("file", file_id="file_1")),
        (
            {"type": "input_file", "file_data": "JVBE", "filename": "a"},
            Media("file", "application/pdf", "JVBE", name="a"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            Media("audio", "audio/mp3", "UklG"),
        ),
        ({"type": "novel", "x": 1}, Native("openai_responses", "novel", b'{"type": "novel", "x": 1}')),
    ],
)
def test_parts_of_a_message(part: dict[str, Any], meant: Part):
    assert read({"role": "user", "content": [part]}) == [Message("user", (meant,))]


def test_the_models_items_that_stand_together_are_one_turn():
    messages = read(
        {"role": "developer", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": "c2Vj"},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "t"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'},
        {"type": "custom_tool_call", "call_id": "d", "name": "run", "input": "ls"},
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "function_call_output", "call_id": "c", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": [{"type": "input_text", "text": "2"}]},
    )
    assert [message.role for message in messages] == ["developer", "assistant", "tool", "tool"]
    assert messages[1].parts == (
        Reasoning("a\n\nb", (Opaque("openai_responses", "encrypted", "c2Vj"),), "rs_1", summary=True),
        Text("t"),
        ToolUse("c", "f", '{"a": 1}'),
        ToolUse("d", "run", "ls", custom=True),
        Native("openai_responses", "web_search_call", b'{"type": "web_search_call", "id": "ws_1"}'),
    )
    assert messages[2].parts == (ToolResult("c", (Text("1"),), name="f"),)
    assert messages[3].parts == (ToolResult("d", (Text("2"),), name="run"),)


def test_state_of_others_is_unsealed_and_a_signature_finds_its_call():
    signature = Opaque("gemini", "thought", "dGhv")
    messages = read(
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""},
        {"type": "reasoning", "id": "rs_sig_c", "summary": [], "encrypted_content": seal(signature)},
    )
    assert messages[0].parts == (Reasoning("hm", (), "rs_1"), ToolUse("c", "f", "{}", signature))


@pytest.mark.parametrize("item", [{"role": "judge", "content": "x"}, {"role": "user", "content": 3}, "x", 7])
def test_what_is_no_item_is_refused_by_its_place(item: Any):
    with pytest.raises(Refusal) as refused:
        read({"role": "user", "content": "ok"}, item)
    assert (refused.value.code, refused.value.payload["param"]) == ("invalid_body", "input.1")
