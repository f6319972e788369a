"""Frames become the same messages however they are cut, and what breaks the protocol fails cleanly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.core.http import Message
from triplegate.wire.websocket import (
    BINARY,
    CLOSE,
    NO_STATUS,
    PING,
    PONG,
    TEXT,
    Broken,
    Close,
    Control,
    Reader,
    accept_of,
    close_frame,
    frame,
    masked,
    may_be_sent,
)

MASK = b"\x01\x02\x03\x04"


def read(content, *, most=1 << 20, masked=False, step=0):
    reader = Reader(most, masked=masked)
    pieces = [content] if not step else [content[at : at + step] for at in range(0, len(content), step)]
    return [event for piece in pieces for event in reader.feed(piece)]


def broken(content, *, most=1 << 20, masked=False):
    with pytest.raises(Broken) as caught:
        read(content, most=most, masked=masked)
    with pytest.raises(Broken):
        read(content, most=most, masked=masked, step=1)
    return caught.value.code


def test_the_examples_of_the_specification():
    assert accept_of(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert read(bytes.fromhex("810548656c6c6f")) == [Message(b"Hello", text=True)]
    assert read(bytes.fromhex("818537fa213d7f9f4d5158"), masked=True) == [Message(b"Hello", text=True)]
    assert read(bytes.fromhex("010348656c80026c6f")) == [Message(b"Hello", text=True)]
    assert read(bytes.fromhex("890548656c6c6f")) == [Control(PING, b"Hello")]
    assert read(bytes.fromhex("8a8537fa213d7f9f4d5158"), masked=True) == [Control(PONG, b"Hello")]
    assert read(bytes.fromhex("827e0100") + b"x" * 256) == [Message(b"x" * 256)]
    assert read(bytes.fromhex("827f0000000000010000") + b"x" * 65536) == [Message(b"x" * 65536)]


def test_what_we_write_is_what_the_specification_shows():
    assert frame(TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")
    assert frame(TEXT, b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("818537fa213d7f9f4d5158")
    assert frame(BINARY, b"x" * 256)[:4] == bytes.fromhex("827e0100")
    assert frame(BINARY, b"x" * 65536)[:10] == bytes.fromhex("827f0000000000010000")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_001])
@pytest.mark.parametrize("mask", [b"", MASK])
def test_every_way_to_write_a_length_is_read_back(size, mask):
    payload = bytes(at % 251 for at in range(size))
    assert read(frame(BINARY, payload, mask), masked=bool(mask)) == [Message(payload)]


def test_control_frames_come_between_the_pieces_of_a_message():
    content = b"\x01\x03Hel" + frame(PING, b"?") + b"\x00\x00" + frame(PONG, b"") + b"\x80\x02lo"
    assert read(content) == [Control(PING, b"?"), Control(PONG, b""), Message(b"Hello", text=True)]


messages = st.lists(
    st.one_of(
        st.builds(lambda text: (TEXT, text.encode()), st.text(max_size=300)),
        st.tuples(st.just(BINARY), st.binary(max_size=300)),
        st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(messages, st.booleans(), st.lists(st.integers(0, 60), max_size=40), st.integers(1, 50))
def test_any_split_of_bytes_and_any_split_into_pieces_give_the_same_messages(sent, client, cuts, piece):
    mask = MASK if client else b""
    content = b""
    for opcode, payload in sent:
        content += frame(opcode, payload, mask) if opcode >= CLOSE else pieces(opcode, payload, mask, piece)
    expected = [
        Control(opcode, payload) if opcode >= CLOSE else Message(payload, opcode == TEXT) for opcode, payload in sent
    ]
    reader, got = Reader(1000, masked=client), []
    for cut in cuts:
        got += reader.feed(content[:cut])
        content = content[cut:]
    assert got + reader.feed(content) == expected


def pieces(opcode, payload, mask, size):
    """A message in pieces of at most `size` bytes."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    content = b""
    for number, part in enumerate(parts):
        whole = bytearray(frame(opcode if number == 0 else 0, part, mask))
        if number < len(parts) - 1:
            whole[0] &= 0x7F
        content += whole
    return content


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_garbage_fails_cleanly_and_the_same_way_however_it_is_cut(garbage, client):
    def result(step):
        reader, got = Reader(100, masked=client), []
        try:
            for at in range(0, len(garbage), step):
                got += reader.feed(garbage[at : at + step])
        except Broken as error:
            return error.code
        return got

    whole = result(len(garbage) or 1)
    cut = result(1)
    assert whole == cut
    assert isinstance(whole, list) or whole in (1002, 1007, 1009)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xc1\x00", "a reserved bit"),
        (b"\xa1\x00", "another"),
        (b"\x91\x00", "the third"),
        (b"\x83\x00", "an unknown data frame"),
        (b"\x8b\x00", "an unknown control frame"),
        (b"\x80\x00", "a piece of no message"),
        (b"\x01\x01a\x81\x01b", "a message within a message"),
        (b"\x09\x00", "a control frame in pieces"),
        (b"\x89\x7e\x00\x7e" + b"x" * 126, "a control frame that is too long"),
        (b"\x82\x7e\x00\x7d" + b"x" * 125, "a length of two bytes that needs none"),
        (b"\x82\x7f" + (65535).to_bytes(8, "big"), "a length of eight bytes that needs two"),
        (b"\x82\x7f" + b"\xff" * 8, "a length above the largest"),
        (b"\x81\x80" + MASK, "a server that masks"),
        (b"\x88\x01\x03", "a close with half a code"),
        (b"\x88\x02\x03\xed", "1005 on the wire"),
        (b"\x88\x02\x00\x00", "0 on the wire"),
    ],
)
def test_what_breaks_the_protocol(content, why):
    assert broken(content) == 1002, why


def test_a_client_that_does_not_mask_breaks_the_protocol():
    assert broken(frame(TEXT, b"x"), masked=True) == 1002


@pytest.mark.parametrize("content", [b"\x81\x02\xc3\x28", b"\x81\x01\xff", b"\x88\x04\x03\xe8\xff\xfe"])
def test_text_that_is_not_utf8(content):
    assert broken(content) == 1007


def test_a_character_may_be_cut_by_a_frame():
    euro = "€".encode()
    assert read(b"\x01\x01" + euro[:1] + b"\x80\x02" + euro[1:]) == [Message(euro, text=True)]


def test_a_message_over_the_bound_is_refused_before_it_has_come():
    assert broken(b"\x82\x7e\x04\x01", most=1024) == 1009
    assert read(b"\x82\x7e\x04\x00" + b"x" * 1024, most=1024) == [Message(b"x" * 1024)]
    assert broken(b"\x02\x01x" + b"\x00\x01y" * 4, most=4) == 1009


def test_after_a_close_nothing_is_read():
    assert read(close_frame(4001, "bye") + frame(TEXT, b"late")) == [Close(4001, "bye")]


CODES = [
    (1000, True), (1001, True), (1002, True), (1003, True), (1004, False), (1005, False), (1006, False), (1007, True),
    (1011, True), (1012, True), (1013, True), (1014, True), (1015, False), (1016, False), (2999, False), (3000, True),
    (4999, True), (5000, False), (999, False), (0, False),
]  # fmt: skip


@pytest.mark.parametrize(("code", "sent"), CODES)
def test_a_code_that_may_not_be_sent_becomes_a_close_without_one(code, sent):
    assert may_be_sent(code) is sent
    assert read(close_frame(code, "why")) == [Close(code, "why") if sent else Close(NO_STATUS, "")]


def test_a_long_reason_is_cut_at_a_character():
    (close,) = read(close_frame(1000, "€" * 100))
    assert close.reason == "€" * 41
    assert read(close_frame(1000, "x" * 123)) == [Close(1000, "x" * 123)]


@given(st.binary(max_size=70), st.binary(min_size=4, max_size=4))
def test_masking_twice_is_not_masking(payload, mask):
    hidden = masked(payload, mask)
    assert hidden == bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    assert masked(hidden, mask) == payload
