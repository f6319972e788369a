"""The body of generateContent; the canonical requests are in tests/golden/test_matrix_requests.py."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses
from triplegate.wire.gemini_request import path, write_request
from triplegate.wire.neutral import Message, NativeTool, Raw, Request, Text, Thinking, Tool, ToolChoice

HELLO = (Message("user", (Text("Hello"),)),)


def body(model: str = "gemini-2.5-flash", losses: Losses | None = None, dialect: str = "openai", **said: Any) -> Any:
    return json.loads(write_request(Request(dialect, "m", HELLO, **said), model, losses or Losses()))


def test_the_path_names_model_and_method():
    assert path("gemini-2.5-flash", False) == "models/gemini-2.5-flash:generateContent"


@pytest.mark.parametrize(
    ("model", "thinking", "wanted"),
    [
        ("gemini-2.5-flash", Thinking(effort="none"), {"thinkingBudget": 0}),
        ("gemini-2.5-flash", Thinking(effort="minimal"), {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", Thinking(effort="medium"), {"thinkingBudget": 8192}),
        ("gemini-2.5-flash", Thinking(effort="xhigh"), {"thinkingBudget": 24576}),
        ("gemini-2.5-flash", Thinking(budget=-1, visible=True), {"thinkingBudget": -1, "includeThoughts": True}),
        ("gemini-2.5-pro", Thinking(budget=0), {"thinkingBudget": 128}),
        ("gemini-2.5-pro", Thinking(budget=-1), {"thinkingBudget": -1}),
        ("gemini-3-pro-preview", Thinking(effort="none"), {"thinkingLevel": "LOW"}),
        ("gemini-3-flash-preview", Thinking(effort="none"), {"thinkingLevel": "MINIMAL"}),
        (
            "gemini-3-pro-preview",
            Thinking(effort="medium", summary="auto"),
            {"thinkingLevel": "MEDIUM", "includeThoughts": True},
        ),
        ("gemini-3-pro-preview", Thinking(effort="max"), {"thinkingLevel": "HIGH"}),
        ("gemini-3-flash-preview", Thinking(budget=0), {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro-preview", Thinking(budget=1000), {"thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", Thinking(budget=8000), {"thinkingLevel": "MEDIUM"}),
        ("gemini-3-pro-preview", Thinking(budget=32000), {"thinkingLevel": "HIGH"}),
    ],
)
def test_thinking_is_a_budget_before_gemini_3_and_a_level_from_it_on(model: str, thinking: Thinking, wanted: Any):
    assert body(model, thinking=thinking)["generationConfig"] == {"thinkingConfig": wanted}


@pytest.mark.parametrize("thinking", [None, Thinking(), Thinking(visible=False), Thinking(budget=-1)])
def test_nothing_said_of_thinking_is_nothing_asked(thinking: Thinking | None):
    assert "generationConfig" not in body("gemini-3-pro-preview", thinking=thinking)


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        (Thinking(budget=2000), True),
        (Thinking(budget=0), False),
        (Thinking(effort="none"), False),
        (Thinking(budget=2000, visible=False), False),
    ],
)
def test_clients_of_anthropics_dialect_see_thoughts_unless_they_say_otherwise(thinking: Thinking, shown: bool):
    said = body(dialect="anthropic", thinking=thinking)["generationConfig"]["thinkingConfig"]
    assert said.get("includeThoughts", False) is shown


def test_several_answers_and_log_probabilities():
    assert body(n=2, logprobs=True, top_logprobs=5)["generationConfig"] == {
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 5,
    }
    assert body(top_logprobs=5).get("generationConfig") is None


def test_own_tools_and_members_pass_and_foreign_ones_are_told():
    search = NativeTool("gemini", "googleSearch", b'{"googleSearch":{}}')
    safety = Raw(b'[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}]')
    own = body(dialect="gemini", tools=(Tool("f"), search), rest={"safetySettings": safety})
    assert own["tools"] == [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]
    assert own["safetySettings"] == json.loads(bytes(safety))
    losses = Losses()
    foreign = body(losses=losses, tools=(NativeTool("openai", "web_search", b"{}"),), rest={"logit_bias": Raw(b"{}")})
    assert set(foreign) == {"contents"}
    assert losses.names == ["logit_bias", "tools.web_search"]


def test_every_field_without_a_word_is_told_by_the_clients_name():
    losses = Losses()
    body(
        losses=losses,
        tools=(Tool("f", strict=True, cache="5m"),),
        tool_choice=ToolChoice("auto"),
        parallel_tools=False,
        user="anna",
        metadata={"a": "b"},
        verbosity="low",
        service_tier="scale",
        cache="5m",
        cache_key="k",
        previous="resp_1",
    )
    assert set(losses.names) == {
        "strict",
        "parallel_tool_calls",
        "user",
        "metadata",
        "verbosity",
        "service_tier",
        "cache_control",
        "prompt_cache_key",
        "previous_response_id",
    }
    with pytest.raises(Refusal, match="verbosity"):
        body(losses=Losses("reject"), verbosity="high")


@pytest.mark.parametrize(("said", "wanted"), [("flex", "flex"), ("auto", None), ("default", None)])
def test_the_service_tier_goes_along_where_gemini_knows_it(said: str, wanted: str | None):
    losses = Losses()
    assert body(losses=losses, service_tier=said).get("serviceTier") == wanted
    assert losses.names == []


def test_a_choice_without_functions_is_no_choice():
    assert "toolConfig" not in body(tool_choice=ToolChoice("required"))
