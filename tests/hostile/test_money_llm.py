"""Clients that want answers for nothing, and providers that say wrongly, or not at all, what theirs used."""

import asyncio
import contextlib
import json

import pytest
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import DONE, OK, STOP, chat, event, failed, one, stream
from tests.hostile.scripted import Upstream

from triplegate.core.money import UNITS_PER_DOLLAR

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
ASKED = {"model": "m", "max_tokens": 4000, "stream": True, "messages": [{"role": "user", "content": "Write a book."}]}
BOOK = "In the beginning there was a sea, and it had no ships. " * 100
"""Some 1,300 tokens."""


def named(kind, **more):
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **more}).encode())


def spoken(words):
    usage = {"input_tokens": 9, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": [], "usage": usage}
    yield named("message_start", message=message)
    yield named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for text in [*[words[start : start + 50] for start in range(0, len(words), 50)], "Amen."]:
        yield named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def anthropic(url):
    return one(url).replace("auth: null", "auth: null, dialect: anthropic_messages")


async def left_before_the_end(made, path):
    """What is booked of an answer whose reader leaves when all was said but the end."""
    exchange, reply = await made.answer("POST", path, body=json.dumps(ASKED).encode())
    encoder, seen = made.gateway.gate_for(path).encoder(exchange, reply), b""
    async with asyncio.timeout(4):
        while b"Amen." not in seen:
            seen += encoder.feed(await anext(reply.frames))
    exchange.close("gone")
    reply.frames.close()
    return made.records[-1]


async def never_ends(talk, *events):
    await talk.head()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    content = b"".join(events)
    await talk.say(head + b"%x\r\n%b\r\n" % (len(content), content))
    await talk.read_to_end()


async def test_whoever_leaves_before_an_answer_ends_pays_for_what_was_written(tmp_path):
    async with (
        Upstream(lambda talk: never_ends(talk, *spoken(BOOK))) as upstream,
        built(tmp_path, anthropic(upstream.url)) as made,
    ):
        for path in (MESSAGES, CHAT):
            record = await left_before_the_end(made, path)
            assert (record.usage_source, record.tokens[0]) == ("partial", 9)
            assert 900 < sum(record.tokens[6:]) < 2_000, "the provider's first word is of one token"


async def test_a_provider_that_counts_nothing_is_paid_by_what_it_wrote_however_few_pieces(tmp_path):
    whole = event(choices=[{"index": 0, "delta": {"content": BOOK}}])
    words = [event(choices=[{"index": 0, "delta": {"content": word + " "}}]) for word in BOOK.split()]
    for said in ([whole], [event(choices=[{"index": 0, "delta": {"content": "I"}}]), whole], words):
        provider = Upstream(always(stream(*said, STOP, DONE)))
        async with provider as upstream, built(tmp_path, one(upstream.url)) as made:
            await made.serve("POST", CHAT, body=json.dumps(ASKED).encode())
            record = made.records[-1]
            assert record.usage_source == "partial"
            assert 900 < sum(record.tokens[6:]) < 2_000


SPENT = "orgs: {acme: {teams: {web: {budget: {money: 0.01, per: day}, consumers: {ci: {}}}}}}\n"


def priced(url, models, **prices):
    """Models of providers that fail (`broken`), or answer at these prices."""
    more = "auth: null, models: {x: "
    lines = [f'  {name}: {{base_url: "{url}/{name}/v1", {more}{price}}}}}' for name, price in prices.items()]
    named = [f"  {name}: {written}" for name, written in models.items()]
    return "\n".join(["providers:", *lines, "models:", *named, "llm: {policies: [{use: key_auth}]}", SPENT])


DEAR = "{deployments: [{provider: dear, model: x}]}"


async def by_provider(talk):
    """Fails where the path says so."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await talk.head()
            await talk.read(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            await talk.say(failed(b"500 No") if head.startswith(b"POST /broken") else OK)


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("{deployments: [{provider: broken, model: x}], fallback: [dear]}", "{input: 0, output: 0}"),
        ("{deployments: [{provider: broken, model: x}], fallback: [dear]}", "{input: 0.01, output: 0.01}"),
        ("{deployments: [{provider: cheap, model: x}], canary: {model: dear, percent: 100}}", "{input: 0, output: 0}"),
        ("{deployments: [{provider: cheap, model: x}], canary: {model: dear, percent: 100}}", "{input: 1, output: 1}"),
    ],
)
async def test_a_model_that_costs_less_is_no_way_past_a_budget_to_one_that_costs_more(tmp_path, written, price):
    async with Upstream(by_provider) as upstream:
        text = priced(upstream.url, {"m": written, "dear": DEAR}, broken=price, cheap=price, dear="{call: 0.004}")
        async with built(tmp_path, text) as made:
            answers = [await made.serve("POST", CHAT, body=chat()) for _ in range(6)]
            assert [wire.status for _, wire in answers[:2]] == [200, 200]
            assert {exchange.target for exchange, _ in answers[2:]} <= {"cheap/x", "broken/x"}
            spent = sum(record.cost for record in made.records if record.kind == "final")
            assert 80_000_000 <= spent <= 100_000_000
            assert b"".join(bytes(talk.received) for talk in upstream.talks).count(b"POST /dear") == 2


async def test_a_model_that_costs_nothing_and_leads_nowhere_else_is_never_refused(tmp_path):
    async with Upstream(by_provider) as upstream:
        models = {"m": "{deployments: [{provider: cheap, model: x}]}", "dear": DEAR}
        text = priced(upstream.url, models, cheap="{input: 0, output: 0}", dear="{call: 0.004}")
        async with built(tmp_path, text) as made:
            spent = [(await made.serve("POST", CHAT, body=chat("dear")))[1].status for _ in range(3)]
            assert spent == [200, 200, 429]
            assert (await made.serve("POST", CHAT, body=chat()))[1].status == 200


@pytest.mark.parametrize("usage", [{"prompt_tokens": -5, "completion_tokens": -3}, {"prompt_tokens": 2**60}])
async def test_usage_that_cannot_be_is_no_usage(tmp_path, usage):
    said = json.dumps({"choices": [{"index": 0, "message": {"content": BOOK}}], "usage": usage}).encode()
    async with Upstream(always(answer(said))) as upstream, built(tmp_path, one(upstream.url)) as made:
        await made.serve("POST", CHAT, body=chat())
        record = made.records[-1]
        assert record.usage_source == "estimated"
        assert record.cost > 0


async def test_no_answer_costs_more_than_counters_and_ledger_can_hold(tmp_path):
    usage = {"prompt_tokens": 2**53 - 1, "completion_tokens": 2**53 - 1}
    said = json.dumps({"choices": [{"index": 0, "message": {"content": "x"}}], "usage": usage}).encode()
    async with Upstream(always(answer(said))) as upstream, built(tmp_path, one(upstream.url)) as made:
        await made.serve("POST", CHAT, body=chat())
        assert made.records[-1].cost == 10_000 * UNITS_PER_DOLLAR


async def test_what_is_heard_as_plain_text_is_paid_for_where_the_model_is_priced_by_tokens(tmp_path):
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = (
        part % (b"model", b"m") + part % (b"response_format", b"text") + part % (b"file", b"z" * 99_000) + b"--b--\r\n"
    )
    form = [(b"content-type", b"multipart/form-data; boundary=b")]
    plain = answer(b"hello there", kind=b"text/plain")
    async with Upstream(always(plain)) as upstream, built(tmp_path, one(upstream.url)) as made:
        await made.serve("POST", "/v1/audio/transcriptions", body=body, headers=form)
        assert made.records[-1].cost > 0
    async with Upstream(always(plain)) as upstream, built(tmp_path, one(upstream.url)) as made:
        await made.serve("POST", "/v1/audio/speech", body=json.dumps({"model": "m", "input": BOOK}).encode())
        assert made.records[-1].cost > 0
