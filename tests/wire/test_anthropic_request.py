"""An Anthropic request read whole: every block has its neutral part, what has none stays as it is."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_messages import PROVIDER
from triplegate.wire.anthropic_request import read_request
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    Format,
    Media,
    Message,
    Native,
    NativeTool,
    Opaque,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    seal,
)
from triplegate.wire.openai import PROVIDER as OPENAI


def read(*messages, **more):
    return read_request(json.dumps({"model": "m", "max_tokens": 9, "messages": messages, **more}).encode())


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def test_a_plain_call():
    request = read({"role": "user", "content": "hi"}, stream=True, stop_sequences=["x"], top_k=3, temperature=1)
    assert (request.dialect, request.model, request.max_tokens, request.stream) == ("anthropic", "m", 9, True)
    assert (request.stop, request.top_k, request.temperature) == (("x",), 3, 1.0)
    assert request.messages == (Message("user", (Text("hi"),)),)
    assert request.rest == {}


def test_system_and_its_breakpoints_come_first():
    request = read(
        {"role": "user", "content": "hi"},
        system=[{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        cache_control={"type": "ephemeral"},
    )
    assert request.messages[0] == Message("system", (Text("a", cache="1h"),))
    assert request.cache == "5m"


def test_pictures_documents_and_what_is_anthropics_own():
    cited = {"type": "document", "source": {"type": "text", "data": "x"}, "citations": {"enabled": True}}
    searched = {"type": "web_search_tool_result", "tool_use_id": "t", "content": []}
    (message,) = read(
        user(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
            {"type": "document", "title": "T", "source": {"type": "file", "file_id": "file_1"}},
            cited,
            searched,
        )
    ).messages
    assert message.parts[:3] == (
        Media("image", "image/png", "aGk="),
        Media("image", url="https://a.example/x.png"),
        Media("file", file_id="file_1", name="T"),
    )
    assert [(part.provider, part.kind) for part in message.parts[3:]] == [
        ("anthropic", "document"),
        ("anthropic", "web_search_tool_result"),
    ]
    assert isinstance(message.parts[3], Native)
    assert json.loads(message.parts[3].raw) == cited
    (message,) = read(user({"type": "document", "context": "old", "source": {"type": "url", "url": "u"}})).messages
    assert isinstance(message.parts[0], Native)


def test_tools_their_calls_and_their_results():
    request = read(
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "red"},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1.50}},
            ],
        },
        user(
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "no"}], "is_error": True}
        ),
        tools=[
            {"name": "look", "input_schema": {"type": "object"}, "description": "d"},
            {"type": "web_search_20250305", "name": "web_search"},
            {"name": "later", "input_schema": {}, "defer_loading": True},
        ],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )
    assert request.messages[0].parts == (
        Reasoning("hm", (Opaque("anthropic", "signature", "sig"),)),
        Reasoning("", (Opaque("anthropic", "redacted", "red"),)),
        ToolUse("t1", "look", '{"a": 1.5}'),
    )
    assert request.messages[1] == Message("tool", (ToolResult("t1", (Text("no"),), error=True),))
    assert request.tools[0] == Tool("look", "d", b'{"type": "object"}')
    assert [(tool.kind, type(tool)) for tool in request.tools[1:]] == [
        ("web_search_20250305", NativeTool),
        ("later", NativeTool),
    ]
    assert (request.tool_choice, request.parallel_tools) == (ToolChoice("required"), False)


def test_state_of_another_provider_comes_back_from_the_signature():
    state = Opaque("gemini", "thought", "abc")
    request = read({"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": seal(state)}]})
    assert request.messages[0].parts == (Reasoning("", (state,)),)


@pytest.mark.parametrize(
    ("said", "thinking"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, Thinking(budget=2000)),
        ({"thinking": {"type": "disabled"}}, Thinking("none", 0)),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "high"}},
            Thinking("high", -1, visible=False),
        ),
        ({"output_config": {"effort": "low"}}, Thinking("low")),
        ({}, None),
    ],
)
def test_how_much_it_may_think(said, thinking):
    assert read(**said).thinking == thinking


def test_structured_output_user_and_the_rest():
    schema = {"type": "object"}
    for said in (
        {"output_format": {"type": "json_schema", "schema": schema}},
        {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
    ):
        assert read(**said).format == Format("schema", "output", b'{"type": "object"}', strict=True)
    request = read(metadata={"user_id": "u"}, service_tier="auto", container="c")
    assert (request.user, request.service_tier, list(request.rest)) == ("u", "auto", ["container"])


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ({"metadata": {"user_id": "u", "trace": 1}}, {"metadata": {"trace": 1}}),
        (
            {"output_config": {"effort": "low", "task_budget": {"total": 9}}},
            {"output_config": {"task_budget": {"total": 9}}},
        ),
        (
            {"output_config": {"effort": "low"}, "thinking": {"type": "disabled"}},
            {"output_config": {"effort": "low"}},
        ),
        ({"thinking": {"type": "between_tools"}}, {"thinking": {"type": "between_tools"}}),
        ({"metadata": None, "output_config": {"effort": "low"}}, {}),
    ],
)
def test_members_without_a_meaning_elsewhere_are_kept_and_told(said, rest):
    request = read({"role": "user", "content": "hi"}, **said)
    assert {name: json.loads(bytes(value)) for name, value in request.rest.items()} == rest
    again = json.loads(PROVIDER.write_request(request, "m", Losses("reject")))
    assert {name: again.get(name) for name in said} == said
    losses = Losses()
    OPENAI.write_request(request, "m", losses)
    assert losses.names == list(rest)


@pytest.mark.parametrize(
    ("members", "parameter"),
    [
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages"),
        ({"temperature": "hot"}, "temperature"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": {"type": "some"}}, "tool_choice"),
    ],
)
def test_what_is_wrong_is_named(members, parameter):
    with pytest.raises(Refusal) as caught:
        read(**members) if "messages" not in members else read(*members["messages"])
    assert (caught.value.code, caught.value.payload["param"].partition(".")[0]) == ("invalid_body", parameter)
