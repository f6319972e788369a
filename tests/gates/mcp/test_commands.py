"""Servers that are commands, through the gate: both eras, isolation, secrets, failures."""

import asyncio
import json
import os
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from tests.builders import DictSecrets, make_kit
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.upstreams.commands import argv, runs, until

from triplegate.config.accounts import account
from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.errors import Refusal
from triplegate.gates.mcp import commands as module
from triplegate.gates.mcp.commands import CommandTransport, key_of
from triplegate.gates.mcp.server import Server
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_program import Program
from triplegate.upstreams.stdio_reaper import Reaper
from triplegate.upstreams.stdio_remote import RemoteStdio
from triplegate.upstreams.supervisor import TaskSupervisor


def document(*how, **more):
    return ServerDocument.model_validate({"command": list(argv(*how)), **more})


def written(*how, **more):
    return json.dumps({"command": list(argv(*how)), **more})


@pytest.fixture
async def gate(house, ends):
    """A gateway with the commands ended after the test."""

    async def start(documents, **ports):
        made = await house(documents, **ports)

        async def end():
            kit = made.gateway.kit
            await asyncio.gather(*(each.close() for each in kit.states.every(StdioServer)))
            for reaper in kit.states.every(Reaper):
                reaper.close()

        ends.push_async_callback(end)
        made.commands = made.gateway.kit.states.every(StdioServer)
        return made

    return start


async def test_what_a_command_is_told_and_says_is_looked_at(gate, http):
    policies = [{"use": "guardrail", "name": "g", "pii": ["email"], "action": "mask", "on": ["tool_results"]}]
    made = await gate(f"servers: {{one: {written('modern', policies=policies)}}}\n")
    http.headers.update(bearer(made.key()))
    params = {"name": "one__echo", "arguments": {"text": "to ada@mail.example.org"}}
    assert text_of(await http.post(made.url + "/mcp", **modern("tools/call", params))) == "to <EMAIL_1>"


def text_of(answer):
    return answer.json()["result"]["content"][0]["text"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_clients_of_both_eras_list_and_call_a_command_of_either(gate, http, era):
    made = await gate(f"servers: {{one: {written(era)}}}\n")
    http.headers.update(bearer(made.key()))
    url = made.url + "/mcp"
    session = await initialize(http, url)
    listed = (await http.post(url, **modern("tools/list"))).json()["result"]["tools"]
    assert "one__echo" in [tool["name"] for tool in listed]
    params = {"name": "one__echo", "arguments": {"text": "hällo"}}
    for request in (modern("tools/call", params), legacy("tools/call", params, session=session)):
        answer = await http.post(url, **request)
        assert text_of(answer) == "hällo"
        assert answer.json()["result"]["odd"] == {"kept": [1.0, None]}
    steps = await http.post(
        url,
        **modern(
            "tools/call",
            {"name": "one__progress", "_meta": {**modern("x")["json"]["params"]["_meta"], "progressToken": "mine"}},
        ),
    )
    assert steps.text.count('"progressToken": "mine"') == 3


@pytest.mark.parametrize(("isolation", "processes"), [("shared", 1), ("principal", 2), ("session", 4)])
async def test_who_shares_a_process_is_as_written(gate, http, isolation, processes):
    made = await gate(f"servers: {{one: {written('legacy', isolation=isolation)}}}\n")
    url, pids = made.url + "/mcp", set()
    for key in (made.key(), made.key()):
        for _ in range(2):
            http.headers.update(bearer(key))
            session = await initialize(http, url)
            answer = await http.post(
                url, **legacy("tools/call", {"name": "one__pid", "arguments": {}}, session=session)
            )
            pids.add(text_of(answer))
    assert len(pids) == processes


async def test_a_client_session_that_ends_takes_its_process_along(gate, http):
    made = await gate(f"servers: {{one: {written('legacy', isolation='session')}}}\n")
    http.headers.update(bearer(made.key()))
    url = made.url + "/mcp"
    session = await initialize(http, url)
    answer = await http.post(url, **legacy("tools/call", {"name": "one__pid", "arguments": {}}, session=session))
    assert (await http.delete(url, headers={"mcp-session-id": session})).status_code == 204
    await until(lambda: not runs(int(text_of(answer))))


async def test_one_that_ends_fails_its_call_and_the_next_one_finds_another(gate, http):
    made = await gate(f"servers: {{one: {written('legacy')}}}\n")
    http.headers.update(bearer(made.key()))
    url = made.url + "/mcp"
    first = text_of(await http.post(url, **modern("tools/call", {"name": "one__pid", "arguments": {}})))
    failed = await http.post(url, **modern("tools/call", {"name": "one__end", "arguments": {}}))
    assert failed.status_code == 502
    assert "status 3" not in failed.text  # that is the operator's to know
    [command] = made.commands
    command._not_before = 0.0
    again = text_of(await http.post(url, **modern("tools/call", {"name": "one__pid", "arguments": {}})))
    assert again != first
    assert [call.outcome for call in made.calls] == ["ok", "failed", "ok"]


async def test_a_command_gets_its_secrets_and_never_ours(gate, http, monkeypatch):
    monkeypatch.setenv("OF_THE_GATEWAY", "hidden")
    monkeypatch.setenv("LANG", "C.UTF-8")
    env = {"TOKEN": "env:FILES_TOKEN", "MODE": "read"}
    made = await gate(
        f"servers: {{one: {written('modern', env=env, inherit=['LANG'])}}}\n", secrets={"env:FILES_TOKEN": "s3cret"}
    )
    http.headers.update(bearer(made.key()))
    params = {"name": "one__environment", "arguments": {}}
    seen = json.loads(text_of(await http.post(made.url + "/mcp", **modern("tools/call", params))))
    assert seen == {"TOKEN": "s3cret", "MODE": "read", "LANG": "C.UTF-8"}


ROOT = os.geteuid() == 0
NOBODY = {"user": "nobody"} if ROOT else {}


async def printed(kit, name, shell, **more):
    """What a command prints that is a shell's program, as its document has it run."""
    written = ServerDocument.model_validate({"command": ["sh", "-c", shell], "directory": "/", **more})
    CommandTransport(name, written, kit)
    far = kit.states.get(StdioServer, key_of(name, written), StdioServer)
    heard, ended, reaper = [], asyncio.Event(), Reaper()
    hears = SimpleNamespace(line=heard.append, gone=lambda why: ended.set())
    process = await Program.start(far.command, hears, reaper)
    async with asyncio.timeout(20):
        await ended.wait()
        await process.ended
    reaper.close()
    return b" ".join(heard).decode().split()


async def test_a_command_runs_under_its_limits():
    kit = make_kit(supervisor=TaskSupervisor())
    shell = "ulimit -Hn; ulimit -n 4096 2>/dev/null; ulimit -Sn; ulimit -Ht"
    limited = await printed(kit, "one", shell, limits={"files": 64, "cpu": "1.5s"}, **NOBODY)
    assert limited == ["64", "64", "2"]
    assert (await printed(kit, "two", shell))[0] != "64"


async def test_a_command_runs_as_its_user(monkeypatch):
    kit = make_kit(supervisor=TaskSupervisor())
    if not ROOT:
        with pytest.raises(ValidationError, match="only a gateway that runs as root"):
            document("modern", user="nobody")
        return
    somebody = account("nobody")
    told = await printed(kit, "one", 'id -u; id -g; echo "$HOME"', user="nobody")
    assert told == [str(somebody.uid), str(somebody.gid), somebody.home]
    assert (await printed(kit, "two", 'echo "$HOME"', user="nobody", env={"HOME": "/srv"})) == ["/srv"]
    written = document("modern", user="nobody")
    monkeypatch.setattr(module, "account", account_gone)
    with pytest.raises(Refusal, match="upstream_credentials"):
        Server("three", written, kit).check()
    assert kit.states.get(StdioServer, key_of("three", written), StdioServer).command.argv == ("",)


def account_gone(text):
    raise ValueError(f"there is no user {text} here")


def test_a_secret_that_is_not_there_stops_the_command_and_a_new_one_reaches_the_next_process():
    secrets = DictSecrets({})
    kit = make_kit(supervisor=TaskSupervisor(), secrets=secrets)
    written = document("modern", env={"TOKEN": "env:T"})
    with pytest.raises(Refusal, match="upstream_credentials") as refused:
        Server("one", written, kit).check()
    assert "env:T" in refused.value.reason
    kit.secrets = DictSecrets({"env:T": "now"})
    Server("one", written, kit).check()
    [kept] = kit.states.every(StdioServer)
    assert kept.command.environment["TOKEN"] == "now"
    assert "now" not in kept.command.label


def test_a_program_is_looked_for_where_the_command_will_look():
    kit = make_kit(supervisor=TaskSupervisor())
    CommandTransport("one", ServerDocument.model_validate({"command": ["sh"], "directory": "below"}), kit)
    [kept] = kit.states.every(StdioServer)
    assert kept.command.argv[0].endswith("/sh")
    assert kept.command.directory == "below"


def test_bounds_and_times_are_as_written():
    kit = make_kit(supervisor=TaskSupervisor())
    processes = {"most": 3, "idle": "5s", "lifetime": "1h", "line": "64KiB"}
    made = CommandTransport("one", document("modern", processes=processes, timeout="9s"), kit)
    [kept] = kit.states.every(StdioServer)
    terms = kept.terms
    assert (terms.most, terms.idle, terms.lifetime, kept.command.longest) == (3, 5.0, 3600.0, 65536)
    assert made.dispatch().total == 9.0


def test_another_command_has_other_processes_and_the_same_one_keeps_its_own():
    one = document("modern")
    assert key_of("one", one) == key_of("one", document("modern", price=1))
    assert len({key_of("one", each) for each in (one, document("legacy"), document("modern", env={"A": "b"}))}) == 3
    assert key_of("other", one) != key_of("one", one)


def test_where_another_worker_runs_them_nothing_is_run_here():
    kit = make_kit(supervisor=TaskSupervisor())
    kit.stdio = "/somewhere/stdio.sock"
    made = CommandTransport("one", document("modern"), kit)
    assert isinstance(made._far, RemoteStdio)
    assert kit.states.every(StdioServer) == []
