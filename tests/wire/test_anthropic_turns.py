"""Messages as Anthropic's turns; the whole requests are compared with files in tests/golden."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_turns import Turns
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    Citation,
    Media,
    Message,
    Native,
    Opaque,
    Reasoning,
    Text,
    ToolResult,
    ToolUse,
)


def turns(*messages):
    losses = Losses()
    made = Turns(losses)
    for message in messages:
        made.add(message)
    return made, losses.names


def test_turns_alternate_and_empty_ones_vanish():
    made, lost = turns(
        Message("user", (Text("a"),)),
        Message("user", (Text(""),)),
        Message("tool", (ToolResult("t1"),)),
        Message("assistant", (Text("b"),)),
    )
    assert [role for role, _ in made.turns] == ["user", "assistant"]
    assert made.turns[0][1] == [{"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": "t1"}]
    assert lost == []


def test_a_late_system_message_is_a_users_and_told():
    made, lost = turns(Message("user", (Text("a"),)), Message("system", (Text("b"),)))
    assert (made.system, len(made.turns[0][1]), lost) == ([], 2, ["messages.role"])


def test_what_cannot_be_carried_is_told():
    made, lost = turns(
        Message("user", (Media("audio", data="x"), Native("gemini", "executableCode", b"{}")), name="bob"),
        Message("assistant", (Reasoning("free thought"), Reasoning("", (Opaque("openai", "encrypted", "x"),)))),
    )
    assert (made.turns, lost) == ([], ["messages.name", "messages.content.audio", "messages.content.executableCode"])


def test_documents_and_citations_of_its_own():
    made, _ = turns(
        Message(
            "user",
            (
                Media("file", "application/pdf", "aGk=", name="T", cache="5m"),
                Media("file", "text/plain", "hi"),
                Media("file", url="https://a.example/x.pdf"),
                Text("x", citations=(Citation(provider="anthropic", raw=b'{"type":"char_location"}'),)),
            ),
        )
    )
    blocks = made.turns[0][1]
    assert blocks[0] == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
        "title": "T",
        "cache_control": {"type": "ephemeral"},
    }
    assert [block["source"]["type"] for block in blocks[1:3]] == ["text", "url"]
    assert bytes(blocks[3]["citations"][0]) == b'{"type":"char_location"}'


def test_arguments_pass_as_they_were_written_and_must_be_an_object():
    made, _ = turns(Message("assistant", (ToolUse("t", "f", '{"a": 1.0}'), ToolUse("t", "f", ""))))
    assert [bytes(block["input"]) for block in made.turns[0][1]] == [b'{"a": 1.0}', b"{}"]
    with pytest.raises(Refusal) as caught:
        turns(Message("assistant", (ToolUse("t9", "f", "[1]"),)))
    assert "t9" in caught.value.detail
