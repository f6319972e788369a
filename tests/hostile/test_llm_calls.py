"""Calls of the llm gate made to reach another's models, another's upstream, the loop or the ledger."""

import asyncio
import json
import threading

import pytest
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import DONE, OK, STOP, WORD, chat, configuration, event, stream
from tests.hostile.scripted import Upstream

from triplegate.gates.llm import asking

CHAT = "/v1/chat/completions"
SECRET = "{deployments: [{provider: p, model: secret}], teams: [ops]"
MODELS = {
    "secret": SECRET + ", aliases: [other-name]}",
    "hidden/*": "{deployments: [{provider: p, model: '*'}], teams: [ops]}",
    "canaried": "{deployments: [{provider: p, model: x}], canary: {model: secret, percent: 100}}",
    "falling": "{deployments: [{provider: broken, model: x}], fallback: [secret], fallback_on: "
    "{context_window: [secret], content_policy: [secret]}}",
}
FIELDS = [
    (b"x-goog-api-key", b"theirs"),
    (b"x-goog-user-project", b"theirs"),
    (b"anthropic-beta", b"theirs"),
    (b"anthropic-version", b"theirs"),
    (b"openai-organization", b"theirs"),
    (b"openai-project", b"theirs"),
    (b"openai-beta", b"theirs"),
    (b"x-amz-security-token", b"theirs"),
    (b"x-amz-target", b"theirs"),
    (b"x-api-base", b"http://theirs"),
    (b"x-forwarded-host", b"theirs"),
    (b"cookie", b"a=theirs"),
    (b"user-agent", b"theirs"),
    (b"http-referer", b"theirs"),
    (b"helicone-auth", b"theirs"),
]


def two(upstream, models):
    return configuration({"p": upstream.url, "broken": upstream.url + "/broken"}, models)


def heard(upstream):
    return b"".join(bytes(talk.received) for talk in upstream.talks)


@pytest.mark.parametrize(
    "path", [CHAT, "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/anthropic/v1/messages"]
)
@pytest.mark.parametrize("name", ["secret", "other-name", "hidden/x", "secret\\u0000", "\\u0073ecret"])
async def test_a_model_of_another_team_is_reached_by_no_endpoint_and_no_name(tmp_path, path, name):
    text = f'{{"model":"{name}","max_tokens":3,"input":"x","messages":[{{"role":"user","content":"x"}}]}}'.encode()
    async with Upstream(always(OK)) as upstream, built(tmp_path, two(upstream, MODELS)) as made:
        _, wire = await made.serve("POST", path, body=text)
        assert (wire.status, upstream.talks) == (404, [])
        assert all(record.cost == 0 for record in made.records)


@pytest.mark.parametrize("name", ["secret", "%73ecret", "other-name", "hidden%2Fx", "hidden/x", "/secret/", "hidden/*"])
async def test_nor_is_it_told_of(tmp_path, name):
    async with Upstream(always(OK)) as upstream, built(tmp_path, two(upstream, MODELS)) as made:
        for before in ("/v1/models/", "/anthropic/v1/models/"):
            _, wire = await made.serve("GET", before + name)
            assert wire.status == 404


@pytest.mark.parametrize("model", ["canaried", "falling"])
async def test_nor_does_a_way_round_lead_there(tmp_path, model):
    broken = answer(b'{"error":{"message":"no","code":"context_length_exceeded"}}', status=b"400 Bad Request")
    async with Upstream(always(broken)) as upstream, built(tmp_path, two(upstream, MODELS)) as made:
        await made.serve("POST", CHAT, body=chat(model))
        assert b'"secret"' not in heard(upstream)
        assert b'"model": "x"' in heard(upstream)


async def test_nothing_of_the_clients_head_reaches_a_provider(tmp_path):
    async with (
        Upstream(always(OK)) as upstream,
        built(tmp_path, two(upstream, {"m": MODELS["canaried"]} | MODELS)) as made,
    ):
        _, wire = await made.serve("POST", CHAT, body=chat("m"), headers=FIELDS)
        assert wire.status == 200
        assert b"theirs" not in heard(upstream)
        assert made.key.encode() not in heard(upstream)


LARGE = {
    "model": "m",
    "max_tokens": 3,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 60_000}],
}


async def test_the_loop_goes_on_while_a_large_call_is_translated(tmp_path, monkeypatch):
    began, went_on, ask = threading.Event(), threading.Event(), asking.ask

    def held(*said, **more):
        began.set()
        assert went_on.wait(3), "the loop stands still"
        return ask(*said, **more)

    async def beat():
        while not began.is_set():
            await asyncio.sleep(0.005)
        went_on.set()

    monkeypatch.setattr(asking, "ask", held)
    async with Upstream(always(OK)) as upstream, built(tmp_path, one_model(upstream)) as made:
        heart = asyncio.get_running_loop().create_task(beat())
        _, wire = await made.serve("POST", "/v1/messages", body=json.dumps(LARGE).encode())
        await heart
    assert wire.status == 200


def one_model(upstream):
    return two(upstream, {"m": "{deployments: [{provider: p, model: x}]}"})


@pytest.mark.parametrize("odd", ["-5", "1e300", "9223372036854775808", "1.5", "null", '"7"', "[]", "1e999", "-1e999"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
async def test_odd_usage_is_never_booked(tmp_path, odd, streamed, path):
    usage = f'"usage":{{"prompt_tokens":{odd},"completion_tokens":{odd},"total_tokens":{odd}}}'.encode()
    whole = answer(b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},'
                   b'"finish_reason":"stop"}],%b}' % usage)  # fmt: skip
    events = stream(WORD, STOP, b'data: {"choices":[],%b}\n\n' % usage, DONE)
    text = chat("m", stream=streamed, max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    async with (
        Upstream(always(events if streamed else whole)) as upstream,
        built(tmp_path, one_model(upstream)) as made,
    ):
        await made.serve("POST", path, body=text)
        finals = [record for record in made.records if record.kind == "final"]
    assert len(finals) == 1
    assert 0 <= finals[0].cost < 10**9
    assert all(isinstance(count, int) and 0 <= count < 2**53 for count in finals[0].tokens)


@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/responses"])
@pytest.mark.parametrize("seen", range(7))
async def test_who_leaves_at_any_event_pays_once(tmp_path, path, seen):
    words = [event(choices=[{"index": 0, "delta": {"content": f"w{number}"}}]) for number in range(4)]
    text = chat("m", stream=True, max_tokens=9, messages=[{"role": "user", "content": "hi"}], input="hi")
    async with Upstream(always(stream(*words, STOP, DONE))) as upstream, built(tmp_path, one_model(upstream)) as made:
        exchange, reply = await made.answer("POST", path, body=text)
        encoder, count = exchange.gate.encoder(exchange, reply), 0
        async for frame in reply.frames:
            if count == seen:
                break
            encoder.feed(frame)
            count += 1
        reply.frames.close()
        exchange.close("gone")
        finals = [record for record in made.records if record.kind == "final"]
    assert len(finals) == 1
    assert finals[0].cost > 0
