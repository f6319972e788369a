"""Replies are read the same however their bytes are cut."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.upstreams.answer import Answer
from triplegate.upstreams.head import FORBIDDEN_TRAILERS, HEAD_LIMIT, Malformed
from triplegate.upstreams.reading import ReplyReader


class Nowhere:
    loop = None
    uploading = False

    def arm(self, seconds, phase):
        pass

    def resume(self):
        pass

    def abandon(self):
        pass


def read(pieces, *, head_only=False, upgradable=False):
    """(status, headers, content, trailers, complete, dirty, informational) of the reply in `pieces`."""
    seen = []
    reader = ReplyReader()
    answer = Answer(Nowhere(), 1.0, lambda status, headers: seen.append((status, headers)))
    reader.expect(answer, head_only=head_only, upgradable=upgradable)
    for piece in pieces:
        reader.feed(answer, piece)
    if answer.complete:
        reader.finished(answer)
    return (
        answer.status,
        answer.headers,
        b"".join(answer.buffer),
        answer.trailers,
        answer.complete,
        reader.dirty,
        seen,
        reader.keep,
    )


token = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=12).map(str.encode)
RESERVED = {b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"keep-alive", b"proxy-connection"}
name = token.filter(lambda name: name.lower() not in RESERVED)
value = st.binary(max_size=30).map(lambda raw: bytes(b for b in raw if b >= 0x21 and b != 0x7F))
fields = st.lists(st.tuples(name, value), max_size=6)


def lines(headers):
    return b"".join(name + b": " + value + b"\r\n" for name, value in headers)


def trails(name):
    return b"x" in name and name not in FORBIDDEN_TRAILERS


@st.composite
def replies(draw):
    """A valid reply: its bytes, and what must be read from them."""
    status = draw(st.sampled_from([200, 201, 206, 404, 429, 500, 599]))
    headers = draw(fields)
    interim = draw(st.lists(fields, max_size=2))
    message = b"".join(b"HTTP/1.1 103 Early Hints\r\n" + lines(early) + b"\r\n" for early in interim)
    message += b"HTTP/1.1 %d Some Reason\r\n" % status + lines(headers)
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
    content, trailers = b"".join(chunks), []
    if draw(st.booleans()):
        message += b"Content-Length: %d\r\n\r\n" % len(content) + content
        headers = [*headers, (b"content-length", b"%d" % len(content))]
    else:
        trailers = draw(fields.map(lambda found: [field for field in found if trails(field[0].lower())]))
        message += b"Transfer-Encoding: chunked\r\n\r\n"
        message += b"".join(b"%x;e=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        message += b"0\r\n" + lines(trailers) + b"\r\n"
        headers = [*headers, (b"transfer-encoding", b"chunked")]

    def lower(found):
        return [(name.lower(), value) for name, value in found]

    return message, (
        status,
        lower(headers),
        content,
        lower(trailers),
        True,
        False,
        [(103, lower(h)) for h in interim],
        True,
    )


@given(replies(), st.data())
def test_any_valid_reply_cut_anywhere_reads_the_same(reply, data):
    message, expected = reply
    cuts = sorted(data.draw(st.sets(st.integers(1, len(message) - 1), max_size=8)))
    pieces = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    assert read(pieces) == expected


SAMPLES = {
    "length": b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 5\r\n\r\nhello",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
}


@pytest.mark.parametrize("message", SAMPLES.values(), ids=SAMPLES)
def test_every_cut_and_every_single_byte_reads_the_same(message):
    whole = read([message])
    assert whole[4]
    assert not whole[5]
    for place in range(1, len(message)):
        assert read([message[:place], message[place:]]) == whole
    assert read([bytes([byte]) for byte in message]) == whole


def test_a_head_only_reply_reads_the_same_at_every_cut():
    message = b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    whole = read([message], head_only=True)
    assert whole[:6] == (200, [(b"content-length", b"5")], b"", [], True, False)
    for place in range(1, len(message)):
        assert read([message[:place], message[place:]], head_only=True) == whole
        assert read([message[:place], message[place:] + b"x"], head_only=True)[5], "the byte behind must be seen"


def test_the_head_limit_is_exact_in_the_large():
    def message(size):
        return b"HTTP/1.1 200 OK\r\nA: " + b"x" * size + b"\r\nContent-Length: 2\r\n\r\nok"

    assert read([message(HEAD_LIMIT - 200)])[4]
    with pytest.raises(Malformed, match="head"):
        read([message(HEAD_LIMIT)])


def test_large_content_in_the_heads_segment_is_not_counted_as_head():
    body = b"y" * 200_000
    assert read([b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body])[2] == body
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\ny\r\n" * 20_000 + b"0\r\n\r\n"
    assert read([chunked])[2] == b"y" * 20_000


def test_forbidden_trailers_are_discarded():
    message = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        b"Authorization: x\r\nHost: evil\r\nX-Forwarded-For: 1.1.1.1\r\nGrpc-Status: 0\r\n\r\n"
    )
    assert read([message])[3] == [(b"grpc-status", b"0")]


def test_white_space_around_values_is_no_part_of_them():
    assert read([b"HTTP/1.1 200 OK\r\nA: \t 1 \t\r\nContent-Length: 0 \r\n\r\n"])[1] == [
        (b"a", b"1"),
        (b"content-length", b"0"),
    ]


def test_a_204_has_no_length():
    assert read([b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"])[1] == []


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
    ],
)
def test_whether_the_connection_is_kept_is_the_upstreams_word(head, keep):
    assert read([head])[-1] is keep


def test_upgrade_hands_over_what_stands_behind_the_head():
    reader = ReplyReader()
    answer = Answer(Nowhere(), 1.0, None)
    reader.expect(answer, head_only=False, upgradable=True)
    message = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00"
    assert reader.feed(answer, message[:-5]) is None
    assert reader.feed(answer, message[-5:]) == b"\x81\x00"
    assert answer.status == 101


@given(st.binary(max_size=300), st.sampled_from(list(SAMPLES.values())), st.data())
def test_no_bytes_do_more_harm_than_malformed(noise, message, data):
    """Noise alone, and noise written over a valid reply: read, or refused in the one way there is."""
    place = data.draw(st.integers(0, len(message)))
    for raw in (noise, message[:place] + noise + message[place:], message[:place] + noise[: len(message) - place]):
        for head_only in (False, True):
            with contextlib.suppress(Malformed):
                read([raw[: len(raw) // 2], raw[len(raw) // 2 :]] if raw else [], head_only=head_only)
