"""Chunks are read strictly, whatever the pieces they come in."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.edge.http1_chunks import ChunkReader


def read(*pieces):
    """Content, whether the body ended, and what stood behind it."""
    reader, found, rest = ChunkReader(), [], b""
    for piece in pieces:
        rest += reader.feed(piece, found) if not reader.done else piece
    return b"".join(found), reader.done, rest


def split(content, cuts):
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    return [content[a:b] for a, b in pairwise(places)]


GOOD = b'5\r\nhello\r\n00A;name="x y";z\r\n0123456789\r\n0;end\r\nX-Late: 1\r\nY:\t\r\n\r\n'


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_a_body_is_the_same_at_any_split(cuts):
    assert read(*split(GOOD + b"GET /", cuts)) == (b"hello0123456789", True, b"GET /")


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(0, 5000), max_size=8))
def test_any_content_comes_through(contents, cuts):
    framed = b"".join([b"%x\r\n%b\r\n" % (len(one), one) for one in contents if one]) + b"0\r\n\r\n"
    assert read(*split(framed, cuts)) == (b"".join(contents), True, b"")


BROKEN = [
    b"3\nabc\r\n",
    b"3\r\nabc\n",
    b"3\r\nabcX",
    b"3\rabc",
    b"+3\r\n",
    b"-",
    b"0x3\r\n",
    b"0_3",
    b"\r\n",
    b" 3",
    b"3 \r\n",
    b"3g",
    b"fffffffffffffffff",
    b"8000000000000000\r\n",
    b"3;a=\nb",
    b"3;\0\r\n",
    b"3;" + b"a" * 5000 + b"\r\n",
    (b"1;" + b"a" * 3000 + b"\r\nx\r\n") * 6,
    b"0\r\nno colon\r\n",
    b"0\r\n: x\r\n",
    b"0\r\na b: x\r\n",
    b"0\r\na: b\nc: d\r\n",
    b"0\r\na: " + b"x" * 5000,
    b"0\r\n" + (b"a: " + b"x" * 4000 + b"\r\n") * 5,
    b"0\n\n",
]


@pytest.mark.parametrize("content", BROKEN)
def test_what_is_not_exactly_a_chunk_is_refused_at_any_split(content):
    for pieces in ([content], [content[n : n + 1] for n in range(len(content))]):
        with pytest.raises(Refusal, match="malformed_request"):
            read(*pieces)


@given(st.binary(max_size=100))
def test_no_bytes_make_it_fail_otherwise(content):
    with contextlib.suppress(Refusal):
        read(*[content[n : n + 1] for n in range(len(content))])
