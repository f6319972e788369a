"""What clients are told about their limits, read back by an independent parser."""

from datetime import UTC, datetime
from typing import Any

import http_sf
import pytest

from triplegate.core.admission import Claim, Limit, Standing
from triplegate.core.http import Headers
from triplegate.wire.ratelimit import anthropic_fields, duration, fields, openai_fields, plan_of, retry_after


def standing(
    name: str,
    quota: int,
    remaining: int,
    reset: float,
    dimension: Any = "requests",
    family: Any = "rate",
    window: float = 60.0,
    **more: Any,
) -> Standing:
    mode = more.pop("mode", "enforce")
    return Standing(
        Claim(f"{name}|someone", Limit(name, family, dimension, quota, window), 1, mode), remaining, reset, **more
    )


def read(headers: Headers, name: bytes) -> dict[str, dict[str, object]]:
    (value,) = [value for key, value in headers if key == name]
    items = http_sf.parse(value, tltype="list")
    assert len({name for name, _ in items}) == len(items)
    return dict(items)


def test_how_standings_are_told_may_be_found_out_before_and_is_found_out_anew_when_there_are_more() -> None:
    first = [standing("rpm", 60, 59, 1.0), standing("tpm", 150_000, 149_984, 360.0, "total")]
    plan = plan_of(first)
    assert fields(first, plan) == fields(first)
    assert openai_fields(first, plan) == openai_fields(first)
    more = [*first, standing("tenant", 10, 9, 2.0, window=10)]
    assert fields(more, plan) == fields(more) != fields(first)


def test_each_limit_is_one_item_of_both_fields() -> None:
    headers = fields([standing("burst", 100, 50, 29.2), standing("daily", 5000, 4999, 17.0, window=86400)])
    assert read(headers, b"ratelimit") == {"burst": {"r": 50, "t": 30}, "daily": {"r": 4999, "t": 17}}
    assert read(headers, b"ratelimit-policy") == {"burst": {"q": 100, "w": 60}, "daily": {"q": 5000, "w": 86400}}


def test_units_other_than_requests_are_named() -> None:
    headers = fields(
        [
            standing("traffic", 10_000, 1, 1, "bytes"),
            standing("tokens", 10_000, 1, 1, "total"),
            standing("parallel", 5, 2, 0, family="concurrent", window=0),
        ]
    )
    policies = read(headers, b"ratelimit-policy")
    assert policies["traffic"]["qu"] == "content-bytes"
    assert policies["tokens"]["qu"] == "tokens"
    assert policies["parallel"] == {"q": 5, "qu": "concurrent-requests"}


def test_of_two_buckets_of_one_limit_the_tighter_is_told() -> None:
    for pair in ([7, 3], [3, 7]):
        headers = fields([standing("rate", 10, left, 5.0) for left in pair])
        assert read(headers, b"ratelimit") == {"rate": {"r": 3, "t": 5}}
    denied = fields([standing("rate", 10, 0, 2.0), standing("rate", 10, 1, 9.0, denied=True)])
    assert read(denied, b"ratelimit") == {"rate": {"r": 1, "t": 9}}


def test_money_and_observed_limits_are_not_told() -> None:
    assert (
        fields([standing("budget", 10**12, 5, 9.0, "money", "budget"), standing("trial", 1, 0, 9.0, mode="observe")])
        == []
    )
    assert fields([standing("spent", 10**12, 5, 9.0, "money")]) == []
    assert fields([]) == []


def test_remaining_is_never_negative_and_names_are_always_printable() -> None:
    headers = fields([standing('für "uns"\n', 10, -4, 0.0)])
    assert list(read(headers, b"ratelimit").values()) == [{"r": 0, "t": 0}]
    assert read(headers, b"ratelimit").keys() == read(headers, b"ratelimit-policy").keys()


def test_retry_after_is_never_smaller_than_the_reset_of_a_denied_limit() -> None:
    assert retry_after(0.2) == b"1"
    assert retry_after(2.01) == b"3"
    assert retry_after(2.0, [standing("a", 1, 0, 7.5, denied=True), standing("b", 1, 0, 99.0)]) == b"8"
    assert retry_after(2.0, [standing("a", 1, 0, 7.5, denied=True, mode="observe")]) == b"2"


def test_openai_clients_read_requests_and_tokens() -> None:
    headers = openai_fields([standing("rpm", 60, 59, 1.0), standing("tpm", 150_000, 149_984, 360.0, "total")])
    assert headers == [
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"59"),
        (b"x-ratelimit-reset-requests", b"1s"),
        (b"x-ratelimit-limit-tokens", b"150000"),
        (b"x-ratelimit-remaining-tokens", b"149984"),
        (b"x-ratelimit-reset-tokens", b"6m0s"),
    ]
    assert openai_fields([standing("parallel", 5, 2, 0, family="concurrent")]) == []


def test_of_two_limits_of_one_unit_openai_clients_read_the_tighter() -> None:
    parts = [standing("in", 1000, 900, 2.0, "input"), standing("out", 500, 20, 1.0, "output")]
    assert openai_fields(parts)[:2] == [
        (b"x-ratelimit-limit-tokens", b"500"),
        (b"x-ratelimit-remaining-tokens", b"20"),
    ]
    calls = [standing("minute", 60, 5, 1.0), standing("day", 1000, 3, 9.0), standing("own", 10, 1, 9.0, mode="observe")]
    assert openai_fields(calls) == [
        (b"x-ratelimit-limit-requests", b"1000"),
        (b"x-ratelimit-remaining-requests", b"3"),
        (b"x-ratelimit-reset-requests", b"9s"),
    ]
    whole = [*parts, standing("both", 1200, 1100, 0.0, "total")]
    assert openai_fields(whole)[1] == (b"x-ratelimit-remaining-tokens", b"1100")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, b"0s"),
        (0, b"0s"),
        (0.0164, b"17ms"),
        (1, b"1s"),
        (59.2, b"1m0s"),
        (360, b"6m0s"),
        (3605, b"1h0m5s"),
        (86400, b"24h0m0s"),
    ],
)
def test_durations_are_written_as_openai_does(seconds: float, text: bytes) -> None:
    assert duration(seconds) == text


def test_anthropic_clients_read_instants() -> None:
    now = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp()
    headers = anthropic_fields([standing("in", 1000, 900, 30.0, "input"), standing("out", 500, 0, 0.5, "output")], now)
    assert headers == [
        (b"anthropic-ratelimit-input-tokens-limit", b"1000"),
        (b"anthropic-ratelimit-input-tokens-remaining", b"900"),
        (b"anthropic-ratelimit-input-tokens-reset", b"2026-11-24T12:00:30Z"),
        (b"anthropic-ratelimit-output-tokens-limit", b"500"),
        (b"anthropic-ratelimit-output-tokens-remaining", b"0"),
        (b"anthropic-ratelimit-output-tokens-reset", b"2026-11-24T12:00:01Z"),
    ]
