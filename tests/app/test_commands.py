"""The commands of a worker: opened with it, ended with it, and those that nobody names any more."""

from types import SimpleNamespace

from tests.builders import make_kit
from tests.upstreams.commands import argv, runs, server, text, told, tool, until

from triplegate.app.commands import Commands
from triplegate.app.stdio_door import SOCKET
from triplegate.config.documents_mcp import ServerDocument
from triplegate.gates.mcp.commands import key_of
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_reaper import Reaper
from triplegate.upstreams.supervisor import TaskSupervisor


def snapshot(**servers):
    return SimpleNamespace(documents=SimpleNamespace(servers=servers))


async def test_a_leader_with_others_opens_a_door_and_followers_know_where(tmp_path):
    kit = make_kit(supervisor=TaskSupervisor())
    leader = Commands(kit, tmp_path, leads=True, alone=False)
    await leader.open()
    assert (kit.stdio, (tmp_path / SOCKET).exists()) == ("", True)
    follower = make_kit()
    Commands(follower, tmp_path, leads=False, alone=False)
    assert follower.stdio == str(tmp_path / SOCKET)
    await leader.close()
    assert not (tmp_path / SOCKET).exists()


async def test_a_command_that_is_named_no_more_is_ended_and_the_rest_with_the_worker(tmp_path):
    kit = make_kit(supervisor=TaskSupervisor())
    commands = Commands(kit, tmp_path, leads=True, alone=True)
    await commands.open()
    document = ServerDocument.model_validate({"command": list(argv("modern"))})
    reaper = kit.state(Reaper, "", Reaper)
    kept = kit.state(StdioServer, key_of("kept", document), lambda: server("modern", reaper=reaper))
    left = kit.state(StdioServer, key_of("left", document), lambda: server("modern", reaper=reaper))
    pids = [int(text(await told(each, tool("pid")))) for each in (kept, left)]
    commands.keep(snapshot(kept=document))
    await until(lambda: not runs(pids[1]))
    assert runs(pids[0])
    await commands.close()
    assert not runs(pids[0])
