"""The body of Cohere's chat; the canonical requests are in tests/golden/test_matrix_requests.py."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses
from triplegate.wire.cohere_request import path, write_request
from triplegate.wire.neutral import Message, NativeTool, Raw, Request, Text, Thinking, Tool, ToolChoice

HELLO = (Message("user", (Text("Hello"),)),)
PLAIN = {"model": "command-a", "stream": False, "messages": [{"role": "user", "content": "Hello"}]}


def body(losses: Losses | None = None, dialect: str = "openai", **said: Any) -> Any:
    return json.loads(write_request(Request(dialect, "m", HELLO, **said), "command-a", losses or Losses()))


def test_the_path_is_one_for_all():
    assert path("command-a", True) == "chat"


@pytest.mark.parametrize(
    ("thinking", "wanted"),
    [
        (Thinking(budget=500), {"type": "enabled", "token_budget": 500}),
        (Thinking(budget=-1), {"type": "enabled"}),
        (Thinking(budget=0), {"type": "disabled"}),
        (Thinking(effort="none"), {"type": "disabled"}),
        (Thinking(effort="low"), {"type": "enabled", "token_budget": 1024}),
        (Thinking(effort="high"), {"type": "enabled"}),
        (Thinking(visible=True), None),
    ],
)
def test_thinking_is_a_budget(thinking: Thinking, wanted: Any):
    assert body(thinking=thinking).get("thinking") == wanted


def test_a_named_tool_is_the_only_one_and_required():
    said = body(tools=(Tool("f"), Tool("g", "G.")), tool_choice=ToolChoice("named", "g"))
    no_arguments = {"type": "object", "properties": {}}
    assert said["tools"] == [
        {"type": "function", "function": {"name": "g", "description": "G.", "parameters": no_arguments}}
    ]
    assert said["tool_choice"] == "REQUIRED"


@pytest.mark.parametrize(
    ("strict", "wanted", "lost"),
    [((True, True), True, []), ((True, None), None, ["strict"]), ((None, False), None, [])],
)
def test_tools_are_strict_together(strict: tuple[bool | None, ...], wanted: bool | None, lost: list[str]):
    losses = Losses()
    assert body(losses, tools=tuple(Tool(f"f{flag}", strict=flag) for flag in strict)).get("strict_tools") is wanted
    assert losses.names == lost


def test_own_members_pass_and_foreign_ones_are_told():
    assert body(dialect="cohere", rest={"safety_mode": Raw(b'"STRICT"')}) == PLAIN | {"safety_mode": "STRICT"}
    losses = Losses()
    assert body(losses, rest={"logit_bias": Raw(b"{}")}, tools=(NativeTool("openai", "web_search", b"{}"),)) == PLAIN
    assert losses.names == ["logit_bias", "tools.web_search"]


def test_every_field_without_a_word_is_told_by_the_clients_name():
    losses = Losses()
    body(
        losses,
        tools=(Tool("f", cache="5m"),),
        n=2,
        logprobs=True,
        top_logprobs=3,
        parallel_tools=False,
        user="anna",
        metadata={"a": "b"},
        verbosity="low",
        service_tier="flex",
        cache="5m",
        cache_key="k",
        previous="resp_1",
    )
    assert set(losses.names) == {
        "n",
        "top_logprobs",
        "parallel_tool_calls",
        "user",
        "metadata",
        "verbosity",
        "service_tier",
        "cache_control",
        "prompt_cache_key",
        "previous_response_id",
    }
    with pytest.raises(Refusal, match="'n'"):
        body(Losses("reject"), n=2)
