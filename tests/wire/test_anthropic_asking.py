"""Settings as Anthropic wants them; the canonical requests are compared with files in tests/golden."""

import json

import pytest
from tests.golden.canonical import CITY, user

from triplegate.wire.anthropic_asking import path, write_request
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import (
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

HI = (user("hi"),)
OPUS = "claude-opus-4-6"
LATER = "anthropic.claude-sonnet-5-1"


def write(model="claude-sonnet-4-5", dialect="openai", messages=HI, **more):
    losses = Losses()
    body = json.loads(write_request(Request(dialect, "m", messages, **more), model, losses))
    return body, losses.names


def test_the_path_is_one_for_both():
    assert path("m", stream=True) == path("m", stream=False) == "messages"


@pytest.mark.parametrize(
    ("model", "effort", "written"),
    [
        ("claude-sonnet-4-5-20250929", "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ("claude-3-7-sonnet-latest", "high", {"thinking": {"type": "enabled", "budget_tokens": 16384}}),
        (OPUS, "minimal", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (
            "anthropic.claude-sonnet-5-1",
            "xhigh",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
        ),
        ("claude-sonnet-4-5", "none", {}),
    ],
)
def test_an_effort_becomes_a_budget_or_stays_one(model, effort, written):
    body, lost = write(model, thinking=Thinking(effort), max_tokens=100)
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == written
    assert lost == []
    assert body["max_tokens"] > body.get("thinking", {}).get("budget_tokens", 0)


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"temperature": 0.2}, ["temperature"]),
        ({"top_k": 4}, ["top_k"]),
        ({"tools": (Tool("f", schema=CITY),), "tool_choice": ToolChoice("required")}, ["reasoning_effort"]),
        (
            {
                "messages": (
                    user("hi"),
                    Message("assistant", (ToolUse("t", "f"),)),
                    Message("tool", (ToolResult("t", (Text("x"),)),)),
                )
            },
            ["reasoning_effort"],
        ),
    ],
)
def test_what_cannot_go_with_thinking_is_told(more, lost):
    assert write(thinking=Thinking("low"), **more)[1] == lost


def test_settings_without_a_word_there_are_told():
    body, lost = write(
        n=2,
        logprobs=True,
        temperature=1.7,
        metadata={"a": "b"},
        verbosity="low",
        cache_key="k",
        previous="resp_1",
        service_tier="flex",
        rest={"logit_bias": Raw(b"{}")},
        tools=(NativeTool("openai", "web_search", b"{}"),),
    )
    assert lost == [
        "n",
        "logprobs",
        "metadata",
        "verbosity",
        "prompt_cache_key",
        "previous_response_id",
        "service_tier",
        "logit_bias",
        "temperature",
        "tools.web_search",
    ]
    assert (body["temperature"], "tools" in body) == (1.0, False)


def test_its_own_settings_pass():
    body, lost = write(
        dialect="anthropic",
        rest={"container": Raw(b'"c"')},
        tools=(NativeTool("anthropic", "bash_20250124", b'{"type":"bash_20250124","name":"bash"}'),),
        thinking=Thinking("high"),
        cache="1h",
        user="u",
        parallel_tools=False,
    )
    assert lost == []
    assert (body["container"], body["output_config"], body["metadata"]) == ("c", {"effort": "high"}, {"user_id": "u"})
    assert (body["cache_control"], body["tool_choice"]) == (
        {"type": "ephemeral", "ttl": "1h"},
        {"type": "auto", "disable_parallel_tool_use": True},
    )
