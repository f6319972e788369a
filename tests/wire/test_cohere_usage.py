"""Cohere's usage: what is billed is what counts."""

import json
from typing import Any

import pytest

from triplegate.core.usage import CLASSES
from triplegate.wire.cohere_usage import read_usage


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (
            {
                "billed_units": {"input_tokens": 2406, "output_tokens": 2},
                "cached_tokens": 2928,
                "tokens": {"input_tokens": 2935, "output_tokens": 4},
            },
            {"input_uncached": 2406, "output_text": 2},
        ),
        (
            {"tokens": {"input_tokens": 100.0, "output_tokens": 4.0}, "cached_tokens": 60.0},
            {"input_uncached": 40, "cache_read": 60, "output_text": 4},
        ),
        ({"tokens": {"input_tokens": 10}, "cached_tokens": 60}, {"cache_read": 10}),
        ({"billed_units": {"input_tokens": -3, "output_tokens": 1e300}}, {}),
        ({"billed_units": {}}, {}),
    ],
)
def test_classes(said: dict[str, Any], wanted: dict[str, int]):
    usage = read_usage(json.dumps(said).encode())
    assert usage is not None
    assert usage.source == "provider"
    assert {name: count for name, count in zip(CLASSES, usage.tokens(), strict=True) if count} == wanted


def test_units_besides_tokens_are_counted():
    usage = read_usage(b'{"billed_units":{"search_units":2,"classifications":1}}')
    assert usage is not None
    assert json.loads(usage.tool_units) == {"search_units": 2, "classifications": 1}


@pytest.mark.parametrize("text", [b"", b"null", b"{}", b"[]", b'{"billed_units":7}', b"{"])
def test_what_says_nothing_is_no_usage(text: bytes):
    assert read_usage(text) is None
