"""Requests of chat clients in the neutral form."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Format, Message, NativeTool, Text, Thinking, Tool, ToolChoice
from triplegate.wire.openai_reading import read_request
from triplegate.wire.openai_writing import write_request


def read(**members: Any) -> Any:
    said = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}
    return read_request(json.dumps(said).encode())


def test_every_setting_has_its_field_and_the_rest_stays():
    request = read(
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=9,
        temperature=0.5,
        top_p=1,
        top_k=3,
        stop="END",
        seed=1,
        frequency_penalty=None,
        presence_penalty=0.1,
        n=2,
        logprobs=True,
        top_logprobs=3,
        user="u",
        service_tier="flex",
        verbosity="low",
        prompt_cache_key="k",
        metadata={"a": "b"},
        parallel_tool_calls=False,
        logit_bias={"5": 1},
        store=None,
    )
    assert (request.dialect, request.model, request.stream, request.n) == ("openai", "m", True, 2)
    assert request.messages == (Message("user", (Text("hi"),)),)
    assert (request.max_tokens, request.temperature, request.top_p, request.top_k) == (9, 0.5, 1.0, 3)
    assert (request.stop, request.seed, request.frequency_penalty, request.presence_penalty) == (("END",), 1, None, 0.1)
    assert (request.logprobs, request.top_logprobs, request.user, request.service_tier) == (True, 3, "u", "flex")
    assert (request.verbosity, request.cache_key, request.metadata) == ("low", "k", {"a": "b"})
    assert request.parallel_tools is False
    assert {name: json.loads(bytes(raw)) for name, raw in request.rest.items()} == {"logit_bias": {"5": 1}}


def test_tools_of_three_kinds():
    schema = {"type": "object"}
    custom = {"type": "custom", "custom": {"name": "run"}}
    request = read(
        tools=[{"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}, custom],
        functions=[{"name": "g", "description": "old"}],
    )
    assert request.tools == (
        Tool("f", schema=json.dumps(schema).encode(), strict=True),
        NativeTool("openai", "custom", json.dumps(custom).encode()),
        Tool("g", "old"),
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("auto", ToolChoice("auto")),
        ("any", ToolChoice("required")),
        ("none", ToolChoice("none")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", "f")),
        ({"type": "custom", "custom": {"name": "run"}}, ToolChoice("named", "run")),
        ({"type": "allowed_tools", "allowed_tools": {}}, None),
        (None, None),
    ],
)
def test_the_choice_of_tools(said: Any, meant: ToolChoice | None):
    request = read(tool_choice=said)
    assert request.tool_choice == meant
    assert ("tool_choice" in request.rest) == (meant is None and said is not None)
    assert read(function_call={"name": "f"}).tool_choice == ToolChoice("named", "f")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"type": "text"}, Format("text")),
        ({"type": "json_object"}, Format("json")),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
            Format("schema", "n", b"{}", strict=True),
        ),
    ],
)
def test_the_form_of_the_text(said: Any, meant: Format):
    assert read(response_format=said).format == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"reasoning_effort": "low"}, Thinking("low")),
        ({"reasoning": {"max_tokens": 2000}}, Thinking(budget=2000)),
        ({"reasoning": {"effort": "high", "exclude": True}}, Thinking("high", visible=False)),
        ({"reasoning": {"enabled": False}}, Thinking(budget=0)),
        ({}, None),
    ],
)
def test_how_much_to_think(said: dict[str, Any], meant: Thinking | None):
    assert read(**said).thinking == meant


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"stop": 3}, "stop"),
        ({"tools": [{"type": 1}]}, "tools"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"messages": "hi"}, "messages"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(members: dict[str, Any], param: str):
    with pytest.raises(Refusal) as refused:
        read(**members)
    assert (refused.value.code, refused.value.payload["param"]) == ("invalid_body", param)


def test_what_was_read_is_written_again():
    said = {
        "model": "m",
        "temperature": 0.5,
        "response_format": {"type": "json_object"},
        "tools": [{"type": "custom", "custom": {"name": "run"}}],
        "tool_choice": {"type": "custom", "custom": {"name": "run"}},
        "logit_bias": {"5": 1},
        "messages": [{"role": "developer", "content": "x", "name": "n"}],
    }
    losses = Losses()
    assert json.loads(write_request(read_request(json.dumps(said).encode()), "m", losses)) == said
    assert losses.names == []
