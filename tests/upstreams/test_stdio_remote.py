"""The other workers' way to commands: frames, cut anywhere."""

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams.stdio_remote import Asked, Cutter, RemoteStdio, Said, frame


def test_messages_are_found_however_the_bytes_are_cut():
    sent = [Said(status=200, headers=[(b"a", b"b")]), Said(piece=b"x" * 1000), Said(last=True)]
    text = b"".join(map(frame, sent))
    for size in (1, 3, 7, 500, len(text)):
        cutter, found = Cutter(), []
        for start in range(0, len(text), size):
            found += cutter.feed(text[start : start + size])
        assert [msgspec.msgpack.decode(each, type=Said) for each in found] == sent


def test_a_frame_without_bounds_is_refused():
    with pytest.raises(ValueError, match="too large"):
        Cutter().feed(b"\xff\xff\xff\xff")


def test_a_question_comes_back_as_it_was():
    asked = Asked("key", "POST", [(b"a", b"b")], b"body", "owner")
    [text] = Cutter().feed(frame(asked))
    assert msgspec.msgpack.decode(text, type=Asked) == asked


async def test_without_the_worker_that_runs_them_commands_cannot_be_reached(tmp_path):
    with pytest.raises(Refusal, match="upstream_unreachable"):
        await RemoteStdio(tmp_path / "none").send("key", "POST", [], b"{}", Dispatch(), None, "")
