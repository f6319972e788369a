"""Every text of a call is looked at, each where it stands; a call without finds stays the one it was."""

import msgspec

from triplegate.wire.neutral import (
    Citation,
    Media,
    Message,
    Native,
    Opaque,
    Raw,
    Reasoning,
    Refused,
    Request,
    Text,
    Tool,
    ToolResult,
    ToolUse,
)
from triplegate.wire.screening.asked import screened, strings_seen

REQUEST = Request(
    "openai",
    "m",
    messages=(
        Message("system", (Text("bad 1"),), name="bad 2"),
        Message("user", (Text("fine"), Media("file", name="bad 3", url="https://x/bad 4", data="bad"))),
        Message(
            "assistant",
            (
                ToolUse("1", "t", '{"a": "bad 5"}'),
                ToolUse("2", "t", "bad 6", custom=True),
                Reasoning("bad 7", (Opaque("anthropic", "signature", "s"),)),
                Refused("bad 8"),
                Native("anthropic", "document", b'{"title": "bad 9"}'),
                Text("fine", citations=(Citation(quote="bad 10"),)),
            ),
        ),
        Message("tool", (ToolResult("1", (Text("bad result"),)), Native("openai", "x_result", b'["bad result"]'))),
    ),
    tools=(Tool("t", "bad 11"),),
    metadata={"a": "bad 12"},
    rest={"suffix": Raw(b'"bad 13"')},
)


def good(piece: str) -> str:
    return piece.replace("bad", "good")


def test_all_that_is_said_is_looked_at():
    found = screened(REQUEST, good, None)
    text = msgspec.json.encode(found).decode()
    for number in range(1, 12):
        assert f'bad {number}"' not in text
    assert found.metadata == {"a": "good 12"}
    assert bytes(found.rest["suffix"]) == b'"good 13"'
    assert found.messages[2].parts[4].raw == b'{"title":"good 9"}'
    assert found.messages[3] is REQUEST.messages[3]
    assert found.messages[2].parts[2].opaque == ()  # its signature is of other words


def test_what_tools_answered_is_looked_at_apart():
    found = screened(REQUEST, None, good)
    assert found.messages[:3] == REQUEST.messages[:3]
    assert found.messages[3].parts[0].parts[0].text == "good result"
    assert found.messages[3].parts[1].raw == b'["good result"]'


def test_a_call_without_finds_is_the_same_one():
    assert screened(REQUEST, str, str) is REQUEST


def test_bodies_that_are_only_json_are_seen():
    seen: list[str] = []
    strings_seen('{"input": ["a", "b"]}', lambda piece: seen.append(piece) or piece)
    assert seen == ["input", "a", "b"]
