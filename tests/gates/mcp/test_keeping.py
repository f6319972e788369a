"""Streams whose client has left: nothing it may have missed is lost, and nothing is kept without need."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.gates.mcp.test_frames import Pieces

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.gates.mcp import keeping as module
from triplegate.gates.mcp.frames import EventFrames
from triplegate.gates.mcp.keeping import FetchedFrames, KeptFrames, fetch_reply
from triplegate.stores.memory.mailbox import MemoryMailbox
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.mcp_marks import Marks
from triplegate.wire.sse import SseReader, data_of, write_event

MARKS = Marks(b"pepper")
NOTES = [write_event(b'{"jsonrpc":"2.0","method":"notifications/x","params":{"n":%d}}' % n) for n in range(1, 4)]
ANSWER = write_event(b'{"jsonrpc":"2.0","id":7,"result":{}}')


def stream(*pieces, error=None):
    """Frames over these pieces, and the box that they may be kept in."""
    kit = SimpleNamespace(mailbox=MemoryMailbox(SystemClock()), supervisor=TaskSupervisor())

    def turn(block):
        return block, b'"result"' in block

    rest = EventFrames(Pieces(pieces, error), turn, lambda: None)
    return KeptFrames(rest, kit, MARKS, "s1", b"7"), kit.mailbox


def places(text):
    return [MARKS.read_event("s1", event.id) for event in SseReader().feed(text) if event.id]


async def fetched(mailbox, place):
    text = b"".join([frame async for frame in fetch_reply(FetchedFrames(mailbox, place)).frames])
    return [event.data for event in SseReader().feed(text)]


async def test_while_the_client_is_there_events_get_ids_and_nothing_is_kept():
    frames, mailbox = stream(NOTES[0] + NOTES[1], b": still here\n\n", ANSWER)
    text = b"".join([frame async for frame in frames])
    assert [(place.number, place.call) for place in places(text)] == [(1, b"7"), (2, b"7"), (3, b"7")]
    assert b": still here\n\n" in text
    assert frames.answered
    assert len(mailbox) == 0


async def test_what_a_server_gives_an_id_is_its_servers_to_keep():
    own = write_event(b"{}", None, b"e1")
    frames, _ = stream(own, ANSWER)
    text = b"".join([frame async for frame in frames])
    assert text.startswith(own)
    assert [place and place.number for place in places(text)] == [None, 1]


async def test_all_after_the_last_event_that_was_had_is_fetched_in_order():
    frames, mailbox = stream(*NOTES, ANSWER)
    first = await frames.__anext__()
    await frames.__anext__()  # it may have got lost on its way
    frames.leave()
    frames.leave()
    async for _ in frames:
        pass
    place = places(first)[0]
    assert await fetched(mailbox, place) == [data_of(event) for event in (NOTES[1], NOTES[2], ANSWER)]


async def test_a_stream_that_fails_after_the_client_has_left_says_so_to_whoever_comes_back():
    frames, mailbox = stream(NOTES[0], error=Refusal("upstream_reset", "It broke."))
    first = await frames.__anext__()
    frames.leave()
    with pytest.raises(Refusal, match="upstream_reset"):
        await frames.__anext__()
    (told,) = await fetched(mailbox, places(first)[0])
    assert b'"id":7' in told
    assert b"-32003" in told
    frames.close()


async def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    frames, mailbox = stream(*NOTES, ANSWER)
    first = await frames.__anext__()
    for _ in range(2):
        await frames.__anext__()
    frames.leave()
    async for _ in frames:
        pass
    assert await fetched(mailbox, places(first)[0]) == [data_of(event) for event in (NOTES[2], ANSWER)]
    monkeypatch.setattr(module, "_LARGEST", 1)
    frames, _ = stream(*NOTES, ANSWER)
    assert [len(frames._recent) async for _ in frames] == [1, 1, 1, 1]


async def test_a_node_that_is_gone_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr(module, "_WAIT", 0.01)
    frames, mailbox = stream(*NOTES, ANSWER)
    first = await frames.__anext__()
    place = places(first)[0]
    with pytest.raises(Refusal, match="upstream_reset"):
        await fetched(mailbox, place)
    frames.leave()
    await asyncio.sleep(0)
    reading = FetchedFrames(mailbox, place)
    assert not reading.ready
    reading._heard = True
    assert await reading.__anext__() == b": \n\n"
    reading.close()
