"""One choice: what its fragments become."""

from itertools import count

import msgspec

from triplegate.wire.neutral import Opaque
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Event, Finish, OpaqueSeen
from triplegate.wire.openai_choice import Choice, Said

_said = msgspec.json.Decoder(Said).decode


def test_blocks_begin_and_end_in_the_order_of_what_is_said():
    choice, events = Choice(1, count(5), "r"), list[Event]()
    for text in (b'{"content":"a"}', b'{"content":""}', b'{"reasoning":"b"}', b'{"content":"c"}'):
        choice.more(_said(text), events)
    choice.finish_reason = "stop"
    choice.end(events, said=False)
    assert events == [
        BlockStart(5, "text", 1),
        Delta(5, "a"),
        BlockEnd(5),
        BlockStart(6, "reasoning", 1),
        Delta(6, "b"),
        BlockEnd(6),
        BlockStart(7, "text", 1),
        Delta(7, "c"),
        BlockEnd(7),
        Finish("stop", "stop", 1),
    ]


def test_a_call_keeps_its_signature_and_fragments_of_nothing_are_dropped():
    choice, events = Choice(0, count(), "r"), list[Event]()
    call = b'{"id":"a","function":{"name":"f"},"extra_content":{"google":{"thought_signature":"s"}}}'
    choice.more(_said(b'{"tool_calls":[{"index":3,"function":{"arguments":"x"}}]}'), events)
    assert events == []
    choice.more(_said(b'{"tool_calls":[%b]}' % call), events)
    assert events[-1] == OpaqueSeen(0, Opaque("openai", "thought", "s"))
    choice.end(events, said=False)
    assert events[-2:] == [Delta(0, "{}"), BlockEnd(0)]
