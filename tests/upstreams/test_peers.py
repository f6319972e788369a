"""Lines to one server, whatever they are made of: owners, bounds, pauses. The rest is told in test_stdio."""

import asyncio

import pytest
from tests.upstreams.commands import message, send, until

from triplegate.core.errors import Refusal
from triplegate.upstreams import failures
from triplegate.upstreams.peers import PeerHost, Terms


class Echo:
    """A line whose far end answers everything at once, or never."""

    def __init__(self, peer):
        self.ended, self.peer, self.sent = asyncio.get_running_loop().create_future(), peer, []

    def send(self, text):
        self.sent.append(text)

    def end(self, why="it was ended"):
        self.peer.gone(why)
        if not self.ended.done():
            self.ended.set_result(None)


class Host(PeerHost):
    """Makes such lines, unless it is broken."""

    broken = False

    async def _begin(self, peer):
        await asyncio.sleep(0)
        if self.broken:
            raise failures.unreachable(self.label, "broken")
        return Echo(peer)


async def test_one_that_cannot_be_begun_is_left_alone_for_longer_and_longer_and_then_tried_again():
    host = Host("far", Terms())
    host.broken = True
    pauses = []
    for _ in range(4):
        host._not_before = 0.0
        with pytest.raises(Refusal, match="upstream_unreachable"):
            await host.open("POST", [], message("ping"), "")
        with pytest.raises(Refusal, match="upstream_unreachable") as refused:
            await host.open("POST", [], message("ping"), "")
        assert "started again in" in refused.value.reason
        pauses.append(round(refused.value.retry_after * 4) / 4)
    assert pauses == [0.25, 0.5, 1.0, 2.0]
    host.broken, host._not_before = False, 0.0
    await host.open("POST", [], message("ping"), "")
    assert host.links == 1
    await host.close()
    assert host.links == 0


async def test_after_the_end_nothing_is_begun():
    host = Host("far", Terms())
    await host.close()
    with pytest.raises(Refusal, match="upstream_unreachable"):
        await send(host, message("ping"))


async def test_streams_without_a_session_and_other_methods_are_refused():
    host = Host("far", Terms())
    assert (await host.open("GET", [], b"", "")).status == 405
    assert (await host.open("DELETE", [(b"mcp-session-id", b"x")], b"", "")).status == 404


async def test_idle_ones_are_looked_after_without_a_task():
    host = Host("far", Terms(idle=0.05))
    coming = await host.open("POST", [], message("ping"), "")
    assert len(asyncio.all_tasks()) == 1
    coming.close()
    await until(lambda: not host.links)
    await host.close()


async def test_one_that_is_being_begun_is_not_taken_for_idle():
    class Slow(Host):
        async def _begin(self, peer):
            self._look()
            return await super()._begin(peer)

    host = Slow("far", Terms(idle=0.0))
    await host.open("POST", [], message("ping"), "")
    assert host.links == 1
    await host.close()
