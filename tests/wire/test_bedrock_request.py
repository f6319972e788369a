"""The body of a call to Converse beside its messages."""

import json
from typing import Any

import pytest

from triplegate.wire.bedrock_request import path, write_request
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
    Format,
    Message,
    NativeTool,
    Raw,
    Request,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-micro-v1:0"
HELLO = Message("user", (Text("Hello"),))
CALLED = (
    HELLO,
    Message("assistant", (ToolUse("c", "get_time"),)),
    Message("tool", (ToolResult("c", (Text("noon"),)),)),
)


def body(model: str = CLAUDE, losses: Losses | None = None, dialect: str = "openai", **more: Any) -> Any:
    more.setdefault("messages", (HELLO,))
    return json.loads(write_request(Request(dialect, "m", **more), model, losses or Losses()))


def lost(model: str = CLAUDE, **more: Any) -> list[str]:
    losses = Losses()
    body(model, losses, **more)
    return losses.names


def test_ids_and_arns_are_encoded_whole():
    arn = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc"
    encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A000000000000%3Aapplication-inference-profile%2Fabc"
    assert path(arn, False) == f"model/{encoded}/converse"
    assert path("amazon.nova-lite-v1:0", True) == "model/amazon.nova-lite-v1%3A0/converse-stream"
    assert path("../x?y#z", False) == "model/..%2Fx%3Fy%23z/converse"


def test_what_the_family_itself_says_passes_and_extra_fields_are_joined():
    guardrail = Raw(b'{"guardrailIdentifier":"g","guardrailVersion":"1"}')
    rest = {"guardrailConfig": guardrail, "additionalModelRequestFields": Raw(b'{"a":1}')}
    found = body(dialect="bedrock", rest=rest, top_k=5)
    assert found["guardrailConfig"] == {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    assert found["additionalModelRequestFields"] == {"a": 1, "top_k": 5}
    assert lost(dialect="openai", rest={"logit_bias": Raw(b"{}")}) == ["logit_bias"]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"n": 2}, ["n"]),
        ({"logprobs": True}, ["logprobs"]),
        ({"user": "ada"}, ["user"]),
        ({"verbosity": "low"}, ["verbosity"]),
        ({"verbosity": "medium"}, []),
        ({"cache_key": "k"}, ["prompt_cache_key"]),
        ({"previous": "resp_1"}, ["previous_response_id"]),
        ({"service_tier": "auto"}, []),
        ({"service_tier": "scale"}, ["service_tier"]),
        ({"metadata": {"team": "a|b"}}, ["metadata"]),
        ({"tools": (Tool("f"),), "parallel_tools": False}, ["parallel_tool_calls"]),
        ({"tools": (NativeTool("anthropic", "web_search", b"{}"),)}, ["tools.web_search"]),
        (
            {"thinking": Thinking("low"), "temperature": 0.2, "top_p": 0.5, "top_k": 3},
            ["temperature", "top_p", "top_k"],
        ),
        ({"thinking": Thinking("low"), "temperature": 1.0}, []),
        ({"temperature": 1.5}, ["temperature"]),
        ({"stop": (" ", "END")}, ["stop"]),
    ],
)
def test_what_cannot_be_carried_is_lost_by_name(more: dict[str, Any], wanted: list[str]):
    assert lost(**more) == wanted


def test_tiers_and_metadata_have_their_places():
    found = body(service_tier="flex", metadata={"team": "search"})
    assert found["serviceTier"] == {"type": "flex"}
    assert found["requestMetadata"] == {"team": "search"}


def test_what_is_too_hot_is_as_hot_as_can_be_and_stops_of_white_space_are_left_out():
    found = body(temperature=1.5, stop=(" ", "END"))
    assert found["inferenceConfig"] == {"temperature": 1.0, "stopSequences": ["END"]}


def test_top_k_stands_where_each_vendor_looks_for_it():
    assert body(NOVA, top_k=3)["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 3}}
    assert lost("meta.llama3-1-8b-instruct-v1:0", top_k=3) == ["top_k"]


def test_tools_that_were_used_are_named_when_none_are_given():
    """Bedrock refuses a conversation with calls and no tools."""
    empty = {"json": {"type": "object", "properties": {}}}
    wanted = {"tools": [{"toolSpec": {"name": "get_time", "inputSchema": empty}}]}
    assert body(messages=CALLED)["toolConfig"] == wanted
    assert "toolConfig" not in body()


def test_no_tool_is_called_when_none_is_wanted_unless_some_were():
    none = ToolChoice("none")
    assert "toolConfig" not in body(tools=(Tool("f"),), tool_choice=none)
    assert body(messages=CALLED, tools=(Tool("f"),), tool_choice=none)["toolConfig"]["tools"]
    assert lost(messages=CALLED, tools=(Tool("f"),), tool_choice=none) == ["tool_choice"]
    assert "toolChoice" not in body(tools=(Tool("f"),), tool_choice=ToolChoice())["toolConfig"]


def test_a_tool_may_be_strict_native_and_cached():
    tools = (Tool("f", strict=True, cache="1h"), NativeTool("bedrock", "systemTool", b'{"systemTool":{"name":"x"}}'))
    strict, point, native = body(tools=tools)["toolConfig"]["tools"]
    assert strict["toolSpec"]["strict"] is True
    assert point == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert native == {"systemTool": {"name": "x"}}
    assert lost(NOVA, tools=(Tool("f", cache="5m"),)) == ["cache_control"]


def test_a_schema_is_told_as_a_text():
    wanted = Format("schema", "verdict", b'{"type": "object"}', "What it is.")
    schema = {"schema": '{"type": "object"}', "name": "verdict", "description": "What it is."}
    told = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    assert body(format=wanted)["outputConfig"] == told
    assert "outputConfig" not in body(format=Format())


def test_effort_stands_beside_the_format():
    found = body("global.anthropic.claude-opus-4-6-v1:0", thinking=Thinking("low"), format=Format("schema", "", b"{}"))
    assert found["outputConfig"]["effort"] == "low"
    assert found["outputConfig"]["textFormat"]["type"] == "json_schema"
    assert found["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}


def test_messages_stand_last():
    text = write_request(Request("openai", "m", CALLED, max_tokens=5, thinking=Thinking("low")), NOVA, Losses())
    assert list(json.loads(text))[-1] == "messages"
