"""Anthropic's usage as disjoint classes; later words replace earlier ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.wire.anthropic_usage import merged, read_reported, usage_of, whole_usage


def usage(**said):
    return usage_of(read_reported(json.dumps(said).encode()))


def test_caches_are_beside_the_input_and_split_by_time_to_live():
    said = usage(
        input_tokens=5,
        output_tokens=7,
        cache_read_input_tokens=100,
        cache_creation_input_tokens=30,
        cache_creation={"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        output_tokens_details={"thinking_tokens": 3},
        server_tool_use={"web_search_requests": 2, "web_fetch_requests": 0},
    )
    assert (said.input_uncached, said.cache_read, said.cache_write_5m, said.cache_write_1h) == (5, 100, 10, 20)
    assert (said.output_text, said.reasoning, said.total) == (4, 3, 142)
    assert (json.loads(said.tool_units), said.source) == ({"web_searches": 2}, "provider")


def test_a_delta_replaces_what_it_says_and_keeps_the_rest():
    before = read_reported(b'{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}')
    said = usage_of(merged(before, read_reported(b'{"output_tokens":20,"input_tokens":9}')))
    assert (said.input_uncached, said.cache_read, said.output_text) == (9, 4, 20)


def test_zero_is_kept_as_zero_and_nothing_is_nothing():
    assert usage(input_tokens=0, output_tokens=0).source == "provider"
    assert whole_usage(b'{"usage":null}') is None
    for text in (b"", b"<html>", b"{}", b'{"usage":[]}', b"\xff"):
        assert whole_usage(text) is None


def test_a_summary_and_an_advisers_words_are_billed_beside_the_answer():
    """The whole usage leaves them out; what the answer itself took stands in it already."""
    sampled = {"input_tokens": 100, "cache_read_input_tokens": 55096, "output_tokens": 83}
    hour = {"cache_creation_input_tokens": 6, "cache_creation": {"ephemeral_1h_input_tokens": 4}}
    iterations = [
        {"type": "compaction", **sampled},
        {"type": "message", "input_tokens": 181, "output_tokens": 8},
        {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 1, "output_tokens": 2, **hour},
        {"type": "fallback_message", "input_tokens": 9, "output_tokens": 9},
    ]
    said = usage(input_tokens=181, output_tokens=8, output_tokens_details={"thinking_tokens": 8}, iterations=iterations)
    assert (said.input_uncached, said.cache_read, said.cache_write_5m, said.cache_write_1h) == (282, 55096, 2, 4)
    assert (said.output_text, said.reasoning) == (85, 8)


@pytest.mark.parametrize("iterations", [None, [], {}, "many", [1], [{"type": 1}], [{"type": "compaction"}]])
def test_iterations_that_cannot_be_read_leave_the_rest(iterations):
    said = usage(input_tokens=1, output_tokens=2, iterations=iterations)
    assert said.tokens() == usage(input_tokens=1, output_tokens=2).tokens()


_NAMES = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_NUMBERS = st.one_of(st.none(), st.integers(-(2**60), 2**60), st.floats())


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"), _NUMBERS
        ),
    ),
    _NUMBERS,
    _NUMBERS,
)
def test_whatever_is_said_classes_are_never_negative_and_sum(said, hour, thought):
    said = said | {
        "cache_creation": {"ephemeral_1h_input_tokens": hour},
        "output_tokens_details": {"thinking_tokens": thought},
    }
    found = read_reported(json.dumps(said, allow_nan=True).encode())
    if found is None:
        return
    counted = usage_of(found)
    assert min(counted.tokens()) >= 0
    assert counted.total == sum(counted.tokens())


@pytest.mark.parametrize("raw", [b"", b"null", b'{"input_tokens":"9"}', b"[]"])
def test_what_cannot_be_read_is_none(raw):
    assert read_reported(raw) is None


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({}, ""),
        ({"service_tier": "standard"}, ""),
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "batch"}, "batch"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": "batch", "speed": "standard"}, "batch"),
    ],
)
def test_what_has_prices_of_its_own_is_told(said, tier):
    found = read_reported(json.dumps({"input_tokens": 1, **said}).encode())
    assert found is not None
    assert usage_of(found).tier == tier
