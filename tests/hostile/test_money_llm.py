"""Clients that want answers for nothing, and providers that say wrongly, or not at all, what theirs used."""

import asyncio
import json

from tests.gates.built import always, built
from tests.gates.llm.calls import DONE, STOP, event, one, stream
from tests.hostile.scripted import Upstream

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
    async with Upstream(lambda talk: never_ends(talk, *spoken(BOOK))) as upstream:
        async with built(tmp_path, anthropic(upstream.url)) as made:
            for path in (MESSAGES, CHAT):
                record = await left_before_the_end(made, path)
                assert (record.usage_source, record.tokens[0]) == ("partial", 9)
                assert 900 < sum(record.tokens[6:]) < 2_000, "the provider's first word is of one token"


async def test_a_provider_that_counts_nothing_is_paid_by_what_it_wrote_however_few_pieces(tmp_path):
    whole = event(choices=[{"index": 0, "delta": {"content": BOOK}}])
    words = [event(choices=[{"index": 0, "delta": {"content": word + " "}}]) for word in BOOK.split()]
    for said in ([whole], [event(choices=[{"index": 0, "delta": {"content": "I"}}]), whole], words):
        async with Upstream(always(stream(*said, STOP, DONE))) as upstream:
            async with built(tmp_path, one(upstream.url)) as made:
                await made.serve("POST", CHAT, body=json.dumps(ASKED).encode())
                record = made.records[-1]
                assert record.usage_source == "partial"
                assert 900 < sum(record.tokens[6:]) < 2_000
