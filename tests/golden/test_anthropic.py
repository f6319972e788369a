"""Recorded Anthropic traffic through both sides of the codec; Anthropic's own client judges what we write."""

import json

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.golden.recordings import recorded, streams

from triplegate.wire.anthropic_messages import CLIENT, PROVIDER
from triplegate.wire.codec import Losses, Shape
from triplegate.wire.neutral_events import Failed, gather
from triplegate.wire.sse import SseReader


def accumulated(body, *, stream):
    """What Anthropic's own client makes of an answer."""
    kind = "text/event-stream" if stream else "application/json"
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body, headers={"content-type": kind}))
    with anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0) as client:
        asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        if not stream:
            return client.messages.create(**asked)
        with client.messages.stream(**asked) as running:
            return running.get_final_message()


COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def billed(exchange):
    """What the provider bills: its last word on usage, and the summary it made beside that."""
    said = {}
    if exchange.framing == "json":
        said = exchange.json()["usage"]
    else:
        for event in SseReader().feed(exchange.body):
            told = json.loads(event.data)
            usage = told.get("usage") or told.get("message", {}).get("usage") or {}
            said |= {name: value for name, value in usage.items() if value is not None}
    parts = [said, *(one for one in said.get("iterations") or [] if one["type"] == "compaction")]
    return [sum(part.get(name) or 0 for part in parts) for name in COUNTS]


def meaning(message):
    """The message without what a gateway may say differently."""
    said = message.model_dump(mode="json", warnings=False)
    usage = said["usage"]
    blocks = [{name: value for name, value in block.items() if value not in (None, [])} for block in said["content"]]
    return {
        "content": [_plain(block) for block in blocks],
        "stop": (said["stop_reason"], said.get("stop_sequence")),
        "usage": [usage.get(name) or 0 for name in COUNTS],
    }


def _plain(block):
    dropped = ("caller", "parsed_output", "input" if block["type"] == "mcp_tool_use" else "")
    return {name: value for name, value in block.items() if name not in dropped}  # the client gathers no MCP arguments


def read(exchange, sizes=(1 << 20,)):
    if exchange.framing == "json":
        return PROVIDER.read_reply(exchange.body)
    reader, events, place, turn = PROVIDER.reader(), [], 0, 0
    while place < len(exchange.body):
        size = sizes[turn % len(sizes)]
        events += reader.feed(exchange.body[place : place + size])
        place, turn = place + size, turn + 1
    return events + reader.finish()


def written(events):
    writer = CLIENT.writer(SHAPE)
    return b"".join([*[writer.feed(event) for event in events], writer.finish()])


SHAPE = Shape("m", "01ABC", 7)
WELL = [one for one in recorded("anthropic") if one.values[0] is None or one.values[0].status == 200]

BAD = [one for one in recorded("anthropic") if one.values[0] is None or one.values[0].status > 399]


@pytest.mark.parametrize("exchange", WELL)
def test_what_is_read_and_written_again_means_the_same_to_the_vendors_client(exchange):
    stream = exchange.framing == "sse"
    expected = meaning(accumulated(exchange.body, stream=stream)) | {"usage": billed(exchange)}
    events = read(exchange)
    assert meaning(accumulated(written(events), stream=True)) == expected
    assert meaning(accumulated(CLIENT.write_reply(events, SHAPE), stream=False)) == expected


@pytest.mark.parametrize("exchange", streams("anthropic"))
def test_events_do_not_depend_on_how_the_bytes_are_cut(exchange):
    whole = read(exchange)
    assert read(exchange, (1,)) == whole
    assert read(exchange, (7, 3, 1021)) == whole


@pytest.mark.parametrize("exchange", streams("anthropic"))
@settings(max_examples=5)
@given(sizes=st.lists(st.integers(1, 5_000), min_size=1, max_size=6))
def test_a_relay_passes_every_byte_and_knows_the_same(exchange, sizes):
    relay, passed, place, turn = CLIENT.relay(True), b"", 0, 0
    while place < len(exchange.body):
        size = sizes[turn % len(sizes)]
        passed += relay.feed(exchange.body[place : place + size])
        place, turn = place + size, turn + 1
    passed += relay.finish()
    assert passed == exchange.body
    answer = gather(read(exchange))
    assert (relay.usage, relay.id, relay.model) == (answer.usage, answer.start.id, answer.start.model)
    assert (relay.finish_reason, relay.done, relay.content) == (answer.finishes[0].raw, True, True)


@pytest.mark.parametrize("exchange", WELL)
def test_usage_is_what_the_provider_bills(exchange):
    whole = exchange.framing == "json"
    usage = CLIENT.whole_usage(exchange.body) if whole else gather(read(exchange)).usage
    written_to_cache = usage.cache_write_5m + usage.cache_write_1h
    assert [usage.input_uncached, usage.output_total, usage.cache_read, written_to_cache] == billed(exchange)


@pytest.mark.parametrize(
    "exchange", [one for one in recorded("anthropic") if one.values[0] and one.values[0].status > 399]
)
def test_errors_have_a_class_and_the_vendors_words(exchange):
    failed = PROVIDER.read_error(exchange.status, [], exchange.body)
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.message) == ("client", exchange.json()["error"]["message"])


@pytest.mark.parametrize("exchange", recorded("anthropic"))
def test_a_request_read_and_written_again_asks_the_same(exchange):
    text = json.dumps(exchange.request["body"]).encode()
    losses = Losses()
    again = json.loads(PROVIDER.write_request(CLIENT.read_request(text), exchange.request["body"]["model"], losses))
    assert losses.names == []
    assert normal(again) == normal(exchange.request["body"])


def normal(body):
    """Strings of content as blocks, turns of one role together, defaults away."""
    said = {name: value for name, value in body.items() if value not in (None, False)}
    if said.get("cache_control", {}).get("ttl") == "5m":
        said["cache_control"] = {"type": "ephemeral"}
    for tool in said.get("tools", ()):
        if not tool.get("description", "x"):
            del tool["description"]
    if "system" in said:
        said["system"] = blocks_of(said["system"])
    turns = []
    for message in said["messages"]:
        blocks = blocks_of(message["content"])
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], blocks))
    said["messages"] = turns
    return said


def blocks_of(content):
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [normal_block(block) for block in blocks]


def normal_block(block):
    said = {name: value for name, value in block.items() if value not in (None, False)}
    if said["type"] == "tool_result" and isinstance(said.get("content"), list):
        texts = said["content"]
        said["content"] = texts[0]["text"] if len(texts) == 1 and set(texts[0]) <= {"type", "text"} else texts
    if said.get("cache_control", {}).get("ttl") == "5m":
        said["cache_control"] = {"type": "ephemeral"}
    return said
