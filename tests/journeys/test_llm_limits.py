"""Token limits from configuration to header: set aside before a call, corrected after it, and never passed together."""

import asyncio

from tests.gates.built import always, built
from tests.gates.llm.calls import OK, USAGE, chat, configuration, failed, one
from tests.hostile.scripted import Upstream

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Tell me of the sea."}]


def limited(url, *limits):
    return one(url, ", policies: [" + ", ".join(limits) + "]")


def left(wire, unit=b"tokens"):
    return int(wire.field(b"x-ratelimit-remaining-" + unit))


async def test_what_is_set_aside_is_told_and_what_was_not_used_comes_back(tmp_path):
    text = limited("URL", "{use: token_limit, total: 100000, window: 1d}")
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:
        exchange, first = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=400))
        _, second = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=400))
    wanted = 100_000 - left(first)
    assert 400 < wanted < 480
    assert exchange.usage.total == USAGE["total_tokens"]
    spent = sum(attempt.usage.total for attempt in exchange.attempts)  # one that was lost on the way counts, too
    told = [(attempt.error_class, attempt.usage.total) for attempt in exchange.attempts]
    assert left(second) in range(100_000 - wanted - spent, 100_000 - wanted - spent + 20), (told, wanted, left(second))
    assert first.field(b"ratelimit-policy") == b'"token_limit";q=100000;qu="tokens";w=86400'
    assert first.field(b"ratelimit").startswith(b'"token_limit";r=%d;' % left(first))


async def test_two_hundred_calls_at_once_never_pass_a_limit_together(tmp_path):
    text = limited("URL", "{use: token_limit, output: 1000, window: 1d}")
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:

        async def call():
            exchange, reply = await made.answer("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=100))
            return exchange, reply.status

        # nobody's answer is read before all have asked: nothing comes back meanwhile
        found = await asyncio.gather(*[call() for _ in range(200)])
        for exchange, _ in found:
            exchange.close("gone")
    assert sorted(status for _, status in found) == [200] * 10 + [429] * 190


async def test_a_deployments_own_tokens_are_counted_where_a_call_goes_and_others_take_over(tmp_path):
    async with Upstream(always(OK)) as first, Upstream(always(OK)) as second:
        more = "policies: [{use: key_auth}, {use: token_limit, output: 300, window: 1d, by: deployment}]"
        tiers = "{deployments: [{provider: p, model: x}, {provider: q, model: x, tier: 1}]}"
        text = configuration({"p": first.url, "q": second.url}, {"m": tiers}, more)
        async with built(tmp_path, text) as made:
            first_reply, second_reply = [
                await made.answer("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=200)) for _ in range(2)
            ]
            for exchange, _ in (first_reply, second_reply):
                exchange.close("gone")
            assert [exchange.target for exchange, _ in (first_reply, second_reply)] == ["p/x", "q/x"]


async def test_a_failed_call_gives_its_tokens_back(tmp_path):
    text = limited("URL", "{use: token_limit, total: 1000, window: 1d}")
    async with (
        Upstream(always(failed(b"400 Bad Request"), OK)) as upstream,
        built(tmp_path, text.replace("URL", upstream.url)) as made,
    ):
        _, broken = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=700))
        _, well = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=700))
    assert (broken.status, well.status) == (400, 200)
    assert left(broken) == left(well)


async def test_a_call_that_a_later_policy_refuses_gives_everything_back(tmp_path):
    text = limited("URL", "{use: token_limit, total: 9000, requests: 5, window: 1d}", "{use: bulkhead, at_once: 1}")
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:
        first, reply = await made.answer("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=700))
        for _ in range(20):
            _, refused = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=700))
        reply.frames.close()
        first.close("gone")
        _, well = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=700))
    assert (refused.status, well.status) == (503, 200)
    assert left(well, b"requests") == 3


async def test_what_is_only_observed_is_shown_and_refuses_nobody(tmp_path):
    text = limited("URL", "{use: token_limit, total: 10, window: 1d, mode: observe}")
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:
        for _ in range(2):
            exchange, wire = await made.serve("POST", CHAT, body=chat(messages=MESSAGES))
    assert wire.status == 200
    assert ("model:m/token_limit", "would refuse", "quota_exceeded") in exchange.decisions
    assert wire.field(b"ratelimit") is None


async def test_places_are_free_again_when_answers_end(tmp_path):
    text = limited("URL", "{use: concurrency_limit, at_once: 1, by: model}")
    async with Upstream(always(OK)) as upstream, built(tmp_path, text.replace("URL", upstream.url)) as made:
        first, reply = await made.answer("POST", CHAT, body=chat(messages=MESSAGES))
        _, second = await made.serve("POST", CHAT, body=chat(messages=MESSAGES))
        reply.frames.close()
        first.close("gone")
        _, third = await made.serve("POST", CHAT, body=chat(messages=MESSAGES))
    assert (second.status, third.status) == (429, 200)
    assert b"concurrency_exceeded" in second.content


async def test_a_call_larger_than_the_whole_allowance_is_admitted_alone_or_never(tmp_path):
    text = limited("URL", "{use: token_limit, output: 100, window: 1h, OVER}")
    async with Upstream(always(OK)) as upstream:
        text = text.replace("URL", upstream.url)
        lenient, strict = text.replace(", OVER", ""), text.replace("OVER", "oversize: refuse")
        async with built(tmp_path, lenient) as made:
            _, alone = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=300))
            made.take(strict)
            _, never = await made.serve("POST", CHAT, body=chat(messages=MESSAGES, max_tokens=300))
    assert (alone.status, never.status) == (200, 400)
    assert b"larger_than_limit" in never.content
