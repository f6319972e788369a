"""A remembered answer comes back whole, or not at all."""

import msgspec
import pytest

from triplegate.stores.answers.kept import Kept, read, write
from triplegate.wire.neutral_events import BlockStart, Delta, Finish


def test_an_answer_is_read_as_it_was_written():
    events = [BlockStart(0, "text"), Delta(0, "far"), Finish("stop")]
    back = read(write(Kept(events, 12.5, 300, "p/x")))
    assert (back.events, back.at, back.cost, back.target) == (events, 12.5, 300, "p/x")


@pytest.mark.parametrize(
    "content",
    [None, b"", b"x", msgspec.msgpack.encode([2, 1.0, 1, "t", b""]), msgspec.msgpack.encode([1, 1.0, 1, "t", b"?"])],
)
def test_what_is_of_another_form_is_nothing(content):
    assert read(content) is None
