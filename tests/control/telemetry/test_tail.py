"""The last exchanges stay; watchers see the next ones and cannot hold anything up."""

import asyncio
from collections.abc import Callable

from triplegate.control.telemetry.finished import Finished
from triplegate.control.telemetry.tail import KEPT, WATCHERS, Entry, Tail

Make = Callable[..., Finished]


def everything(_: Entry) -> bool:
    return True


def test_the_ring_keeps_the_newest_and_numbers_go_on(make_finished: Make) -> None:
    tail = Tail()
    tail.take([make_finished()] * 150)
    tail.take([make_finished()] * 150)
    seen = tail.last(everything)
    assert [entry.seq for entry in seen] == list(range(101, 301))
    tail.take([make_finished()] * 1_000)
    assert [entry.seq for entry in tail.last(everything)] == list(range(1_101, 1_301))
    assert [entry.seq for entry in tail.last(everything, after=1_298)] == [1_299, 1_300]
    assert [entry.seq for entry in tail.last(everything, most=3)] == [1_298, 1_299, 1_300]


async def test_a_watcher_gets_what_comes_after_it_and_only_what_it_may_see(make_finished: Make) -> None:
    tail = Tail()
    tail.take([make_finished()])
    with tail.watch(lambda entry: entry.team == "web") as watcher:
        assert watcher is not None
        tail.take([make_finished(team="web"), make_finished(team="other"), make_finished(team="web")])
        batch = await anext(watcher.batches(1.0))
        assert [(entry.seq, entry.team) for entry in batch] == [(2, "web"), (4, "web")]


async def test_a_slow_watcher_loses_the_oldest_which_is_counted(make_finished: Make) -> None:
    tail = Tail()
    with tail.watch(everything) as watcher:
        assert watcher is not None
        tail.take([make_finished()] * (KEPT + 25))
        batch = await anext(watcher.batches(1.0))
        assert len(batch) == KEPT
        assert batch[-1].seq == KEPT + 25
        assert tail.missed == 25


async def test_silence_is_an_empty_beat(make_finished: Make) -> None:
    with Tail().watch(everything) as watcher:
        assert watcher is not None
        async with asyncio.timeout(5):
            assert await anext(watcher.batches(0.01)) == []


async def test_the_number_of_watchers_is_bounded_and_given_back() -> None:
    tail = Tail()
    open_views = [tail.watch(everything) for _ in range(WATCHERS)]
    assert all(view.__enter__() is not None for view in open_views)
    with tail.watch(everything) as one_more:
        assert one_more is None
    open_views[0].__exit__(None, None, None)
    with tail.watch(everything) as again:
        assert again is not None


async def test_closing_ends_the_views_and_gives_no_new_ones() -> None:
    tail = Tail()
    with tail.watch(everything) as watcher:
        assert watcher is not None
        tail.close()
        async with asyncio.timeout(5):
            assert [batch async for batch in watcher.batches(60)] == []
    with tail.watch(everything) as late:
        assert late is None


def test_an_mcp_entry_shows_the_rpc_method(make_finished: Make) -> None:
    tail = Tail()
    tail.take([make_finished(gate="mcp", rpc="tools/call", http_method="POST")])
    assert tail.last(everything)[0].method == "tools/call"
