"""Gemini's usageMetadata as disjoint classes: thoughts and tool prompts stand outside, cached content inside."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.usage import CLASSES, Usage
from triplegate.wire.gemini_usage import read_tier, read_usage


def usage(**said: Any) -> Usage:
    found = read_usage(json.dumps(said).encode())
    assert found is not None
    assert found.source == "provider"
    return found


def classes(found: Usage) -> dict[str, int]:
    return {name: getattr(found, name) for name in CLASSES if getattr(found, name)}


def modalities(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": name.upper(), "tokenCount": count} for name, count in counts.items()]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (
            {"promptTokenCount": 18, "candidatesTokenCount": 80, "thoughtsTokenCount": 35, "totalTokenCount": 133},
            {"input_uncached": 18, "output_text": 80, "reasoning": 35},
        ),
        (
            {"promptTokenCount": 3520, "cachedContentTokenCount": 3512, "candidatesTokenCount": 2},
            {"input_uncached": 8, "cache_read": 3512, "output_text": 2},
        ),
        (
            {"promptTokenCount": 17, "toolUsePromptTokenCount": 102, "candidatesTokenCount": 67},
            {"input_uncached": 119, "output_text": 67},
        ),
        (
            {
                "promptTokenCount": 1000,
                "promptTokensDetails": modalities(text=100, audio=500, image=258, video=142),
                "cachedContentTokenCount": 300,
                "cacheTokensDetails": modalities(audio=300),
                "candidatesTokenCount": 40,
                "candidatesTokensDetails": modalities(text=10, audio=30),
            },
            {
                "input_uncached": 242,
                "cache_read": 300,
                "audio_in": 200,
                "image_in": 258,
                "output_text": 10,
                "audio_out": 30,
            },
        ),
        ({"promptTokenCount": 0, "candidatesTokenCount": 0}, {}),
        (
            {"promptTokenCount": "15", "candidatesTokenCount": 2.0, "thoughtsTokenCount": -4},
            {"input_uncached": 15, "output_text": 2},
        ),
    ],
)
def test_classes_are_disjoint(said: dict[str, Any], wanted: dict[str, int]):
    assert classes(usage(**said)) == wanted


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b'{"promptTokenCount":{}}', b"{}", b"{"])
def test_what_says_nothing_is_no_usage(text: bytes):
    assert read_usage(text) is None


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        (b'{"serviceTier":"standard"}', "standard"),
        (b'{"trafficType":"ON_DEMAND_FLEX"}', "flex"),
        (b'{"trafficType":"ON_DEMAND"}', ""),
        (b'{"trafficType":7}', ""),
        (b"", ""),
    ],
)
def test_the_service_tier_is_told_by_either_api(text: bytes, tier: str):
    assert read_tier(text) == tier
    usage = read_usage(text)
    assert usage is None or usage.tier == ("" if tier == "standard" else tier)


numbers = st.one_of(st.none(), st.integers(-5, 5000), st.floats(-5, 5000), st.sampled_from(["12", "x", "9" * 30]))
details = st.lists(
    st.fixed_dictionaries({"modality": st.sampled_from(["TEXT", "AUDIO", "IMAGE", "VIDEO"]), "tokenCount": numbers}),
    max_size=4,
)


@given(
    st.fixed_dictionaries(
        {"promptTokenCount": st.integers(0, 5000)},
        optional={
            "cachedContentTokenCount": numbers,
            "candidatesTokenCount": numbers,
            "thoughtsTokenCount": numbers,
            "toolUsePromptTokenCount": numbers,
            "promptTokensDetails": details,
            "cacheTokensDetails": details,
            "candidatesTokensDetails": details,
            "toolUsePromptTokensDetails": details,
        },
    )
)
def test_classes_are_never_negative_and_sum_to_what_was_said(said: dict[str, Any]):
    found = usage(**said)
    assert all(count >= 0 for count in found.tokens())
    tools = said.get("toolUsePromptTokenCount")
    extra = int(tools) if isinstance(tools, int | float) and tools > 0 else 12 if tools == "12" else 0
    assert found.input_total == said["promptTokenCount"] + extra
