"""Chat streams as events, whatever the split, the relative and its habits."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Failed,
    Finish,
    Start,
    Unknown,
    UsageSeen,
    gather,
)
from triplegate.wire.openai_reader import ChatReader, read_reply


def chunk(delta: Any = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish}]
    return {"id": "c1", "model": "m-1", "created": 7, "choices": choices, **more}


def stream(*chunks: Any, end: str = "\n", done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(one)}{end}{end}" for one in chunks]
    return "".join([*lines, f"data: [DONE]{end}{end}"] if done else lines).encode()


def read(*pieces: bytes) -> list[Event]:
    reader = ChatReader()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    return events + reader.finish()


def tool(index: int | None, call: str | None = None, name: str | None = None, arguments: Any = None) -> dict[str, Any]:
    said = {"index": index, "id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{key: value for key, value in said.items() if value is not None}]}


USED = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "total_tokens": 13,
    "completion_tokens_details": {"reasoning_tokens": 1},
}
WHOLE = stream(
    chunk({"role": "assistant", "content": "", "reasoning_content": "hm"}),
    chunk({"content": "Wört"}),
    chunk({"content": "er"}),
    chunk(tool(0, "call_a", "f", "")),
    chunk(tool(0, None, None, '{"a":')),
    chunk(tool(1, "call_b", "g", '{"b":')),
    chunk(tool(0, None, None, "1}")),
    chunk(tool(1, None, None, "2}")),
    chunk({}, "tool_calls"),
    chunk(usage=USED),
)


@given(st.lists(st.integers(1, 60), max_size=60), st.sampled_from(["\r\n", "\n", "\r"]), st.booleans())
def test_the_split_of_the_bytes_changes_nothing(sizes: list[int], end: str, bom: bool):
    text = (b"\xef\xbb\xbf" if bom else b"") + b": hello\n\n" + WHOLE
    text = text.replace(b"\n", end.encode())
    pieces, position = [], 0
    for size in sizes:
        pieces.append(text[position : position + size])
        position += size
    assert read(*pieces, text[position:]) == read(WHOLE)


def test_a_stream_adds_up_with_its_parallel_calls():
    events = read(WHOLE)
    assert events[0] == Start("c1", "m-1", 7)
    answer = gather(events)
    assert [(block.kind, block.id, block.name, block.text, block.ended) for block in answer.blocks] == [
        ("reasoning", "", "", "hm", True),
        ("text", "", "", "Wörter", True),
        ("tool_call", "call_a", "f", '{"a":1}', True),
        ("tool_call", "call_b", "g", '{"b":2}', True),
    ]
    assert answer.finishes == {0: Finish("tool_calls", "tool_calls")}
    assert answer.usage is not None
    assert (answer.usage.input_total, answer.usage.output_text, answer.usage.reasoning) == (9, 3, 1)
    assert answer.usage.source == "provider"


def calls_of(*chunks: Any) -> list[tuple[str, str, str]]:
    answer = gather(read(stream(*chunks, chunk({}, "stop"))))
    assert answer.finishes[0] == Finish("tool_calls", "stop")
    return [(block.id, block.name, block.text) for block in answer.blocks]


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(tool(None, "a", "f", '{"x":1}')), chunk(tool(None, "b", "f", "{}"))],
        [chunk(tool(0, "a", "f", '{"x":')), chunk(tool(0, "a", "f", "1}")), chunk(tool(0, "b", "f", "{}"))],
        [chunk(tool(0, "a", "f", {"x": 1})), chunk(tool(1, "b", "f"))],
        [chunk(tool(None, "a", "f", '{"x":')), chunk(tool(None, None, None, "1}")), chunk(tool(None, "b", "f", ""))],
    ],
    ids=["no index", "one index for all", "an object, no arguments", "neither for what continues"],
)
def test_calls_are_told_apart_without_good_ids_and_indexes(chunks: list[Any]):
    said = [(call, name, text.replace(" ", "")) for call, name, text in calls_of(*chunks)]
    assert said == [("a", "f", '{"x":1}'), ("b", "f", "{}")]


def test_calls_without_any_id_get_one_that_stays_the_same():
    chunks = [chunk(tool(0, "", "f", "{}")), chunk(tool(0, "", "f", '{"n":2}'))]
    assert calls_of(*chunks) == calls_of(*chunks) == [("call_c1_0", "f", "{}"), ("call_c1_1", "f", '{"n":2}')]


def test_a_legacy_function_call_is_a_tool_call():
    chunks = [
        chunk({"function_call": {"name": "f", "arguments": '{"a":'}}),
        chunk({"function_call": {"arguments": "1}"}}),
    ]
    assert calls_of(*chunks) == [("call_c1_0", "f", '{"a":1}')]


def test_a_custom_tool_is_called_with_free_text():
    call = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "run", "input": "ls"}}
    answer = gather(read(stream(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"))))
    assert [(block.kind, block.name, block.text) for block in answer.blocks] == [("custom_tool_call", "run", "ls")]


def test_backends_that_send_a_whole_message_are_understood():
    message = {"role": "assistant", "content": "Hello", "tool_calls": tool(0, "a", "f", "{}")["tool_calls"]}
    whole = {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    for events in (read(stream(whole)), read(stream(whole, done=False)), read_reply(json.dumps(whole).encode())):
        answer = gather(events)
        assert [block.text for block in answer.blocks] == ["Hello", "{}"]
        assert answer.finishes[0].reason == "tool_calls"


def test_what_deltas_said_is_not_said_again_by_a_message_behind_them():
    last = {"choices": [{"index": 0, "message": {"content": "Hello", "reasoning": "hm"}, "finish_reason": "stop"}]}
    answer = gather(read(stream(chunk({"reasoning": "hm"}), chunk({"content": "Hel"}), last)))
    assert [(block.kind, block.text) for block in answer.blocks] == [("reasoning", "hm"), ("text", "Hello")]


def test_mistrals_lists_of_thoughts_and_text():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    answer = gather(
        read(stream(chunk({"content": [thinking, {"type": "text", "text": "So"}]}), chunk({"content": "!"})))
    )
    assert [(block.kind, block.text) for block in answer.blocks] == [("reasoning", "hm"), ("text", "So!")]
    assert answer.finishes == {0: Finish("stop", "")}


def test_openrouters_details_keep_their_state():
    secret = {"type": "reasoning.encrypted", "data": "c2VjcmV0", "index": 0}
    delta = {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}, secret]}
    answer = gather(read(stream(chunk(delta), chunk({"content": "x"}, "stop"))))
    assert answer.blocks[0].text == "hm"
    assert answer.blocks[0].opaque == [Opaque("openai", "encrypted", json.dumps(secret))]


def test_two_choices_refusal_sources_and_weights():
    source = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 3}}
    weighed = {"index": 0, "delta": {"content": "ab"}, "logprobs": {"content": [{"token": "ab", "logprob": -1.0}]}}
    events = read(
        stream(
            {"id": "c1", "choices": [weighed]},
            chunk({"refusal": "no"}, "stop", 1),
            chunk({"annotations": [source]}, "stop"),
        )
    )
    answer = gather(events)
    assert answer.choices == [0, 1]
    assert answer.of(0)[0].citations == [Citation("u", "t", "", 1, 3, "openai", json.dumps(source).encode())]
    assert json.loads(answer.of(0)[0].logprobs[0]) == [{"token": "ab", "logprob": -1.0}]
    assert (answer.of(1)[0].kind, answer.finishes[1].reason) == ("refusal", "refusal")
    assert any(isinstance(event, Cited) for event in events)


def test_azures_first_chunk_and_a_filtered_end():
    first = {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    events = read(stream(first, chunk({"content": "x"}), chunk({}, "content_filter")))
    assert events[0] == Start("c1", "m-1", 7)
    assert events[-1] == Finish("content_filter", "content_filter")


def test_audio_and_images_are_blocks_of_the_family():
    events = read(stream(chunk({"audio": {"id": "a"}}), chunk({"images": [{"type": "image_url"}]}, "stop")))
    natives = [event for event in events if isinstance(event, BlockStart)]
    assert [(one.name, one.provider) for one in natives] == [("audio", "openai"), ("image", "openai")]


def test_usage_of_every_chunk_is_told_when_it_changes_with_its_tier():
    events = read(stream(chunk({"content": "x"}, usage=USED), chunk({}, "stop", usage=USED, service_tier="flex")))
    assert [event.usage.tier for event in events if isinstance(event, UsageSeen)] == [""]
    groq = read(stream(chunk({"content": "x"}, "stop", x_groq={"usage": USED})))
    assert any(isinstance(event, UsageSeen) for event in groq)


def test_a_cut_stream_has_no_finish_but_whole_blocks():
    events = read(stream(chunk({"content": "x"}), chunk(tool(0, "a", "f", '{"a')), done=False))
    assert not any(isinstance(event, Finish) for event in events)
    assert sum(isinstance(event, BlockEnd) for event in events) == 2


def test_a_finish_without_done_is_an_end_and_what_comes_behind_done_is_not_heard():
    assert read(stream(chunk({"content": "x"}, "length"), done=False))[-1] == Finish("length", "length")
    assert read(stream(chunk({"content": "x"}, "stop")) + stream(chunk({"content": "y"})))[-1] == Finish("stop", "stop")


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (stream({"error": {"message": "slow", "code": 429}}), Failed("rate", "slow", 429, "429")),
        (
            b'event: error\ndata: {"message":"down","type":"overloaded"}\n\n',
            Failed("overload", "down", 0, "overloaded"),
        ),
        (stream(chunk({}, "error")), Failed("transient", "The provider ended its answer with an error.")),
    ],
)
def test_an_error_inside_a_stream_ends_it(text: bytes, failed: Failed):
    events = read(stream(chunk({"content": "x"}), done=False) + text + stream(chunk({"content": "y"}, "stop")))
    assert events[-1] == failed
    assert [event.text for event in events if isinstance(event, Delta)] == ["x"]


def test_strange_events_are_dropped_and_counted_broken_ones_end_it():
    events = read(stream({"choices": 3}, chunk({"tool_calls": 7}), chunk({"content": "x"}, "stop")))
    assert sum(isinstance(event, Unknown) for event in events) == 2
    assert gather(events).blocks[0].text == "x"
    broken = read(b"data: {broken\n\n")
    assert [event.kind for event in broken if isinstance(event, Failed)] == ["malformed"]


def test_the_last_event_needs_no_blank_line_and_one_event_is_bounded():
    text = stream(chunk({"content": "x"}, "stop"), done=False)
    assert read(text.rstrip()) == read(text)
    with pytest.raises(Refusal, match="too large"):
        ChatReader(1000).feed(b"data: " + b"x" * 2000)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"choices":[]}', b'{"object":"list"}'])
def test_what_is_no_answer_is_refused(body: bytes):
    with pytest.raises(Refusal) as refused:
        read_reply(body)
    assert refused.value.code == "upstream_malformed"


def test_an_error_in_place_of_an_answer_is_a_failure():
    assert read_reply(b'{"error":{"message":"x","code":503}}') == [Failed("overload", "x", 503, "503")]
