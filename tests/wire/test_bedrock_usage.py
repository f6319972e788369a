"""Bedrock's usage in disjoint classes."""

import pytest

from triplegate.core.usage import Usage
from triplegate.wire.bedrock_usage import read_usage


def test_what_the_cache_has_read_and_written_stands_beside_the_input():
    raw = (
        b'{"inputTokens":2,"outputTokens":5,"totalTokens":1339,"cacheReadInputTokens":10,"cacheWriteInputTokens":1322,'
        b'"cacheDetails":[{"ttl":"1h","inputTokens":1000},{"ttl":"5m","inputTokens":322}]}'
    )
    usage = read_usage(raw, "flex")
    assert usage == Usage(
        input_uncached=2,
        cache_read=10,
        cache_write_5m=322,
        cache_write_1h=1000,
        output_text=5,
        source="provider",
        tier="flex",
    )
    assert usage.total == 1339


def test_an_explicit_nothing_is_kept_and_the_standard_tier_is_not_named():
    assert read_usage(b'{"inputTokens":0,"outputTokens":0}', "default") == Usage(source="provider")


@pytest.mark.parametrize("raw", [b"", b"null", b"{}", b"[]", b'"x"', b"{", b'{"inputTokens":{}}', b"[" * 5000])
def test_what_cannot_be_read_is_none(raw: bytes):
    assert read_usage(raw) is None


@pytest.mark.parametrize(
    ("number", "count"), [("-5", 0), ('"7"', 7), ("7.9", 7), ("1e300", 0), ('"many"', 0), ("null", 0)]
)
def test_odd_numbers_never_crash(number: str, count: int):
    usage = read_usage(b'{"inputTokens":%b,"outputTokens":1}' % number.encode())
    assert usage is not None
    assert usage.input_uncached == count


def test_no_more_is_written_for_an_hour_than_is_written():
    usage = read_usage(b'{"inputTokens":1,"cacheWriteInputTokens":3,"cacheDetails":[{"ttl":"1h","inputTokens":9}]}')
    assert usage is not None
    assert (usage.cache_write_1h, usage.cache_write_5m) == (3, 0)
