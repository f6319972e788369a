"""Neutral requests as chat bodies: settings, and what is left out by name."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
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
)
from triplegate.wire.openai_writing import path, write_request


def written(dialect: str = "anthropic", **fields: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    body = write_request(Request(dialect, "ours", (Message("user", (Text("hi"),)),), **fields), "m", losses)
    return json.loads(body), losses.names


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"top_k": 4}, ["top_k"]),
        ({"previous": "resp_1"}, ["previous_response_id"]),
        ({"cache": "5m"}, ["cache_control"]),
        ({"metadata": {"a": "b"}}, ["metadata"]),
        ({"service_tier": "standard_only"}, ["service_tier"]),
        ({"thinking": Thinking(budget=0)}, ["thinking"]),
        ({"tools": (NativeTool("anthropic", "web_search_20250305", b"{}"),)}, ["tools.web_search_20250305"]),
        ({"tools": (Tool("f", cache="5m"),)}, ["cache_control"]),
        ({"rest": {"container": Raw(b'"c"'), "background": Raw(b"false")}}, ["container"]),
    ],
)
def test_what_has_no_word_is_told(fields: dict[str, Any], lost: list[str]):
    assert written(**fields)[1] == lost


def test_own_members_pass_and_shared_ones_between_openais_dialects():
    assert written("openai", rest={"logit_bias": Raw(b'{"5":1}')}, metadata={"a": "b"})[0]["logit_bias"] == {"5": 1}
    body, lost = written("openai_responses", rest={"safety_identifier": Raw(b'"s"'), "truncation": Raw(b'"disabled"')})
    assert (body["safety_identifier"], lost) == ("s", [])


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        (Thinking("minimal"), "minimal"),
        (Thinking("max"), "xhigh"),
        (Thinking(budget=1024), "low"),
        (Thinking(budget=5000), "medium"),
        (Thinking(budget=32000), "high"),
        (Thinking(budget=-1), None),
    ],
)
def test_budgets_become_efforts(thinking: Thinking, effort: str | None):
    assert written(thinking=thinking)[0].get("reasoning_effort") == effort


def test_a_schema_always_has_a_name():
    said = written(format=Format("schema", schema=b"{}", description="d"))[0]["response_format"]
    assert said == {"type": "json_schema", "json_schema": {"name": "response", "description": "d", "schema": {}}}


def test_losses_are_refused_where_they_may_not_be():
    with pytest.raises(Refusal) as refused:
        write_request(Request("anthropic", "ours", top_k=4), "m", Losses("reject"))
    assert refused.value.payload["param"] == "top_k"


def test_all_calls_go_to_one_path():
    assert path("any/model", True) == path("m", False) == "chat/completions"
