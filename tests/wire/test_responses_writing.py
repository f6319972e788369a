"""Neutral requests as Responses calls: settings, and what is left out by name."""

import json
from typing import Any

import pytest

from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Message, NativeTool, Raw, Request, Text, Thinking, Tool, ToolChoice
from triplegate.wire.responses_writing import path, write_request


def written(dialect: str = "anthropic", **fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    body = write_request(Request(dialect, "ours", (Message("user", (Text("hi"),)),), **fields), "m", losses)
    return json.loads(body), losses.names


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"n": 2, "stop": ("x",)}, ["stop", "n"]),
        ({"cache": "5m"}, ["cache_control"]),
        ({"metadata": {"a": "b"}}, ["metadata"]),
        ({"service_tier": "standard_only"}, ["service_tier"]),
        ({"tools": (NativeTool("openai", "custom", b"{}"),)}, ["tools.custom"]),
        ({"tools": (Tool("f", cache="5m"),)}, ["cache_control"]),
        (
            {"rest": {"logit_bias": Raw(b'{"5":1}'), "store": Raw(b"true"), "echo": Raw(b"false")}},
            ["logit_bias", "store"],
        ),
        ({"thinking": Thinking(budget=0)}, ["thinking"]),
    ],
)
def test_what_has_no_word_is_told(fields: dict[str, Any], lost: list[str]):
    body, names = written(**fields)
    assert names == lost
    assert body["store"] is False


def test_weights_state_and_summaries_are_asked_for_where_the_client_wants_them():
    body, _ = written("openai", logprobs=True, top_logprobs=2, thinking=Thinking("high", visible=True))
    assert body["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert (body["top_logprobs"], body["reasoning"]) == (2, {"effort": "high", "summary": "auto"})


def test_the_familys_own_members_pass():
    rest = {"store": Raw(b"true"), "include": Raw(b'["x"]'), "tool_choice": Raw(b'{"type":"web_search"}')}
    tools = (NativeTool("openai_responses", "web_search", b'{"type":"web_search"}'),)
    body, lost = written("openai_responses", rest=rest, tools=tools, previous="resp_0", service_tier="odd")
    assert (body["store"], body["include"], body["tools"]) == (True, ["x"], [{"type": "web_search"}])
    assert (body["tool_choice"], body["previous_response_id"]) == ({"type": "web_search"}, "resp_0")
    assert (body["service_tier"], lost) == ("odd", [])


def test_a_custom_tool_is_chosen_by_its_name():
    tools = (NativeTool("openai_responses", "custom", b'{"type":"custom","name":"run"}'),)
    body, _ = written("openai_responses", tools=tools, tool_choice=ToolChoice("named", "run"), parallel_tools=False)
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ({"type": "custom", "name": "run"}, False)
    assert path("m", True) == "responses"
