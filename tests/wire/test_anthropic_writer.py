"""What Anthropic's own client makes of our streams when events interleave or come from other dialects."""

import json

import pytest
from tests.golden.test_anthropic import accumulated

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.anthropic_writer import MessagesWriter, write_reply
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation, Opaque, unseal
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Failed,
    Finish,
    OpaqueSeen,
    Start,
    Unknown,
    UsageSeen,
)

SHAPE = Shape("our-model", "01XYZ", 7)
USAGE = Usage(input_uncached=3, cache_read=4, cache_write_1h=2, output_text=5, reasoning=1, source="provider")
INTERLEAVED = [
    Start("chatcmpl-1", "theirs"),
    BlockStart(0, "reasoning"),
    Delta(0, "hm"),
    BlockStart(1, "tool_call", id="t1", name="f"),
    BlockStart(2, "tool_call", id="t2", name="g"),
    Delta(1, '{"a":'),
    Delta(2, '{"b"'),
    OpaqueSeen(0, Opaque("gemini", "thought", "abc")),
    BlockEnd(0),
    Delta(1, "1}"),
    Delta(2, ":2}"),
    BlockEnd(2),
    BlockStart(3, "text"),
    Delta(3, "done"),
    Cited(3, Citation("https://a.example", "A", "quote")),
    Unknown("openai", b"{}"),
    BlockStart(4, "custom_tool_call", id="t3", name="h"),
    Delta(4, "x = "),
    Delta(4, '"1"'),
    UsageSeen(USAGE),
    Finish("tool_calls", "tool_calls"),
]


def streamed(events):
    writer = MessagesWriter(SHAPE)
    return b"".join([*[writer.feed(event) for event in events], writer.finish()])


@pytest.mark.parametrize("whole", [False, True])
def test_interleaved_blocks_are_told_one_after_the_other(whole):
    body = write_reply(INTERLEAVED, SHAPE) if whole else streamed(INTERLEAVED)
    message = accumulated(body, stream=not whole)
    assert (message.id, message.model, message.stop_reason) == ("msg_chatcmpl-1", "our-model", "tool_use")
    thought, first, second, text, custom = message.content
    assert (thought.thinking, unseal(thought.signature, "anthropic", "signature")) == (
        "hm",
        Opaque("gemini", "thought", "abc"),
    )
    assert [(tool.id, tool.name, tool.input) for tool in (first, second, custom)] == [
        ("t1", "f", {"a": 1}),
        ("t2", "g", {"b": 2}),
        ("t3", "h", {"input": 'x = "1"'}),
    ]
    assert (text.text, text.citations[0].url) == ("done", "https://a.example")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (3, 4, 2)
    assert usage.output_tokens == 6


def test_an_empty_answer_is_whole_too():
    message = accumulated(streamed([Finish("length", "MAX_TOKENS")]), stream=True)
    assert (message.content, message.stop_reason, message.usage.output_tokens) == ([], "max_tokens", 0)


def test_other_choices_and_other_providers_blocks_are_left_out():
    events = [
        BlockStart(0, "native", name="web_search_call", provider="openai_responses"),
        Delta(0, "{}"),
        BlockEnd(0),
        BlockStart(1, "text", 1),
        Delta(1, "second choice"),
        BlockStart(2, "text"),
        Delta(2, "first"),
        Finish("stop"),
    ]
    for message in (
        accumulated(streamed(events), stream=True),
        accumulated(write_reply(events, SHAPE), stream=False),
    ):
        assert [block.text for block in message.content] == ["first"]


def test_a_failure_is_an_error_event_and_a_whole_one_a_refusal():
    writer = MessagesWriter(SHAPE)
    assert writer.feed(Failed("overload")) == b""
    event = writer.fail(Refusal("upstream_overloaded", "busy"))
    assert event.startswith(b"event: error\n")
    assert json.loads(event.partition(b"data: ")[2])["error"]["type"] == "overloaded_error"
    with pytest.raises(Refusal):
        write_reply([Failed("rate", "slow")], SHAPE)


def test_arguments_that_are_no_object_are_kept_as_text():
    events = [BlockStart(0, "tool_call", id="t", name="f"), Delta(0, "{cut"), BlockEnd(0), Finish("length")]
    (block,) = accumulated(write_reply(events, SHAPE), stream=False).content
    assert block.input == {"raw_arguments": "{cut"}


def test_what_has_no_meaning_between_two_blocks_is_passed_over():
    writer = MessagesWriter(SHAPE)
    events = [Start("a"), Unknown("gemini", b"{}"), BlockStart(0, "text"), Delta(0, "hi"), BlockEnd(0)]
    said = b"".join([writer.feed(event) for event in (*events, Unknown("gemini", b"{}"), Finish("stop"))])
    assert b"".join([said, writer.finish()]).count(b"event: content_block_stop") == 1
