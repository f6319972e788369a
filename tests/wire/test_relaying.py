"""Looking on while bytes pass: whole events go on, one that cannot be read and what follows it do not."""

import msgspec
import pytest

from triplegate.wire.relaying import EventRelay, tokens_of_piece


class Word(msgspec.Struct):
    word: str = ""


class Words(EventRelay):
    """A dialect of words; `hidden` is not for the client."""

    __slots__ = ("seen",)

    def __init__(self):
        super().__init__(most=100)
        self.seen = []

    def _note(self, data, event):
        said = msgspec.json.decode(data, type=Word)
        self.seen.append(said.word)
        return said.word != "hidden"

    def _mark(self):
        self.done = True


A, HIDDEN = b'data: {"word":"a"}\n\n', b'data: {"word":"hidden"}\n\n'


def test_events_pass_but_for_those_that_are_not_for_the_client():
    relay = Words()
    assert relay.feed(block := A + b": note\n\ndata:\n\n" + A) is block
    assert relay.feed(A + HIDDEN + A + b"data: [DONE]\n\n") == A + A + b"data: [DONE]\n\n"
    assert (relay.seen, relay.done, relay.broken) == (["a", "a", "a", "hidden", "a"], True, False)


@pytest.mark.parametrize("broken", [b"data: {\n\n", b'data: {"other":"\xff"}\n\n', b"data: [7]\n\n", b"data: x\n\n"])
def test_one_that_cannot_be_read_ends_it(broken):
    relay = Words()
    assert relay.feed(A + broken + A) == A
    assert (relay.error.kind, relay.broken, relay.feed(A), relay.finish()) == ("malformed", True, b"", b"")


def test_json_of_another_shape_passes():
    relay = Words()
    assert relay.feed(odd := b'data: {"word":7}\n\n') == odd
    assert not relay.broken


@pytest.mark.parametrize(
    ("rest", "given"),
    [
        (A[:-2], A),
        (b"data: [DONE]", b"data: [DONE]\n\n"),
        (b": x", b": x\n\n"),
        (A[:-5], b""),
        (b"", b""),
    ],
)
def test_what_is_whole_but_for_its_blank_line_counts(rest, given):
    relay = Words()
    assert relay.feed(A + rest) == A
    assert (relay.finish(), relay.broken) == (given, False)


def test_a_long_piece_is_taken_for_many_tokens():
    assert [tokens_of_piece(size) for size in (0, 5, 64, 65, 24_000)] == [1, 1, 1, 16, 6_000]
