"""A client's body is bounded in size and pace, whichever server reads it."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.edge.body import ClientBody


class Pieces(ClientBody):
    """A body whose pieces are here; each costs `wait` seconds."""

    __slots__ = ("_pieces", "_wait")

    def __init__(self, *pieces, length=None, limit=10, wait=0.0):
        super().__init__(length, limit, 5.0, 240)
        self._pieces, self._wait = list(pieces), wait

    async def _next(self):
        self._waited += self._wait
        content = self._pieces.pop(0)
        return content, bool(self._pieces)


async def code_of(body, limit=1 << 20):
    with pytest.raises(Refusal) as caught:
        await body.whole(limit)
    return caught.value.code


async def test_the_whole_is_kept_and_read_again():
    body = Pieces(b"one", b"", b"two")
    assert (body.kind, body.started) == ("one_pass", False)
    assert await body.whole(10) == b"onetwo"
    assert (body.kind, body.started) == ("replayable", False)
    assert [piece async for piece in body.chunks()] == [b"onetwo"]


async def test_the_lowest_limit_holds():
    assert await code_of(Pieces(b"12345678901")) == "body_too_large"
    assert await code_of(Pieces(b"123", b"4567"), 5) == "body_too_large"
    assert await code_of(Pieces(length=11)) == "body_too_large"
    assert await Pieces(b"1234567890").whole(10) == b"1234567890"


async def test_a_body_shorter_than_announced_is_malformed():
    assert await code_of(Pieces(b"1234", length=5)) == "malformed_request"


async def test_a_drip_is_a_timeout():
    assert await code_of(Pieces(*[b"x"] * 9, wait=2.0)) == "body_timeout"
    assert await Pieces(b"x", b"y", wait=2.0).whole(10) == b"xy"
