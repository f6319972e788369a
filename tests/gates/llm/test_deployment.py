"""A deployment: what a provider is sent, whoever calls."""

import asyncio

import pytest
from tests.builders import make_kit
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import OK, chat
from tests.hostile.scripted import Upstream

from triplegate.core.fold import fold
from triplegate.policies.retry import Retry
from triplegate.policies.timeout import Timeout
from triplegate.stores.memory.broadcast import MemoryBroadcast

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
