"""Messages of model calls as spans have them, whatever the dialect, and redacted."""

import json
from typing import Any

from triplegate.control.telemetry.contents import content
from triplegate.control.telemetry.redact import HIDDEN, Redactor

REDACTOR = Redactor()


def told(asked: Any, answered: bytes) -> dict[str, Any]:
    found = content(asked if isinstance(asked, bytes) else json.dumps(asked).encode(), answered, REDACTOR)
    return {name.removeprefix("gen_ai."): json.loads(one) for name, one in found.items()}


def stream(*events: Any) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(one).encode() + b"\n\n" for one in events) + b"data: [DONE]\n\n"


def text(said: str) -> dict[str, str]:
    return {"type": "text", "content": said}


CALL = {"type": "tool_call", "id": "c1", "name": "find", "arguments": '{"q":1}'}


def test_chat() -> None:
    asked = {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "I am a@b.example"}, {"type": "image_url", "image_url": {}}],
            },
            {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": '{"q":1}'}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
        ]
    }
    answer = {"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}
    found = told(asked, json.dumps(answer).encode())
    assert found["system_instructions"] == [text("Be kind.")]
    assert found["input.messages"] == [
        {"role": "user", "parts": [text(f"I am {HIDDEN}"), {"type": "image_url"}]},
        {"role": "assistant", "parts": [CALL]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]},
    ]
    assert found["output.messages"] == [{"role": "assistant", "parts": [text("Hello")], "finish_reason": "stop"}]


def test_a_stream_of_chat_chunks_is_put_together_by_choice() -> None:
    def chunk(number: int, reason: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"choices": [{"index": number, "delta": delta, "finish_reason": reason}]}

    first = {"index": 0, "id": "c1", "function": {"name": "find", "arguments": '{"q"'}}
    more = {"index": 0, "function": {"arguments": ":1}"}}
    found = told(
        {"messages": []},
        stream(
            chunk(0, content="Hel"),
            chunk(1, content="Bye"),
            chunk(0, content="lo"),
            chunk(0, tool_calls=[first]),
            chunk(0, "tool_calls", tool_calls=[more]),
            chunk(1, "stop"),
            {"choices": [], "usage": {}},
        ),
    )
    assert found == {
        "output.messages": [
            {"role": "assistant", "parts": [text("Hello"), CALL], "finish_reason": "tool_calls"},
            {"role": "assistant", "parts": [text("Bye")], "finish_reason": "stop"},
        ]
    }


def test_anthropic_messages() -> None:
    asked = {"system": [{"type": "text", "text": "Be kind."}], "messages": [{"role": "user", "content": "Hi"}]}
    answer = {
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "c1", "name": "find", "input": {"q": 1}},
        ],
        "stop_reason": "tool_use",
    }
    found = told(asked, json.dumps(answer).encode())
    assert found["system_instructions"] == [text("Be kind.")]
    assert found["input.messages"] == [{"role": "user", "parts": [text("Hi")]}]
    parts = [{"type": "reasoning", "content": "hm"}, text("Hello"), {**CALL, "arguments": {"q": 1}}]
    assert found["output.messages"] == [{"role": "assistant", "parts": parts, "finish_reason": "tool_use"}]
    streamed = stream(
        {"type": "message_start", "message": {"content": []}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "c1", "name": "find"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    )
    parts = [text("Hello"), CALL]
    assert told(b"", streamed)["output.messages"] == [
        {"role": "assistant", "parts": parts, "finish_reason": "tool_use"}
    ]


def test_responses() -> None:
    asked = {
        "instructions": "Be kind.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"q":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "found"},
        ],
    }
    reply = {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}],
    }
    found = told(asked, json.dumps(reply).encode())
    assert found["input.messages"] == [
        {"role": "user", "parts": [text("Hi")]},
        {"role": "assistant", "parts": [CALL]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "found"}]},
    ]
    wanted = [{"role": "assistant", "parts": [text("Hello")], "finish_reason": "completed"}]
    assert found["output.messages"] == wanted
    deltas = [{"type": "response.output_text.delta", "delta": one} for one in ("Hel", "lo")]
    assert told({"input": "Hi"}, stream(*deltas, {"type": "response.completed", "response": reply})) == {
        "input.messages": [{"role": "user", "parts": [text("Hi")]}],
        "output.messages": wanted,
    }
    assert told(b"{}", stream(*deltas))["output.messages"][0]["parts"] == [text("Hello")]  # cut before its end


def test_legacy_completions() -> None:
    found = told({"prompt": "Once"}, b'{"choices":[{"text":" upon","finish_reason":"length"}]}')
    assert found["input.messages"] == [{"role": "user", "parts": [text("Once")]}]
    assert found["output.messages"] == [{"role": "assistant", "parts": [text(" upon")], "finish_reason": "length"}]


def test_what_cannot_be_read_says_nothing() -> None:
    for broken in (
        b"",
        b"[]",
        b"\xff",
        b"data: {",
        b'{"choices":',
        b"data: 7\n\n",
        b'{"messages":[7,{"role":"user"}]}',
    ):
        assert "output.messages" not in told(broken, broken)
