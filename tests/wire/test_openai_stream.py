"""Chat streams looked at from the side, at every split, against the official client's own reading."""

import json
from collections.abc import Iterator

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.recordings import GOLDEN, Recorded, streams

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import Failed
from triplegate.wire.openai_stream import ChatStream

TEXT = (GOLDEN / "openai_chat/text.sse").read_bytes()
SPACED = (GOLDEN / "openai_chat/spaced_crlf.sse").read_bytes()
PROVIDERS = ("openai-chat", "deepseek", "groq", "mistral", "openrouter")


def parts_of(stream: bytes, size: int) -> Iterator[bytes]:
    return (stream[start : start + size] for start in range(0, len(stream), size))


def notes(stream: ChatStream) -> tuple[object, ...]:
    return (stream.content, stream.finish_reason, stream.usage, stream.error, stream.done, stream.broken)


def look(stream: bytes, size: int = 1 << 20, *, strip_usage: bool = False) -> tuple[ChatStream, bytes]:
    seen = ChatStream(strip_usage=strip_usage)
    relayed = b"".join([seen.feed(part) for part in parts_of(stream, size)] + [seen.finish()])
    return seen, relayed


def test_a_stream_says_content_finish_usage_and_end() -> None:
    seen, relayed = look(TEXT)
    assert relayed == TEXT
    assert (seen.content, seen.finish_reason, seen.done, seen.error, seen.broken) == (True, "stop", True, None, False)
    assert seen.usage is not None
    assert seen.usage.tokens() == (15, 4, 0, 0, 0, 0, 7, 3, 0)


@pytest.mark.parametrize("golden", [TEXT, SPACED])
def test_the_split_changes_nothing(golden: bytes) -> None:
    whole, _ = look(golden)
    for size in (1, 2, 3, 7, 64, 250, 500):
        seen, relayed = look(golden, size)
        assert notes(seen) == notes(whole)
        assert relayed == golden


def test_what_stands_in_the_text_is_not_taken_for_the_protocol() -> None:
    events = TEXT.split(b"\n\n")
    seen = ChatStream()
    for event in events[:4]:
        assert seen.feed(event + b"\n\n") == event + b"\n\n"
        assert (seen.done, seen.error, seen.usage, seen.finish_reason) == (False, None, None, "")
    assert seen.content


def test_another_servers_habits_are_understood() -> None:
    seen, relayed = look(SPACED, 100, strip_usage=True)
    assert (seen.content, seen.finish_reason, seen.done) == (True, "tool_calls", True)
    assert seen.usage is not None
    assert (seen.usage.total, seen.usage.output_total, seen.usage.source) == (5, 0, "provider")
    assert b'"choices": []' not in relayed
    assert relayed.startswith(b": OPENROUTER PROCESSING\r\n\r\n")


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40))
def test_u1_the_usage_chunk_and_nothing_else_is_kept_from_a_client_that_did_not_ask(sizes: list[int]) -> None:
    seen = ChatStream(strip_usage=True)
    relayed, position = b"", 0
    for size in sizes:
        relayed += seen.feed(TEXT[position : position + size])
        position += size
    relayed += seen.feed(TEXT[position:]) + seen.finish()
    without = [event for event in TEXT.split(b"\n\n") if b'"choices":[]' not in event]
    assert relayed == b"\n\n".join(without)
    assert seen.usage is not None


def test_a_chunk_that_holds_only_content_is_passed_as_the_same_object() -> None:
    seen = ChatStream(strip_usage=True)
    events = [event + b"\n\n" for event in TEXT.split(b"\n\n")[:5]]
    assert all(seen.feed(event) is event for event in events)
    burst = events[1] + events[3]
    assert seen.feed(burst) is burst
    assert seen.pieces == 6


def chunk(**members: object) -> bytes:
    return b"data: %b\n\n" % json.dumps({"id": "1", **members}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("delta", "content"),
    [
        ({}, False),
        ({"role": "assistant", "content": ""}, False),
        ({"content": None, "reasoning_content": ""}, False),
        ({"tool_calls": []}, False),
        ({"content": "x"}, True),
        ({"content": [{"type": "thinking", "thinking": []}]}, True),
        ({"reasoning_content": "x"}, True),
        ({"reasoning": "x"}, True),
        ({"tool_calls": [{"index": 0}]}, True),
        ({"refusal": "no"}, True),
        ({"audio": {"data": "eA=="}}, True),
    ],
)
def test_the_first_content_of_any_kind_is_noticed(delta: dict[str, object], content: bool) -> None:
    seen = ChatStream()
    seen.feed(chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}]))
    assert seen.content is content


def test_legacy_completions_stream_text() -> None:
    seen = ChatStream()
    seen.feed(chunk(choices=[{"index": 0, "text": "x", "finish_reason": None}]))
    assert seen.content


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (
            chunk(error={"message": "a", "type": "server_error", "code": None}),
            Failed("transient", "a", code="server_error"),
        ),
        (
            chunk(error={"code": 400, "message": "b"}, choices=[{"delta": {"content": ""}}]),
            Failed("client", "b", 400, "400"),
        ),
        (
            b'event: error\ndata: {"error":{"message":"c","code":"x"}}\n\n',
            Failed("transient", "c", code="x"),
        ),
        (b'event: error\ndata: {"message":"d","type":"t"}\n\n', Failed("transient", "d", code="t")),
        (chunk(error="plain words"), Failed("transient", "plain words")),
    ],
)
@pytest.mark.parametrize("after_content", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_an_error_inside_a_stream_is_noticed(event: bytes, error: Failed, after_content: bool, joined: bool) -> None:
    seen = ChatStream(strip_usage=True)
    before = chunk(choices=[{"delta": {"content": "x"}, "finish_reason": None}], usage=None) if after_content else b""
    if joined:
        assert seen.feed(before + before + event) == before + before + event
    else:
        seen.feed(before)
        assert seen.feed(event) == event
    assert seen.error == error
    assert not seen.done


@pytest.mark.parametrize("size", [1 << 20, 300, 7])
@pytest.mark.parametrize(
    "broken",
    [
        b"data: {broken}\n\n",
        b"data: <html>\n\n",
        b'data: {"choices":[{"delta":{"content":"x"\n\n',
        b'data: {"choices":[{"delta":{"content":"x"}}]}}\n\n',
        b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n',
        b"event: error\ndata: nothing\n\n",
    ],
)
def test_what_cannot_be_read_goes_no_further_and_what_came_before_it_does(size: int, broken: bytes) -> None:
    word = chunk(choices=[{"index": 0, "delta": {"content": "x"}, "finish_reason": None}])
    for before in (b"", word, word + word):
        seen, relayed = look(before + broken + word + b"data: [DONE]\n\n", size)
        assert relayed == before
        assert (seen.broken, seen.done, seen.content) == (True, False, bool(before))
        assert seen.error is not None
        assert seen.error.kind == "malformed"


@pytest.mark.parametrize(
    "odd", [b'data: {"id":{}}\n\n', b'data: {"choices":{"a":1}}\n\n', b'data: {"choices":[7]}\n\n']
)
def test_what_is_json_of_another_shape_passes(odd: bytes) -> None:
    seen, relayed = look(odd + TEXT)
    assert (relayed, seen.broken, seen.done) == (odd + TEXT, False, True)


def test_a_stream_cut_inside_an_event_gives_no_part_of_it() -> None:
    seen = ChatStream()
    assert seen.feed(TEXT[:100]) == b""
    assert seen.finish() == b""
    assert not seen.done


def test_a_last_event_without_its_blank_line_counts() -> None:
    seen, relayed = look(TEXT.removesuffix(b"\n\n"))
    assert seen.done
    assert relayed == TEXT
    assert look(TEXT.removesuffix(b"\n"))[0].done


def test_one_event_is_bounded() -> None:
    with pytest.raises(Refusal) as caught:
        ChatStream(most=1000).feed(b"data: " + b"x" * 2000)
    assert caught.value.code == "upstream_malformed"


def accumulate(body: bytes) -> tuple[str, str, int, bool]:
    """Text, finish reason, total tokens and whether it raised, as the official client sees them."""
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})
    )
    text, finish, total = "", "", 0
    with openai.OpenAI(
        api_key="x", base_url="http://gate.test", max_retries=0, http_client=httpx2.Client(transport=transport)
    ) as client:
        try:
            for one in client.chat.completions.create(model="m", messages=[], stream=True):
                if one.usage is not None:
                    total = one.usage.total_tokens
                for choice in one.choices:
                    text += str(choice.delta.content or "")
                    finish = choice.finish_reason or finish
        except openai.APIError:
            return text, finish, total, True
    return text, finish, total, False


@pytest.mark.parametrize("one", streams(*PROVIDERS))
def test_recorded_streams_are_seen_as_the_official_client_sees_them(one: Recorded) -> None:
    if "chat/completions" not in one.request["path"]:
        return
    text, finish, total, raised = accumulate(one.body)
    for size in (1 << 20, 1000, 17):
        seen, relayed = look(one.body, size)
        assert relayed == one.body
        assert seen.content
        assert not seen.broken
        assert (seen.error is not None) is raised
        if not raised:
            assert (seen.finish_reason, seen.done) == (finish, True)
            assert (seen.usage.total if seen.usage is not None else 0) == total
        stripped = look(one.body, size, strip_usage=True)[1]
        again = accumulate(stripped)
        assert (again[0], again[1], again[3]) == (text, finish, raised)
        if one.name.startswith("openai-chat"):
            assert again[2] == 0
