"""Amazon's event streams, message by message."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.aws_frames import event, frame, header, text

from triplegate.core.errors import Refusal
from triplegate.wire.aws_event_stream import MOST, EventStream, Message

UUID = bytes(range(16))
EVERY = (
    header("true", 0, b"")
    + header("false", 1, b"")
    + header("byte", 2, struct.pack(">b", -7))
    + header("short", 3, struct.pack(">h", -300))
    + header("int", 4, struct.pack(">i", -70_000))
    + header("long", 5, struct.pack(">q", 1 << 40))
    + header("bytes", 6, struct.pack(">H", 3) + b"\x00\xff\x01")
    + text("text", "grüße")
    + header("time", 8, struct.pack(">q", 1_790_000_000_000))
    + header("uuid", 9, UUID)
)
STREAM = b"".join(
    (
        event("messageStart", role="assistant"),
        frame(b"", b""),
        frame(EVERY, b"payload"),
        event("contentBlockDelta", delta={"text": "äöü" * 100}, contentBlockIndex=0),
    )
)


def whole(content: bytes) -> list[Message]:
    return list(EventStream().feed(content))


def test_every_type_of_header_is_read():
    (message,) = whole(frame(EVERY, b"payload"))
    assert message.payload == b"payload"
    assert message.headers == {
        "true": True,
        "false": False,
        "byte": -7,
        "short": -300,
        "int": -70_000,
        "long": 1 << 40,
        "bytes": b"\x00\xff\x01",
        "text": "grüße",
        "time": 1_790_000_000_000,
        "uuid": UUID,
    }
    assert (message.text("text"), message.text("int"), message.text("none")) == ("grüße", "", "")


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_the_split_changes_nothing(cuts: list[int]):
    stream, found, begin = EventStream(), [], 0
    for end in [*sorted(cuts), len(STREAM)]:
        found += stream.feed(STREAM[begin:end])
        begin = end
    assert found == whole(STREAM)
    assert len(found) == 4
    assert not stream.pending


def test_a_message_that_is_not_whole_is_waited_for():
    stream = EventStream()
    assert list(stream.feed(STREAM[:-1])) == whole(STREAM)[:-1]
    assert stream.pending
    assert list(stream.feed(STREAM[-1:])) == whole(STREAM)[-1:]
    assert not stream.pending


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_one_damaged_byte_is_always_found_and_what_was_before_it_is_told(place: int, change: int):
    damaged = bytearray(STREAM)
    damaged[place] ^= change
    found: list[Message] = []
    messages = EventStream().feed(bytes(damaged))
    with pytest.raises(Refusal) as refused:
        found.extend(messages)  # what comes before the refusal is kept
    assert refused.value.code == "upstream_malformed"
    assert found == whole(STREAM)[: len(found)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (frame(b"", bytes(MOST))[:12], "a message of"),
        (frame(b"", b"").replace(b"\x00\x00\x00\x10", b"\x00\x00\x00\x0f"), "checksum"),
        (frame(bytes([200]) + b"ab", b""), "headers"),
        (frame(header("kind", 10, b""), b""), "headers"),
        (frame(header("int", 4, b"\x00"), b""), "headers"),
        (frame(header("text", 7, b"\x00"), b""), "headers"),
        (frame(header("text", 7, b"\x00\x09ab"), b""), "longer"),
        (frame(header("text", 7, b"\x00\x02\xff\xff"), b""), "headers"),
    ],
)
def test_what_is_no_message_is_refused(content: bytes, reason: str):
    with pytest.raises(Refusal) as refused:
        whole(content)
    assert refused.value.code == "upstream_malformed"
    assert reason in refused.value.reason


def test_lengths_that_do_not_fit_are_refused():
    head = struct.pack(">II", 20, 9)
    with pytest.raises(Refusal, match="damaged") as refused:
        whole(head + struct.pack(">I", zlib.crc32(head)))
    assert "shorter" in refused.value.reason
