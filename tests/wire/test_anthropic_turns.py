"""Messages as Anthropic's turns; the whole requests are compared with files in tests/golden."""

import re

import pytest

from triplegate.wire.anthropic_turns import Turns
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    Citation,
    Media,
    Message,
    Native,
    Opaque,
    Reasoning,
    Refused,
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
    assert (made.system, len(made.turns[0][1]), lost) == ([], 2, ["role"])


def test_a_system_message_of_its_own_stays_where_it_is():
    made = Turns(Losses("reject"), own=True)
    for role in ("system", "user", "system", "assistant"):
        made.add(Message(role, (Text(role),)))
    assert [role for role, _ in made.done()] == ["user", "system", "assistant"]
    assert made.system == [{"type": "text", "text": "system"}]


def test_a_lonely_system_message_is_a_users():
    made, lost = turns(Message("system", (Text("Say hi."),)))
    assert made.done() == [("user", [{"type": "text", "text": "Say hi."}])]
    assert (made.system, lost) == ([], [])


def test_mere_white_space_is_left_out():
    """Models write it before calls; the provider refuses it."""
    made, lost = turns(Message("assistant", (Text("\n\n"), Refused(" "), ToolUse("t", "f"))))
    assert ([block["type"] for block in made.turns[0][1]], lost) == (["tool_use"], [])


def test_ids_that_the_provider_refuses_are_written_so_that_they_still_fit_together():
    ids = ["functions.f:0", "functions.f:1", "", "toolu_1-A"]
    made, _ = turns(
        Message("assistant", tuple(ToolUse(one, "f") for one in ids)),
        Message("tool", tuple(ToolResult(one) for one in ids)),
    )
    used = [block["id"] for block in made.turns[0][1]]
    assert used == [block["tool_use_id"] for block in made.turns[1][1]]
    assert (len(set(used)), used[3]) == (4, "toolu_1-A")
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", one) for one in used)


@pytest.mark.parametrize("data", ["hi there", "/+8="])
def test_a_plain_document_that_is_no_text_is_told(data):
    made, lost = turns(Message("user", (Media("file", "text/plain", data),)))
    assert (made.turns, lost) == ([], ["file"])


def test_what_cannot_be_carried_is_told():
    made, lost = turns(
        Message("user", (Media("audio", data="x"), Native("gemini", "executableCode", b"{}")), name="bob"),
        Message("assistant", (Reasoning("free thought"), Reasoning("", (Opaque("openai", "encrypted", "x"),)))),
    )
    assert (made.turns, lost) == ([], ["name", "audio", "content.executableCode"])


def test_documents_and_citations_of_its_own():
    made, _ = turns(
        Message(
            "user",
            (
                Media("file", "application/pdf", "aGk=", name="T", cache="5m"),
                Media("file", "text/plain; charset=utf-8", "aGkgw6Q="),
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
    assert [block["source"] for block in blocks[1:3]] == [
        {"type": "text", "media_type": "text/plain", "data": "hi ä"},
        {"type": "url", "url": "https://a.example/x.pdf"},
    ]
    assert bytes(blocks[3]["citations"][0]) == b'{"type":"char_location"}'


def test_arguments_pass_as_they_were_written():
    made, _ = turns(Message("assistant", (ToolUse("t", "f", '{"a": 1.0}'), ToolUse("t", "f", ""))))
    assert [bytes(block["input"]) for block in made.turns[0][1]] == [b'{"a": 1.0}', b"{}"]
