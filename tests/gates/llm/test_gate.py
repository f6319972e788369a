"""The llm gate: from a body's model to a deployment, and back in the shape OpenAI's clients know."""

import asyncio
import json
import threading
import time

import pytest
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import (
    COUNT,
    DONE,
    EMBEDDED,
    OK,
    REPLY,
    STOP,
    WORD,
    chat,
    configuration,
    event,
    failed,
    one,
    stream,
)
from tests.hostile.scripted import Upstream

from triplegate.gates.llm import prompts
from triplegate.gates.llm.beside import READ
from triplegate.gates.llm.call import read_call

CLOSED = "http://127.0.0.1:1"
CHAT = "/v1/chat/completions"


async def test_a_chat_comes_back_with_its_cost_and_its_deployment(tmp_path):
    noisy = answer(REPLY, b"Server: vendor", b"Set-Cookie: a=b", b"X-Request-Id: theirs", b"openai-model: x")
    async with Upstream(always(noisy)) as upstream, built(tmp_path, one(upstream.url)) as made:
        exchange, wire = await made.serve("POST", CHAT, body=chat())
    assert (wire.status, wire.content, exchange.outcome) == (200, REPLY, "ok")
    assert wire.field(b"x-triplegate-deployment") == b"p/x"
    assert wire.field(b"x-triplegate-cost") == b"0.00002"
    assert wire.field(b"content-length") == b"%d" % len(REPLY)
    assert (wire.field(b"server"), wire.field(b"set-cookie")) == (b"triplegate", None)
    assert [value for name, value in wire.headers if name == b"x-request-id"] == [exchange.request_id]
    assert wire.field(b"openai-model") == b"x"


async def test_a_call_is_an_intent_and_one_final(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, one(upstream.url)) as made:
        await made.serve("POST", CHAT, body=chat(user="their-user"))
        intent, final = made.records
    assert (intent.kind, final.kind, final.route, final.target) == ("intent", "final", "m", "p/x")
    assert intent.list_cost > 0
    assert (final.cost, final.list_cost, final.usage_source, final.end_user) == (
        200_000,
        200_000,
        "provider",
        "their-user",
    )
    assert [(one.target, one.provider, one.cost, one.adopted) for one in final.attempts] == [
        ("p/x", "p", 200_000, True)
    ]


@pytest.mark.parametrize("more", ["", ", policies: [{use: sse}]"])
async def test_a_stream_is_a_stream(tmp_path, more):
    async with (
        Upstream(always(stream(WORD, STOP, COUNT, DONE))) as upstream,
        built(tmp_path, one(upstream.url, more)) as made,
    ):
        exchange, wire = await made.serve("POST", CHAT, body=chat(stream=True))
    assert (wire.content, wire.field(b"content-length")) == (WORD + STOP + DONE, None)
    assert wire.field(b"content-type") == b"text/event-stream"
    assert (exchange.outcome, made.records[-1].streamed, made.records[-1].cost) == ("ok", True, 200_000)


async def test_embeddings(tmp_path):
    async with Upstream(always(EMBEDDED)) as upstream, built(tmp_path, one(upstream.url)) as made:
        _, wire = await made.serve("POST", "/v1/embeddings", body=b'{"model":"m","input":"x"}')
        assert upstream.talks[0].received.startswith(b"POST /v1/embeddings ")
    assert (wire.status, wire.field(b"x-triplegate-cost")) == (200, b"0.000007")


async def test_a_call_of_half_a_megabyte_is_read_beside_the_loop_and_its_faults_are_told(tmp_path, monkeypatch):
    seen = []

    def noting(endpoint, text):
        seen.append(threading.get_ident() == loop)
        return read_call(endpoint, text)

    loop = threading.get_ident()
    monkeypatch.setattr(prompts, "read_call", noting)
    async with Upstream(always(OK)) as upstream, built(tmp_path, one(upstream.url)) as made:
        for size in (9, READ):
            _, wire = await made.serve("POST", CHAT, body=chat(user="u", more="x" * size))
            assert (wire.status, wire.content) == (200, REPLY)
        _, wire = await made.serve("POST", CHAT, body=b" " * READ + b"[]")
    assert (wire.status, seen) == (400, [True, False, False])


# refusals --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", CHAT, 405, "method_not_supported"),
        ("DELETE", "/v1/models", 405, "method_not_supported"),
        ("POST", "/v1/models/m", 405, "method_not_supported"),
    ],
)
async def test_wrong_methods_are_told_in_openais_shape(tmp_path, method, path, status, code):
    async with built(tmp_path, one(CLOSED)) as made:
        _, wire = await made.serve(method, path)
    assert (wire.status, json.loads(wire.content)["error"]["code"]) == (status, code)
    assert wire.field(b"allow")


async def test_no_key_is_told_before_the_body_is_read(tmp_path):
    class Unread:
        kind, length, started = "one_pass", 5, False

        async def whole(self, limit):
            raise AssertionError("the body was read")

    async with built(tmp_path, one(CLOSED)) as made:
        exchange = made.open("POST", CHAT, key=False)
        import msgspec

        exchange.inbound = msgspec.structs.replace(exchange.inbound, body=Unread())
        reply = await made.gateway.answer(exchange.gate, exchange)
    assert (reply.status, dict(reply.headers)[b"www-authenticate"]) == (401, b'Bearer realm="triplegate"')


async def test_a_model_of_other_teams_is_as_if_it_were_not_there(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, one(upstream.url, ", teams: [ops]")) as made:
        _, hidden = await made.serve("POST", CHAT, body=chat())
        _, unknown = await made.serve("POST", CHAT, body=chat("other"))
    assert hidden.status == unknown.status == 404
    assert hidden.content.replace(b"'m'", b"'other'") == unknown.content
    assert upstream.talks == []


async def test_another_host_is_misdirected(tmp_path):
    text = one(CLOSED).replace("llm: {", "llm: {host: llm.test, ")
    async with built(tmp_path, text) as made:
        assert made.open("POST", CHAT).refusal.code == "misdirected"
        made.take(text.replace("llm.test", "a.test"))
        assert made.open("POST", CHAT).refusal is None


async def test_a_limit_is_told_in_openais_own_fields_with_milliseconds(tmp_path):
    more = ", policies: [{use: rate_limit, name: few, requests: 1, window: 1m}]"
    async with Upstream(always(OK)) as upstream, built(tmp_path, one(upstream.url, more)) as made:
        _, first = await made.serve("POST", CHAT, body=chat())
        exchange, second = await made.serve("POST", CHAT, body=chat())
    assert first.field(b"x-ratelimit-remaining-requests") == b"0"
    assert (second.status, second.field(b"x-ratelimit-limit-requests")) == (429, b"1")
    assert 59 <= int(second.field(b"retry-after")) <= 60
    assert 59_000 <= int(second.field(b"retry-after-ms")) <= int(second.field(b"retry-after")) * 1000
    assert (exchange.outcome, made.records[-1].cost) == ("refused", 0)


# providers in trouble --------------------------------------------------------------------------------------
def pair(first, second):
    return configuration(
        {"p": first, "q": second},
        {
            "m": "{deployments: [{provider: p, model: x}], fallback: [n]}",
            "n": "{deployments: [{provider: q, model: x}]}",
        },
    )


@pytest.mark.parametrize(
    "trouble",
    [
        failed(b"401 No"),
        failed(b"404 No"),
        failed(b"429 No", b"Retry-After: 60"),
        failed(b"500 No"),
        failed(b"529 No"),
        answer(b"<html>", kind=b"text/html"),
        b"HTTP/1.1 2xx what\r\n\r\n",
    ],
    ids=["401", "404", "429", "500", "529", "page", "no-http"],
)
async def test_the_fallback_answers_and_nobody_sees_why(tmp_path, trouble):
    async with (
        Upstream(always(trouble)) as first,
        Upstream(always(OK)) as second,
        built(tmp_path, pair(first.url, second.url)) as made,
    ):
        exchange, wire = await made.serve("POST", CHAT, body=chat())
        assert (wire.status, wire.content) == (200, REPLY)
        assert wire.field(b"x-triplegate-deployment") == b"q/x"
        assert wire.field(b"retry-after") is None
        final = made.records[-1]
        assert [(one.role, one.adopted) for one in final.attempts] == [("first", False), ("fallback", True)]
        assert (final.route, final.target, final.outcome, final.cost) == ("m", "q/x", "ok", 200_000)
        assert (len(first.talks), exchange.refusal) == (1, None)


@pytest.mark.parametrize("limit", ["timeout: 150ms", "timeouts: {first_byte: 150ms, total: 200ms}"])
async def test_a_provider_that_is_silent_leaves_time_for_the_fallback(tmp_path, limit):
    async def silent(talk):
        await talk.read_to_end()

    async with Upstream(silent) as first, Upstream(always(OK)) as second:
        text = pair(first.url, second.url).replace("auth: null,", f"auth: null, {limit},")
        async with built(tmp_path, text) as made:
            _, wire = await made.serve("POST", CHAT, body=chat())
    assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"q/x")


async def test_a_provider_that_says_nothing_in_time_is_left_for_another(tmp_path):
    role = event(choices=[{"index": 0, "delta": {"role": "assistant"}}])

    async def wordless(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + role)
        await talk.read_to_end()

    async with Upstream(wordless) as first, Upstream(always(stream(WORD, STOP, DONE))) as second:
        text = pair(first.url, second.url).replace("auth: null,", "auth: null, first_token: 150ms,")
        async with built(tmp_path, text) as made:
            exchange, wire = await made.serve("POST", CHAT, body=chat(stream=True))
    assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"q/x")
    assert [attempt.error_class for attempt in exchange.attempts] == ["stall", ""]
    assert role not in wire.content


async def test_a_provider_that_says_nothing_once_its_head_is_out_fails_in_the_stream(tmp_path):
    role = event(choices=[{"index": 0, "delta": {"role": "assistant"}}])

    async def wordless(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + role)
        await talk.read_to_end()

    async with Upstream(wordless) as first, Upstream(always(stream(WORD, STOP, DONE))) as second:
        text = pair(first.url, second.url).replace("auth: null,", "auth: null, first_token: 300ms, head_hold: 20ms,")
        async with built(tmp_path, text) as made:
            exchange, wire = await made.serve("POST", CHAT, body=chat(stream=True))
            await first.until_idle()
    assert (wire.status, wire.field(b"x-triplegate-deployment"), second.talks) == (200, b"p/x", [])
    assert wire.content.startswith(role)
    error = json.loads(wire.content.removeprefix(role).removeprefix(b"data: "))["error"]
    assert (error["code"], b"[DONE]" in wire.content) == ("upstream_timeout", False)
    final = made.records[-1]
    assert (exchange.outcome, final.outcome, final.refusal) == ("failed", "failed", "upstream_timeout")


@pytest.mark.parametrize(
    "trouble",
    [
        stream(event(error={"message": "no", "code": 503})),
        stream(event(choices=[{"index": 0, "delta": {"role": "assistant"}}])),
        stream(),
    ],
    ids=["error", "cut", "empty"],
)
async def test_a_stream_that_fails_before_its_first_word_is_answered_by_the_fallback(tmp_path, trouble):
    async with (
        Upstream(always(trouble)) as first,
        Upstream(always(stream(WORD, STOP, DONE))) as second,
        built(tmp_path, pair(first.url, second.url)) as made,
    ):
        exchange, wire = await made.serve("POST", CHAT, body=chat(stream=True))
    assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"q/x")
    assert wire.content == WORD + STOP + DONE
    assert (made.records[-1].outcome, len(exchange.attempts)) == ("ok", 2)


async def test_a_policys_total_holds_for_all_attempts_together(tmp_path):
    async def silent(talk):
        await talk.read_to_end()

    async with Upstream(silent) as first, Upstream(silent) as second:
        text = pair(first.url, second.url).replace(
            "fallback: [n]", "fallback: [n], policies: [{use: timeout, total: 200ms}]"
        )
        async with built(tmp_path, text) as made:
            begun = time.monotonic()
            _, wire = await made.serve("POST", CHAT, body=chat())
    assert (wire.status, time.monotonic() - begun < 2) == (504, True)


async def test_a_clients_mistake_is_not_tried_elsewhere(tmp_path):
    async with (
        Upstream(always(failed(b"400 Bad"))) as first,
        Upstream(always(OK)) as second,
        built(tmp_path, pair(first.url, second.url)) as made,
    ):
        exchange, wire = await made.serve("POST", CHAT, body=chat())
        assert (wire.status, json.loads(wire.content)["error"]["message"]) == (400, "scripted")
        assert (second.talks, exchange.outcome) == ([], "ok")
        assert (made.records[-1].cost, made.records[-1].list_cost) == (0, 0)


@pytest.mark.parametrize("status", [b"401 No", b"402 Pay", b"403 No"])
async def test_a_refused_credential_of_ours_is_502(tmp_path, status):
    async with Upstream(always(failed(status))) as upstream, built(tmp_path, one(upstream.url)) as made:
        exchange, wire = await made.serve("POST", CHAT, body=chat())
    assert (wire.status, json.loads(wire.content)["error"]["code"]) == (502, "upstream_credentials_exhausted")
    assert (exchange.outcome, made.records[-1].cost, made.records[-1].list_cost) == ("failed", 0, 0)


async def test_a_fallback_that_the_caller_may_not_use_is_not_used(tmp_path):
    for guard in ("teams: [ops]", "policies: [{use: access, teams: [ops]}]"):
        async with Upstream(always(OK)) as second:
            text = pair(CLOSED, second.url).replace("provider: q, model: x}]", f"provider: q, model: x}}], {guard}")
            async with built(tmp_path, text) as made:
                _, wire = await made.serve("POST", CHAT, body=chat())
            assert (wire.status, second.talks) == (502, [])


async def test_a_page_instead_of_a_stream_is_no_success(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, one(upstream.url)) as made:
        exchange, wire = await made.serve("POST", CHAT, body=chat(stream=True))
    assert (wire.status, json.loads(wire.content)["error"]["code"]) == (502, "upstream_malformed")
    assert exchange.outcome == "failed"


async def test_the_models_are_answered_here(tmp_path):
    async with built(tmp_path, one(CLOSED)) as made:
        exchange, wire = await made.serve("GET", "/v1/models")
        assert [one["id"] for one in json.loads(wire.content)["data"]] == ["m"]
        assert exchange.attempts == []
        _, wire = await made.serve("GET", "/v1/models/m")
        assert json.loads(wire.content)["id"] == "m"
        _, wire = await made.serve("HEAD", "/v1/models/nothing")
        assert wire.status == 404


# hedges -------------------------------------------------------------------------------------------------------
async def _silent(talk):
    await talk.head()
    await talk.read_to_end()


def _hedged(slow, fast, budget=0.5):
    return configuration(
        {"slow": slow, "fast": fast},
        {
            "m": "{deployments: [{provider: slow, model: x}, {provider: fast, model: x}], strategy: priority, "
            f"policies: [{{use: hedge, after: 20ms, budget: {budget}}}]}}"
        },
    )


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_slow_first_token_is_passed_by_and_both_attempts_are_paid_for(tmp_path, streamed):
    words = stream(WORD, STOP, COUNT, DONE) if streamed else OK
    async with (
        Upstream(_silent) as slow,
        Upstream(always(words)) as fast,
        built(tmp_path, _hedged(slow.url, fast.url)) as made,
    ):
        exchange, wire = await asyncio.wait_for(made.serve("POST", CHAT, body=chat(stream=streamed)), 5)
        await slow.until_idle()
    assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"fast/x")
    record = made.records[-1]
    lost, won = record.attempts
    assert [(one.role, one.adopted, one.target) for one in (lost, won)] == [
        ("first", False, "slow/x"),
        ("hedge", True, "fast/x"),
    ]
    assert won.cost == record.list_cost == 200_000  # what the client used is the winner's alone
    assert lost.cost == round(exchange.call.raw_tokens) * 10_000
    assert record.cost == won.cost + lost.cost


@pytest.mark.parametrize("more", [{"store": True}, {"background": True}])
async def test_what_leaves_something_at_a_vendor_is_sent_once(tmp_path, more):
    async with Upstream(_silent) as slow, Upstream(always(OK)) as fast:
        text = _hedged(slow.url, fast.url).replace("use: hedge,", "use: timeout, total: 300ms}, {use: hedge,")
        async with built(tmp_path, text) as made:
            await made.serve("POST", CHAT, body=chat(**more))
    assert "hedge" not in [one.role for one in made.records[-1].attempts]


async def test_hedges_are_a_share_of_the_calls(tmp_path):
    async with Upstream(_silent) as slow, Upstream(always(OK)) as fast:
        text = _hedged(slow.url, fast.url, 0.05).replace("use: hedge,", "use: timeout, total: 300ms}, {use: hedge,")
        async with built(tmp_path, text) as made:
            for _ in range(3):
                await made.serve("POST", CHAT, body=chat())
    assert [
        sum(one.role == "hedge" for one in record.attempts) for record in made.records if record.kind == "final"
    ] == [
        1,
        0,
        0,
    ]


async def test_a_key_that_is_refused_in_other_words_is_not_the_clients_business_either(tmp_path):
    words = b'{"error":{"message":"Incorrect API key provided: sk-1","code":"invalid_api_key"}}'
    said = answer(words, status=b"400 Bad Request")
    async with Upstream(always(said)) as upstream, built(tmp_path, one(upstream.url)) as made:
        _, wire = await made.serve("POST", CHAT, body=chat())
    assert (wire.status, json.loads(wire.content)["error"]["code"]) == (502, "upstream_credentials_exhausted")
    assert b"sk-1" not in wire.content


async def test_another_model_of_the_same_key_is_another_limit_and_is_asked_at_once(tmp_path):
    limited = failed(b"429 No", b"Retry-After: 30")
    async with Upstream(always(limited, OK)) as upstream:
        both = "{deployments: [{provider: p, model: x}, {provider: p, model: y}], strategy: priority}"
        async with built(tmp_path, configuration({"p": upstream.url}, {"m": both})) as made:
            _, wire = await asyncio.wait_for(made.serve("POST", CHAT, body=chat()), 4)
    assert (wire.status, wire.field(b"x-triplegate-deployment")) == (200, b"p/y")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/messages", {"mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "x"}]}),
        (
            "/v1/messages/count_tokens",
            {"mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "x"}]},
        ),
        (CHAT, {"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://mcp.example.com"}]}),
    ],
)
async def test_servers_of_clients_are_refused_by_name_unless_they_are_left_to_the_provider(tmp_path, path, more):
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], **more}).encode()
    name = next(iter(more))
    async with Upstream(always(OK)) as upstream:
        text = one(upstream.url)
        async with built(tmp_path, text) as made:
            _, wire = await made.serve("POST", path, body=body)
            error = json.loads(wire.content)["error"]
            assert (wire.status, upstream.talks, "MCP servers are not passed on" in error["message"]) == (400, [], True)
            harmless = json.loads(body) | {name: []}
            _, wire = await made.serve("POST", path, body=json.dumps(harmless).encode())
            assert wire.status == 200
            made.take(text.replace("m: {", "m: {mcp_elsewhere: forward, ", 1))
            _, wire = await made.serve("POST", path, body=body)
            assert b"MCP servers are not passed on" not in wire.content
            other = json.dumps(json.loads(body) | {"model": "nowhere"}).encode()
            _, wire = await made.serve("POST", path, body=other)
            assert wire.status == 404
