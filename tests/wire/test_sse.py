"""Server-sent events at every split, read as the vendors' own clients read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from triplegate.core.errors import Refusal
from triplegate.wire.sse import SseCutter, SseEvent, SseReader, data_of, last_end, spans, write_comment, write_event

FIELDS = [b"data: a", b"data:b", b"data:", b"data", b'data: {"x":1}', b"event: ping", b"id: 7", b"id", b"id: \0"]
OTHERS = [b"retry: 10", b"retry: x", b": note", b"other: 1", "data: é".encode(), b" "]
ENDS = [b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r\r"]
PIECES = st.sampled_from(FIELDS + OTHERS + ENDS)
STREAMS = st.lists(PIECES, max_size=20).map(b"".join)


def split(text: bytes, sizes: list[int]) -> list[bytes]:
    parts, position = [], 0
    for size in sizes:
        parts.append(text[position : position + size])
        position += size
    return [*parts, text[position:]]


def read(parts: list[bytes]) -> list[SseEvent]:
    reader = SseReader()
    return [event for part in parts for event in reader.feed(part)]


@given(STREAMS, st.lists(st.integers(0, 5), max_size=30))
def test_events_do_not_depend_on_the_split(stream: bytes, sizes: list[int]) -> None:
    assert read(split(stream, sizes)) == read([stream])


@given(STREAMS)
def test_events_are_those_of_an_independent_reader(stream: bytes) -> None:
    # the other reader takes lines as text; it keeps blocks without data apart as we do, but forgets ids in between
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode().split("\n")[:-1]
    decoder = SSEDecoder()
    theirs = [event for line in lines if (event := decoder.decode(line)) is not None]
    ours = [event for event in read([stream]) if event.data]
    assert [event.data.decode() for event in ours] == [event.data for event in theirs if event.data]
    assert [event.event for event in ours] == [event.event or "message" for event in theirs if event.data]


def test_the_standards_own_example_reads_as_it_says() -> None:
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    assert [(event.data, event.id) for event in read([stream])] == [
        (b"first event", b"1"),
        (b"second event", b""),
        (b" third event", None),
    ]
    assert [event.data for event in read([b"data\n\ndata\ndata\n\ndata:"])] == [b"", b"\n"]


def test_a_priming_event_without_data_is_told() -> None:
    reader = SseReader()
    assert reader.feed(b"id: s1_0\nretry: 500\n\n") == [SseEvent(b"", "message", b"s1_0", 500)]
    assert reader.last_id == b"s1_0"
    assert reader.feed(b"event: nothing\n\n") == []


def test_a_byte_order_mark_is_skipped_at_any_split() -> None:
    for cut in range(5):
        stream = b"\xef\xbb\xbfdata: x\n\n"
        assert [event.data for event in read([stream[:cut], stream[cut:]])] == [b"x"]


def test_a_carriage_return_ends_a_line_at_once() -> None:
    reader = SseReader()
    assert [event.data for event in reader.feed(b"data: x\r\r")] == [b"x"]
    assert [event.data for event in reader.feed(b"\ndata: y\r\n\r\n")] == [b"y"]
    assert not reader.pending


@pytest.mark.parametrize(
    "parts",
    [
        [b"data: " + b"x" * 200],
        [b"data: " + b"x" * 40 + b"\n"] * 5,
        [b"data: xxxxxxxxx\n" * 20],
        [b"data: " + b"x" * 200 + b"\n\n"],
    ],
)
def test_one_event_is_bounded(parts: list[bytes]) -> None:
    reader = SseReader(most=100)
    with pytest.raises(Refusal) as caught:
        list(map(reader.feed, parts))
    assert caught.value.code == "upstream_malformed"
    bounded = SseReader(most=100)
    for _ in range(50):
        assert len(bounded.feed(b"data: " + b"x" * 60 + b"\n\n")) == 1


def test_a_stream_that_ends_inside_an_event_is_known_to() -> None:
    reader = SseReader()
    reader.feed(b"data: whole\n\n")
    assert not reader.pending
    reader.feed(b"data: cut\n")
    assert reader.pending


@given(
    st.binary(max_size=40),
    st.none() | st.sampled_from(["ping", "é"]),
    st.none() | st.sampled_from([b"1", b""]),
    st.none() | st.integers(0, 10**6),
)
def test_what_is_written_reads_the_same(
    data: bytes, name: str | None, event_id: bytes | None, retry: int | None
) -> None:
    (event,) = read([write_comment(b"before"), write_event(data, name, event_id, retry)]) or [None]
    assert event is not None
    assert event.data == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert (event.event, event.id, event.retry) == (name or "message", event_id, retry)


def test_a_line_end_cannot_be_smuggled_into_a_field() -> None:
    for bad in ("a\nb", "a\r", "\0"):
        with pytest.raises(ValueError, match="one line"):
            write_event(b"", bad)
        with pytest.raises(ValueError, match="one line"):
            write_event(b"", None, bad.encode())
        with pytest.raises(ValueError, match="one line"):
            write_comment(bad.encode())


@given(STREAMS, st.lists(st.integers(0, 5), max_size=30))
def test_a_cut_stream_is_the_same_bytes_in_whole_events(stream: bytes, sizes: list[int]) -> None:
    cutter = SseCutter()
    pieces = [cutter.feed(part) for part in split(stream, sizes)]
    assert b"".join(pieces) + cutter.tail == stream
    seen = SseReader()
    for piece in pieces:
        seen.feed(piece)
        assert not seen.pending  # every piece ends where an event ends
    assert len(read([stream])) == len(read(pieces))


@given(STREAMS)
def test_spans_cover_a_block_event_by_event(stream: bytes) -> None:
    block = stream[: last_end(stream)]
    places = list(spans(block))
    assert b"".join(block[start:end] for start, end in places) == block
    data = [data_of(block[start:end]) for start, end in places]
    assert [one for one in data if one] == [event.data for event in read([block]) if event.data]


def test_a_chunk_of_whole_events_is_passed_without_a_copy() -> None:
    chunk = b'data: {"a":1}\n\ndata: [DONE]\n\n'
    assert SseCutter().feed(chunk) is chunk


def test_the_cutter_is_bounded_too() -> None:
    cutter = SseCutter(most=100)
    with pytest.raises(Refusal) as caught:
        cutter.feed(b"data: " + b"x" * 200)
    assert caught.value.code == "upstream_malformed"
