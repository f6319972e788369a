"""Items: told once, though their events and the response tell them both."""

from itertools import count

import msgspec

from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Event
from triplegate.wire.responses_output import Output

_raw = msgspec.Raw


def test_an_item_is_told_once():
    output, events = Output(count()), list[Event]()
    item = _raw(b'{"type":"custom_tool_call","id":"ctc_1","call_id":"c","name":"run","input":"ls"}')
    output.item(0).whole(item, events)
    output.item(0).whole(item, events)
    assert events == [BlockStart(0, "custom_tool_call", 0, "c", "run"), Delta(0, "ls"), BlockEnd(0)]
    assert output.calls == 1


def test_a_call_without_arguments_and_texts_in_their_places():
    output, events = Output(count()), list[Event]()
    output.item(0).begin(_raw(b'{"type":"function_call","call_id":"c","name":"f","arguments":""}'), events)
    output.item(1).more("text", 0, "a", events)
    output.item(1).more("text", 1, "b", events)
    output.end(events)
    assert [event for event in events if isinstance(event, Delta)] == [Delta(1, "a"), Delta(2, "b"), Delta(0, "{}")]
    assert sum(isinstance(event, BlockEnd) for event in events) == 3
