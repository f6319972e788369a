"""What every reader's events keep to, whatever the provider sends."""

from collections.abc import Iterable

from triplegate.wire.neutral_events import BlockEnd, BlockStart, Cited, Delta, Event, Logprobs, OpaqueSeen


def check_blocks(events: Iterable[Event]) -> None:
    """Indexes grow; what belongs to a block comes while it is open; each block ends once."""
    begun: set[int] = set()
    last = -1
    for event in events:
        match event:
            case BlockStart():
                assert event.index > last
                last = event.index
                begun.add(last)
            case Delta() | OpaqueSeen() | Cited() | Logprobs():
                assert event.index in begun
            case BlockEnd():
                begun.remove(event.index)
    assert not begun
