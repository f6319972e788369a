"""How models of several vendors are told how much to think."""

from typing import Any

import pytest

from triplegate.wire.bedrock_messages import vendor
from triplegate.wire.bedrock_thinking import fields
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Request, Thinking, ToolChoice

OLD = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OLDEST = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
NEW = "global.anthropic.claude-opus-4-6-v1:0"
NEWER = "global.anthropic.claude-sonnet-5-5"


def told(model: str, thinking: Thinking | None, losses: Losses | None = None, **more: Any) -> dict[str, Any]:
    thoughtless = more.pop("thoughtless", False)
    request = Request("openai", "m", thinking=thinking, **more)
    return fields(request, vendor(model), model, thoughtless, losses or Losses("reject"))


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def adaptive(effort: str) -> dict[str, Any]:
    return {"thinking": {"type": "adaptive"}, "effort": effort}


@pytest.mark.parametrize(
    ("model", "thinking", "wanted"),
    [
        (OLD, None, {}),
        (OLD, Thinking(summary="auto"), {}),
        (OLD, Thinking("none"), {}),
        (OLD, Thinking(budget=0), {}),
        (OLD, Thinking(budget=5000), budget(5000)),
        (OLD, Thinking(budget=10), budget(1024)),
        (OLDEST, Thinking("low"), budget(2048)),
        (OLD, Thinking("xhigh"), budget(32768)),
        (NEW, Thinking("minimal"), adaptive("low")),
        (NEW, Thinking("xhigh"), adaptive("max")),
        (NEWER, Thinking("xhigh"), adaptive("xhigh")),
        (NEWER, Thinking("max"), adaptive("max")),
        (NEWER, Thinking(budget=5000), adaptive("medium")),
        (NEWER, Thinking(budget=-1), adaptive("high")),
        ("openai.gpt-oss-120b-1:0", Thinking("none"), {"reasoning_effort": "low"}),
        ("openai.gpt-oss-120b-1:0", Thinking("xhigh"), {"reasoning_effort": "high"}),
        (
            "us.amazon.nova-2-lite-v1:0",
            Thinking("low"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
        ),
        ("us.amazon.nova-2-lite-v1:0", Thinking("none"), {"reasoningConfig": {"type": "disabled"}}),
        ("amazon.nova-lite-v1:0", Thinking("none"), {}),
    ],
)
def test_each_vendor_has_its_own_words(model: str, thinking: Thinking | None, wanted: dict[str, Any]):
    assert told(model, thinking) == wanted


def test_a_budget_stays_below_the_bound_of_the_answer():
    assert told(OLD, Thinking("high"), max_tokens=4000) == budget(3999)


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 1000},
        {"thoughtless": True},
        {"tool_choice": ToolChoice("required")},
        {"tool_choice": ToolChoice("named", "f")},
    ],
)
def test_where_claude_would_refuse_to_think_it_is_lost(more: dict[str, Any]):
    losses = Losses()
    assert told(OLD, Thinking("high"), losses, **more) == {}
    assert losses.names == ["reasoning_effort"]


def test_a_model_that_cannot_be_told_loses_it():
    losses = Losses()
    assert told("meta.llama3-1-8b-instruct-v1:0", Thinking("high"), losses) == {}
    assert losses.names == ["reasoning_effort"]
