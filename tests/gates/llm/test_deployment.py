"""A deployment: what a provider is sent, whoever calls."""

import asyncio
import json

import pytest
from tests.builders import make_kit
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import OK, chat
from tests.gates.llm.signed import fields, signed_with
from tests.hostile.scripted import Upstream
from tests.wire.aws_frames import event

from triplegate.core.clock import SystemClock
from triplegate.core.fold import fold
from triplegate.policies.retry import Retry
from triplegate.policies.timeout import Timeout
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.wire.aws_sigv4 import amz_date

TEXT = """
providers:
  p:
    base_url: "{url}/v1/"
    {auth}
    headers: {{x-version: "7", x-secret: "env:MORE"}}
    timeouts: {{total: 9s}}
    quirks: {{{quirks}}}
models: {{m: {{deployments: [{{provider: p, model: vendor{key}{more}}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
"""


def text(url="http://127.0.0.1:1", auth="auth: {bearer: true}", quirks="", more=""):
    key = "" if auth == "auth: null" else ', key: "env:KEY"'
    return TEXT.format(url=url, auth=auth, quirks=quirks, key=key, more=more)


SECRETS = {"env:KEY": "sk-1", "env:MORE": "more"}


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        ("auth: {bearer: true}", b"authorization: Bearer sk-1"),
        ("auth: {header: api-key}", b"api-key: sk-1"),
        ("auth: null", b""),
    ],
)
async def test_a_provider_sees_our_credential_and_nothing_of_the_clients(tmp_path, auth, line):
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url, auth), secrets=SECRETS) as made,
    ):
        exchange, wire = await made.serve(
            "POST", "/v1/chat/completions", body=chat(), headers=[(b"cookie", b"a"), (b"openai-project", b"x")]
        )
        received = bytes(upstream.talks[0].received)
    assert wire.status == 200
    assert received.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert line in received
    assert received.endswith(chat("vendor"))
    for wanted in (b"x-version: 7", b"x-secret: more", b"accept-encoding: identity", b"accept: application/json"):
        assert b"\r\n" + wanted + b"\r\n" in received
    assert b"x-request-id: " + exchange.request_id in received
    for hidden in (made.key.encode(), b"cookie", b"openai-project"):
        assert hidden not in received


async def test_what_a_vendor_cannot_take_is_left_out_or_renamed(tmp_path):
    quirks = "stream_usage: false, max_tokens: max_completion_tokens, drop: [seed]"
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url, quirks=quirks), secrets=SECRETS) as made,
    ):
        await made.answer("POST", "/v1/chat/completions", body=chat(seed=1, max_tokens=4, stream=True))
        received = bytes(upstream.talks[0].received)
    assert received.endswith(b'{"model":"vendor","messages":[],"stream":true,"max_completion_tokens":4}')
    assert b"accept: text/event-stream" in received


async def test_roles_and_thoughts_have_the_vendors_names(tmp_path):
    messages = [{"role": "developer", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "c"}]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    quirks = "developer: system, reasoning: reasoning"
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url, quirks=quirks), secrets=SECRETS) as made,
    ):
        await made.answer("POST", "/v1/chat/completions", body=body)
        received = bytes(upstream.talks[0].received)
    assert json.loads(received[received.index(b"{") :])["messages"] == [
        {"role": "system", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning": "c"},
    ]


@pytest.mark.parametrize("secrets", [{}, {"env:KEY": "sk-1"}, {"env:MORE": "more"}])
async def test_without_its_secrets_it_is_not_called_and_names_none_to_the_client(tmp_path, secrets):
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, text(upstream.url), secrets=secrets) as made,
    ):
        exchange, reply = await made.answer("POST", "/v1/chat/completions", body=chat())
        body = await anext(reply.frames)
        assert (reply.status, exchange.refusal.code) == (502, "upstream_credentials")
        assert b"env:" not in body
        assert "env:" in exchange.refusal.reason
        assert upstream.talks == []


async def test_a_chain_changes_its_times_and_never_its_fallback(tmp_path):
    async def last(exchange):
        raise NotImplementedError

    own = ", policies: [{use: timeout, idle: 3s}]"
    async with built(tmp_path, text(more=own), secrets=SECRETS) as made:
        deployment = made.gateway.snapshot.gates["llm"]._models["m"].deployments[0]
        plain = deployment.dispatch(fold((), last, make_kit()))
        tuned = deployment.dispatch(fold((Timeout(total=2), Retry(attempts=4, on=frozenset({418}))), last, make_kit()))
    assert (plain.total, plain.idle, tuned.total, tuned.idle, tuned.retries) == (9, 3, 2, 3, 4)
    assert {401, 429, 500, 503} <= plain.retry_on
    assert {401, 418, 429, 500, 503} <= tuned.retry_on


async def test_one_process_that_is_told_to_wait_tells_the_others_where_that_is_shared(tmp_path):
    broadcast = MemoryBroadcast()
    told = answer(b"{}", b"Retry-After: 90", status=b"429 No")
    shared = text("URL", "auth: null").replace("llm: {{", "llm: {").replace("llm: {", "llm: {share_cooldowns: true, ")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    async with (
        Upstream(always(OK, OK, told)) as upstream,
        built(tmp_path / "a", shared.replace("URL", upstream.url), secrets=SECRETS, broadcast=broadcast) as here,
        built(tmp_path / "b", shared.replace("URL", upstream.url), secrets=SECRETS, broadcast=broadcast) as there,
    ):
        cooled = there.gateway.snapshot.gates["llm"]._models["m"].places[0].health.group
        for made in (here, there):
            _, wire = await made.serve("POST", "/v1/chat/completions", body=chat())
            assert wire.status == 200
        _, wire = await here.serve("POST", "/v1/chat/completions", body=chat())
        assert wire.status == 429
        async with asyncio.timeout(4):
            while not cooled.until:
                await asyncio.sleep(0.005)
        _, wire = await there.serve("POST", "/v1/chat/completions", body=chat())
    assert (wire.status, int(wire.field(b"retry-after")) > 60, cooled.cooled) == (429, True, 0)


AMAZON = """
providers:
  p:
    base_url: "{url}"
    dialect: bedrock_converse
    auth: {{aws: {{region: eu-west-1, id: "env:ID", token: "env:TOKEN"}}}}
models: {{m: {{deployments: [{{provider: p, model: "eu.anthropic.claude-v1:0", key: "env:KEY"}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
"""
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
}
CONVERSED = answer(json.dumps(ANSWER).encode())
KEYS = {"env:ID": "AKID", "env:KEY": "c2VjcmV0", "env:TOKEN": "hours"}
THEIRS = [
    (b"x-amz-date", b"20000101T000000Z"),
    (b"x-amz-security-token", b"mine"),
    (b"x-amz-region-set", b"us-east-1"),
    (b"x-amzn-bedrock-guardrailidentifier", b"none"),
]
"""What a client would have to say to choose credential, region or time."""


async def test_a_call_of_amazons_is_signed_with_its_body_and_never_by_the_client(tmp_path):
    clock = SystemClock()
    before = int(clock.wall())
    async with (
        Upstream(always(CONVERSED)) as upstream,
        built(tmp_path, AMAZON.format(url=upstream.url), secrets=KEYS, clock=clock) as made,
    ):
        asked = chat(messages=[{"role": "user", "content": "Grüß Gott"}])
        _, wire = await made.serve("POST", "/v1/chat/completions", body=asked, headers=THEIRS)
        received = bytes(upstream.talks[0].received)
    assert wire.status == 200
    assert json.loads(wire.content)["choices"][0]["message"]["content"] == "Hello."
    assert received.startswith(b"POST /model/eu.anthropic.claude-v1%3A0/converse HTTP/1.1\r\n")
    key_id, day, region, service, request, names = signed_with(received, KEYS["env:KEY"])
    assert (key_id, region, service, request) == ("AKID", "eu-west-1", "bedrock", "aws4_request")
    assert {"host", "content-type", "x-amz-date", "x-amz-security-token"} <= set(names)
    had = fields(received.partition(b"\r\n\r\n")[0])
    assert had["x-amz-security-token"] == "hours"
    assert had["x-amz-date"].startswith(day)
    assert had["x-amz-date"] >= amz_date(before)
    assert not {"x-amz-region-set", "x-amzn-bedrock-guardrailidentifier"} & set(had)
    assert KEYS["env:KEY"].encode() not in received
    assert made.key.encode() not in received
    assert signed_with(received.replace(b"Gott", b"Zeus"), KEYS["env:KEY"]) is None
    assert signed_with(received, "another") is None


TWO = """{provider: p, model: first, key: "env:OTHER"}, {provider: p, tier: 1, """


async def test_each_attempt_is_signed_with_its_own_key(tmp_path):
    async def script(talk):
        head = await talk.head()
        await talk.read(int(fields(head)["content-length"]))
        await talk.say(answer(b"{}", status=b"503 Busy") if b"/model/first/" in head else CONVERSED)

    async with Upstream(script) as upstream:
        text = AMAZON.format(url=upstream.url).replace("deployments: [{provider: p, ", f"deployments: [{TWO}")
        async with built(tmp_path, text, secrets=KEYS | {"env:OTHER": "other"}) as made:
            _, wire = await made.serve("POST", "/v1/chat/completions", body=chat())
        received = [bytes(talk.received) for talk in upstream.talks]
    assert wire.status == 200
    assert signed_with(received[0], "other")
    assert signed_with(received[-1], KEYS["env:KEY"])


@pytest.mark.parametrize("gone", KEYS)
async def test_without_a_part_of_its_access_key_it_is_not_called(tmp_path, gone):
    async with (
        Upstream(always(CONVERSED)) as upstream,
        built(tmp_path, AMAZON.format(url=upstream.url), secrets={**KEYS, gone: None}) as made,
    ):
        exchange, reply = await made.answer("POST", "/v1/chat/completions", body=chat())
    assert (reply.status, exchange.refusal.code) == (502, "upstream_credentials")
    assert exchange.refusal.reason == "no access key at env:KEY"
    assert upstream.talks == []


async def test_a_signed_stream_of_frames_is_the_clients_own_stream(tmp_path):
    frames = (
        event("messageStart", role="assistant"),
        event("contentBlockDelta", contentBlockIndex=0, delta={"text": "Hel"}),
        event("contentBlockDelta", contentBlockIndex=0, delta={"text": "lo."}),
        event("contentBlockStop", contentBlockIndex=0),
        event("messageStop", stopReason="end_turn"),
        event("metadata", usage=ANSWER["usage"]),
    )
    streamed = answer(b"".join(frames), kind=b"application/vnd.amazon.eventstream")
    async with (
        Upstream(always(streamed)) as upstream,
        built(tmp_path, AMAZON.format(url=upstream.url), secrets=KEYS) as made,
    ):
        exchange, wire = await made.serve("POST", "/v1/chat/completions", body=chat(stream=True))
        received = bytes(upstream.talks[0].received)
    assert signed_with(received, KEYS["env:KEY"])
    assert b"/converse-stream HTTP/1.1\r\n" in received
    assert b"\r\naccept: application/vnd.amazon.eventstream\r\n" in received
    events = [line[6:] for line in wire.content.split(b"\n\n") if line.startswith(b"data: ")]
    assert events.pop() == b"[DONE]"
    said = [json.loads(one)["choices"] for one in events]
    assert "".join(one[0]["delta"].get("content") or "" for one in said if one) == "Hello."
    assert exchange.outcome == "ok"
