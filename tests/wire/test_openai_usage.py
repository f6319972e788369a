"""Usage of the OpenAI dialect and its relatives as disjoint classes (llm §3.1, U3)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.recordings import Recorded, recorded

from triplegate.core.usage import Usage
from triplegate.wire.openai_chat import read_reply
from triplegate.wire.openai_stream import ChatStream
from triplegate.wire.openai_usage import read_usage, tier_of, write_usage


def usage(**said: Any) -> Usage:
    found = read_usage(json.dumps(said).encode())
    assert found is not None
    assert found.source == "provider"
    return found


def classes(found: Usage) -> dict[str, int]:
    names = Usage.__struct_fields__[:9]
    return {name: getattr(found, name) for name in names if getattr(found, name)}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"prompt_tokens": 14, "completion_tokens": 8, "total_tokens": 22}, {"input_uncached": 14, "output_text": 8}),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10},
                "completion_tokens_details": {
                    "reasoning_tokens": 20,
                    "audio_tokens": 5,
                    "rejected_prediction_tokens": 3,
                },
            },
            {
                "input_uncached": 30,
                "cache_read": 60,
                "audio_in": 10,
                "output_text": 25,
                "reasoning": 20,
                "audio_out": 5,
            },
        ),
        (
            {
                "prompt_tokens": 4020,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 4012},
            },
            {"input_uncached": 8, "cache_write_5m": 4012, "output_text": 4},
        ),
        (
            {"prompt_tokens": 12, "completion_tokens": 1, "prompt_cache_hit_tokens": 5},
            {"input_uncached": 7, "cache_read": 5, "output_text": 1},
        ),
        (
            {"prompt_tokens": 70, "completion_tokens": 12, "num_cached_tokens": 69},
            {"input_uncached": 1, "cache_read": 69, "output_text": 12},
        ),
        (
            {"prompt_tokens": 70, "completion_tokens": 12, "cached_tokens": 6},
            {"input_uncached": 64, "cache_read": 6, "output_text": 12},
        ),
        # reasoning left out of the completion: named (xAI) and unnamed (Gemini's compatible endpoint)
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 9,
                "total_tokens": 119,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            {"input_uncached": 10, "output_text": 9, "reasoning": 100},
        ),
        (
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            {"input_uncached": 35, "output_text": 12, "reasoning": 62},
        ),
        # parts larger than their whole never make a class negative
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 10,
                "prompt_tokens_details": {"cached_tokens": 9},
                "completion_tokens_details": {"reasoning_tokens": 11},
            },
            {"cache_read": 5, "reasoning": 10},
        ),
        ({"prompt_tokens": 4, "total_tokens": 4}, {"input_uncached": 4}),
        ({"prompt_tokens": 3.0, "completion_tokens": None, "prompt_tokens_details": None}, {"input_uncached": 3}),
    ],
)
def test_each_vendors_report_becomes_disjoint_classes(said: dict[str, Any], wanted: dict[str, int]) -> None:
    assert classes(usage(**said)) == wanted


def test_u3_an_explicit_zero_stays_zero() -> None:
    found = usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
    assert (found.total, found.source) == (0, "provider")


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"{}", b"[]", b"7", b'{"prompt_tokens":"x"}', b"{", b'{"prompt_tokens":null}']
)
def test_what_says_nothing_is_no_usage(raw: bytes) -> None:
    assert read_usage(raw) is None


COUNTS = st.none() | st.integers(-3, 1000)


INPUTS = st.sampled_from(["cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens"])
OUTPUTS = st.sampled_from(["reasoning_tokens", "audio_tokens"])


@given(COUNTS, COUNTS, COUNTS, st.dictionaries(INPUTS, COUNTS), st.dictionaries(OUTPUTS, COUNTS))
def test_classes_are_never_negative_and_sum_to_the_totals(
    prompt: int | None,
    completion: int | None,
    total: int | None,
    inputs: dict[str, int | None],
    outputs: dict[str, int | None],
) -> None:
    said = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    found = read_usage(
        json.dumps(said | {"prompt_tokens_details": inputs, "completion_tokens_details": outputs}).encode()
    )
    if found is None:
        assert (prompt, completion, total) == (None, None, None) or min(prompt or 0, completion or 0) < 0
        return
    p, c = max(0, prompt or 0), max(0, completion or 0)
    assert all(count >= 0 for count in found.tokens())
    assert found.input_total == p
    assert found.output_total == max(c, max(0, total or 0) - p)


@pytest.mark.parametrize("one", recorded("openai-chat", "azure-openai", "deepseek", "groq", "mistral", "openrouter"))
def test_recorded_replies_add_up_to_what_the_provider_said(one: Recorded) -> None:
    if one.framing != "json" or "usage" not in (document := one.json()) or "prompt_tokens" not in document["usage"]:
        return
    reply = read_reply(one.body)
    assert reply is not None
    assert reply.usage is not None
    said = document["usage"]
    assert reply.usage.input_total == said["prompt_tokens"]
    assert reply.usage.total == said["total_tokens"]
    assert reply.usage.cache_read == (said.get("prompt_tokens_details") or {}).get(
        "cached_tokens", said.get("num_cached_tokens", 0)
    )
    assert reply.model == document["model"]


def test_what_is_written_is_read_again():
    used = Usage(5, 4, 3, 0, 2, 1, 9, 8, 7, source="provider")
    assert read_usage(json.dumps(write_usage(used)).encode()) == used
    assert write_usage(Usage(source="provider"))["completion_tokens_details"]


@pytest.mark.parametrize(
    ("said", "tier"),
    [("flex", "flex"), ("priority", "priority"), ("default", ""), ("auto", ""), (None, ""), (7, ""), ("", "")],
)
def test_only_a_tier_with_prices_of_its_own_is_told(said: object, tier: str) -> None:
    assert tier_of(said) == tier
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    reply = read_reply(json.dumps({"service_tier": said, "choices": [], "usage": usage}).encode())
    assert reply is not None
    assert reply.usage is not None
    assert reply.usage.tier == tier
    stream = ChatStream()
    stream.feed(b"data: " + json.dumps({"service_tier": said, "choices": [], "usage": usage}).encode() + b"\n\n")
    assert stream.usage is not None
    assert stream.usage.tier == tier


@pytest.mark.parametrize(
    ("said", "units"),
    [
        ({"num_search_queries": 3}, '{"web_searches":3}'),
        ({"server_tool_use": {"web_search_requests": 2}}, '{"web_searches":2}'),
        ({"server_tool_use": {}}, ""),
        ({"num_search_queries": 0}, ""),
    ],
)
def test_searches_are_counted_where_a_relative_tells(said: dict[str, object], units: str) -> None:
    usage = read_usage(json.dumps({"prompt_tokens": 1, "completion_tokens": 1, **said}).encode())
    assert usage is not None
    assert usage.tool_units == units


@pytest.mark.parametrize("absurd", [-1, -(10**30), 2**53, 10**300])
def test_a_number_by_which_nothing_can_be_counted_says_nothing(absurd: int) -> None:
    assert read_usage(json.dumps({"prompt_tokens": absurd, "completion_tokens": 2}).encode()) is None
    assert read_usage(json.dumps({"prompt_tokens": 2, "completion_tokens": absurd}).encode()) is None
