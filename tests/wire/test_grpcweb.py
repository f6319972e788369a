"""gRPC-web frames: byte vectors written by hand, and every way to cut them."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.grpcweb import Decoder, as_text, frame, kind_of, trailer_frame, wants_text


def read(pieces, *, text=False, limit=1 << 20):
    decoder = Decoder(text=text, limit=limit)
    found = [one for piece in pieces for one in decoder.feed(piece)]
    decoder.end()
    return found


def test_a_message_has_a_flag_and_its_length_before_it():
    assert frame(b"abc") == b"\x00\x00\x00\x00\x03abc"
    assert frame(b"") == b"\x00\x00\x00\x00\x00"


def test_trailers_are_lines_in_a_last_frame():
    sent = trailer_frame([(b"grpc-status", b"0"), (b"x-a", b"1")])
    assert sent == b"\x80\x00\x00\x00\x18grpc-status: 0\r\nx-a: 1\r\n"


@pytest.mark.parametrize("text", [False, True])
def test_a_body_is_read_the_same_wherever_it_is_cut(text):
    plain = b"\x00\x00\x00\x00\x05hello" + b"\x00\x00\x00\x00\x00" + b"\x80\x00\x00\x00\x10grpc-status: 0\r\n"
    body = base64.b64encode(plain) if text else plain
    wanted = [(0, b"hello"), (0, b""), (0x80, b"grpc-status: 0\r\n")]
    for cut in range(len(body) + 1):
        assert read([body[:cut], body[cut:]], text=text) == wanted
    assert read([body[n : n + 1] for n in range(len(body))], text=text) == wanted


@given(
    messages=st.lists(st.binary(max_size=40), max_size=6),
    text=st.booleans(),
    marks=st.lists(st.integers(0, 400), max_size=12),
    parts=st.lists(st.integers(0, 300), max_size=6),
)
def test_any_messages_come_back_from_any_cuts(messages, text, marks, parts):
    body = b"".join(map(frame, messages))
    if text:  # several chunks, each padded by itself
        places = sorted({0, len(body), *(min(part, len(body)) for part in parts)})
        body = b"".join(as_text(body[start:end]) for start, end in pairwise(places))
    cuts = sorted({0, len(body), *(min(mark, len(body)) for mark in marks)})
    pieces = [body[start:end] for start, end in pairwise(cuts)]
    assert read(pieces, text=text) == [(0, message) for message in messages]


@pytest.mark.parametrize(
    ("body", "text", "code"),
    [
        (b"\x00\x00\x00\x00\x05hell", False, "invalid_body"),
        (b"\x00\x00\x00", False, "invalid_body"),
        (b"AAAAAA", True, "invalid_body"),
        (b"AA*A", True, "invalid_body"),
        (b"=AAA", True, "invalid_body"),
        (b"\x00\x00\x00\x00\x65", False, "body_too_large"),
        (b"\x00\xff\xff\xff\xff", False, "body_too_large"),
    ],
)
def test_what_is_cut_or_too_large_is_refused(body, text, code):
    with pytest.raises(Refusal) as refused:
        read([body], text=text, limit=100)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"application/grpc-web", False),
        (b"application/grpc-web+proto", False),
        (b"Application/gRPC-Web-Text", True),
        (b"application/grpc-web-text+proto; charset=x", True),
        (b"application/grpc-web+json", None),
        (b"application/grpc", None),
        (b"application/json", None),
        (None, None),
    ],
)
def test_the_content_type_says_which_form_it_is(content_type, kind):
    assert kind_of(content_type) is kind


def test_the_reply_has_the_form_that_is_accepted_and_else_the_requests():
    assert wants_text(b"application/grpc-web-text", sent_text=False)
    assert not wants_text(b"application/grpc-web+proto", sent_text=True)
    assert wants_text(b"*/*", sent_text=True)
    assert not wants_text(None, sent_text=False)
