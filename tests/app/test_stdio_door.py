"""Another worker calls the leader's commands over the socket between them."""

import asyncio
import json

import pytest
from tests.builders import make_kit
from tests.upstreams.commands import message, server, text, tool, until, whole

from triplegate.app.stdio_door import SOCKET, StdioDoor
from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_remote import RemoteStdio
from triplegate.upstreams.supervisor import TaskSupervisor


@pytest.fixture
async def far(tmp_path):
    """A command at the leader, and how another worker calls it."""
    kit = make_kit(supervisor=TaskSupervisor())
    made = kit.state(StdioServer, "key", lambda: server("modern"))
    door = StdioDoor(kit, tmp_path)
    await door.open()
    remote = RemoteStdio(tmp_path / SOCKET)

    async def send(body, key="key", owner="", **times):
        return await remote.send(key, "POST", [], body, Dispatch(**times), None, owner)

    send.server, send.kit = made, kit
    yield send
    door.close()
    await kit.supervisor.close(1)
    await made.close()
    made._reaper.close()


async def test_answers_come_back_and_owners_are_told_apart(far):
    answers = [json.loads(await whole(await far(tool("pid"), owner=owner))) for owner in ("a", "a", "b")]
    pids = [text(answer) for answer in answers]
    assert pids[0] == pids[1] != pids[2]
    reply = await far(message("notifications/initialized", identity=None))
    assert (reply.status, reply.frames.done) == (202, True)


async def test_a_stream_comes_as_it_is_said_and_a_large_answer_whole(far):
    reply = await far(tool("progress", meta={"progressToken": 1}))
    assert (await whole(reply)).count(b"notifications/progress") == 3
    large = "x" * 3_000_000
    assert text(json.loads(await whole(await far(tool("echo", text=large))))) == large


async def test_failures_are_told_as_what_they_are(far):
    with pytest.raises(Refusal, match="upstream_unreachable"):
        await far(tool("pid"), key="another")
    with pytest.raises(Refusal, match="upstream_reset") as refused:
        await far(tool("end"))
    assert "status 3" in refused.value.reason


async def test_whoever_hangs_up_gives_the_call_up(far):
    with pytest.raises(Refusal, match="upstream_timeout"):
        await far(tool("wait", key="k"), first_byte=0.3)
    await until(lambda: not far.kit.supervisor.running)
    answer = json.loads(await whole(await far(message("vendor/release"))))
    assert answer["result"]["waiting"] == ["k cancelled"]


async def test_what_is_no_question_is_cut_off(far, tmp_path):
    from triplegate.upstreams.unix import dial

    reader, writer = await asyncio.open_connection(sock=dial(tmp_path / SOCKET))
    writer.write(b"\xff" * 8)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    writer.close()
