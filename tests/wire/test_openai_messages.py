"""Messages as clients write them, and what they mean."""

import json
from typing import Any

import msgspec
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
from triplegate.wire.openai_messages import inline, read_messages


def read(*messages: Any) -> tuple[Message, ...]:
    return read_messages([Raw(json.dumps(message).encode()) for message in messages])


def parts(content: Any, role: str = "user", **more: Any) -> tuple[Part, ...]:
    return read({"role": role, "content": content, **more})[0].parts


@pytest.mark.parametrize(
    ("part", "meant"),
    [
        ({"type": "text", "text": "a"}, Text("a")),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text("a", "1h")),
        ({"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}, Text("a", "5m")),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}},
            Media("image", "image/png", "iVBO", detail="low"),
        ),
        ({"type": "image_url", "image_url": "https://a.example/x"}, Media("image", url="https://a.example/x")),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
            Media("audio", "audio/mp3", "UklG"),
        ),
        ({"type": "file", "file": {"file_id": "file_1"}}, Media("file", file_id="file_1")),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}},
            Media("file", "application/pdf", "JVBE", name="a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "JVBE"}}, Media("file", "application/pdf", "JVBE")),
        ({"type": "novel", "x": 1}, Native("openai", "novel", b'{"type": "novel", "x": 1}')),
    ],
)
def test_parts_of_a_users_message(part: dict[str, Any], meant: Part):
    assert parts([part]) == (meant,)


def test_an_assistants_message_has_thoughts_text_refusal_and_calls_in_this_order():
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    custom = {"id": "b", "type": "custom", "custom": {"name": "run", "input": "ls"}}
    said = parts(
        "Text", "assistant", reasoning_content="hm", refusal="no", tool_calls=[call, custom], audio={"id": "z"}
    )
    assert said == (
        Reasoning("hm"),
        Text("Text"),
        Refused("no"),
        Native("openai", "audio", b'{"id": "z"}'),
        ToolUse("a", "f", '{"x": 1}'),
        ToolUse("b", "run", "ls", custom=True),
    )


def test_state_of_another_provider_comes_back_with_the_text_it_signs():
    signed = seal(Opaque("anthropic", "signature", "c2ln"))
    hidden = seal(Opaque("anthropic", "redacted", "cmVk"))
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": signed, "index": 0},
        {"type": "reasoning.encrypted", "data": hidden, "index": 1},
    ]
    assert parts(None, "assistant", reasoning_content="hm", reasoning_details=details) == (
        Reasoning("hm", (Opaque("anthropic", "signature", "c2ln"),)),
        Reasoning(opaque=(Opaque("anthropic", "redacted", "cmVk"),)),
    )
    own = {"type": "reasoning.text", "text": "hm", "signature": "abc"}
    assert parts(None, "assistant", reasoning="hm", reasoning_details=[own]) == (
        Reasoning("hm", (Opaque("openai", "encrypted", json.dumps(own)),)),
    )


def test_a_signature_of_a_call_is_geminis_or_a_sealed_one():
    def use(signature: str) -> Any:
        extra = {"google": {"thought_signature": signature}}
        call = {"id": "a", "function": {"name": "f", "arguments": ""}, "extra_content": extra}
        return parts(None, "assistant", tool_calls=[call])[0]

    assert use("c2ln") == ToolUse("a", "f", "{}", Opaque("gemini", "thought", "c2ln"))
    assert use(seal(Opaque("openai", "thought", "x"))).opaque == Opaque("openai", "thought", "x")


def test_results_know_the_name_of_the_tool_that_was_called():
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    said = read({"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "a", "content": "1"})
    assert said[1] == Message("tool", (ToolResult("a", (Text("1"),), name="f"),))


def test_legacy_functions_are_tools():
    said = read(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    )
    assert said[0].parts == (ToolUse("call_f", "f", "{}"),)
    assert said[1].parts == (ToolResult("call_f", (Text("1"),), name="f"),)


def test_mistrals_thoughts_are_read_from_the_content():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert parts([thinking, {"type": "text", "text": "c"}], "assistant") == (Reasoning("ab"), Text("c"))


@pytest.mark.parametrize(
    "message", [{"role": "judge", "content": "x"}, {"content": "x"}, {"role": "user", "content": 3}, [], "x"]
)
def test_what_is_no_message_is_refused_by_its_place(message: Any):
    with pytest.raises(Refusal) as refused:
        read({"role": "user", "content": "ok"}, message)
    assert (refused.value.code, refused.value.payload["param"]) == ("invalid_body", "messages.1")


def test_a_data_url_must_be_base64():
    with pytest.raises(msgspec.ValidationError):
        inline("image", "data:image/svg+xml,<svg/>")
