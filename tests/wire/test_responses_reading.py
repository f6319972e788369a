"""Requests of Responses clients in the neutral form."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Format, Message, NativeTool, Text, Thinking, Tool, ToolChoice
from triplegate.wire.responses_reading import read_request


def read(**members: Any) -> Any:
    return read_request(json.dumps({"model": "m", "input": "hi", **members}).encode())


def test_every_setting_has_its_field_and_the_rest_stays():
    request = read(
        instructions="Be brief.",
        stream=True,
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=2,
        parallel_tool_calls=False,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"},
        user="u",
        service_tier="flex",
        prompt_cache_key="k",
        metadata={"a": "b"},
        previous_response_id="resp_0",
        truncation="disabled",
        background=False,
        store=False,
        include=["reasoning.encrypted_content"],
    )
    assert (request.dialect, request.stream, request.max_tokens) == ("openai_responses", True, 9)
    assert request.messages == (
        Message("system", (Text("Be brief."),), id="instructions"),
        Message("user", (Text("hi"),)),
    )
    assert (request.temperature, request.top_p, request.logprobs, request.top_logprobs) == (0.5, 0.9, True, 2)
    assert request.thinking == Thinking("low", summary="auto")
    assert request.format == Format("schema", "n", b"{}", strict=True)
    assert (request.verbosity, request.user, request.service_tier, request.cache_key) == ("low", "u", "flex", "k")
    assert (request.metadata, request.previous, request.parallel_tools) == ({"a": "b"}, "resp_0", False)
    assert set(request.rest) == {"store", "include"}


def test_tools_and_their_choice():
    search = {"type": "web_search", "search_context_size": "low"}
    request = read(
        tools=[{"type": "function", "name": "f", "parameters": None, "strict": True}, search],
        tool_choice={"type": "function", "name": "f"},
    )
    assert request.tools == (
        Tool("f", strict=True),
        NativeTool("openai_responses", "web_search", json.dumps(search).encode()),
    )
    assert request.tool_choice == ToolChoice("named", "f")
    assert read(tool_choice="required").tool_choice == ToolChoice("required")
    own = read(tool_choice={"type": "web_search"})
    assert (own.tool_choice, set(own.rest)) == (None, {"tool_choice"})
    assert read(text={"format": {"type": "json_object"}}).format == Format("json")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": 3}, "input"),
        ({"temperature": "hot"}, "temperature"),
        ({"tools": [{"type": "function", "name": 3}]}, "tools"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"text": {"format": 3}}, "text"),
        ({"reasoning": "much"}, "reasoning"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(members: dict[str, Any], param: str):
    with pytest.raises(Refusal) as refused:
        read(**members)
    assert (refused.value.code, refused.value.payload["param"]) == ("invalid_body", param)
