"""Events come back from bytes as they were, but for fewer and larger deltas; anything else is nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.usage import Usage
from triplegate.wire.event_packing import pack, unpack
from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Failed,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    Unknown,
    UsageSeen,
    gather,
)

EVENTS = [
    Start("id", "model", 3, "flex"),
    BlockStart(0, "reasoning", id="r"),
    Delta(0, "hm"),
    OpaqueSeen(0, Opaque("anthropic", "signature", "x")),
    BlockEnd(0),
    BlockStart(1, "text"),
    Delta(1, "It is "),
    Delta(1, "far."),
    Logprobs(1, b"[1]"),
    Cited(1, Citation(url="u", raw=b"{}")),
    BlockEnd(1),
    BlockStart(2, "tool_call", id="t", name="f"),
    Delta(2, "{}"),
    BlockEnd(2),
    UsageSeen(Usage(input_uncached=3, output_text=4, source="provider")),
    Finish("stop", "end_turn", sequence="s"),
]


def test_an_answer_comes_back_as_it_was():
    back = unpack(pack(EVENTS))
    assert gather(back) == gather([*EVENTS[:6], Delta(1, "It is far."), *EVENTS[8:]])
    assert [one for one in back if not isinstance(one, Delta)] == [one for one in EVENTS if not isinstance(one, Delta)]


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.text(max_size=120)), max_size=40))
def test_deltas_grow_and_no_word_is_lost(pieces):
    told = [BlockStart(0, "text"), BlockStart(1, "text"), *[Delta(index, text) for index, text in pieces]]
    back = unpack(pack(told))
    assert [block.text for block in gather(back).blocks] == [block.text for block in gather(told).blocks]
    assert all(len(event.text) < 320 for event in back if isinstance(event, Delta))


def test_failures_and_what_has_no_meaning_are_no_part_of_an_answer():
    assert unpack(pack([Failed("rate"), Unknown("openai", b"{}"), Finish("stop")])) == [Finish("stop")]


OTHER = [(0, []), (1, [[99]]), (1, [[7, 3]])]


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff", *[msgspec.msgpack.encode(one) for one in OTHER]])
def test_what_is_of_another_form_is_nothing(content):
    assert unpack(content) is None
