"""Definitions and calls that wait are listed and decided on from the command line."""

import asyncio
import contextlib
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.gates.mcp.messages import modern
from tests.gates.mcp.offering import Offering
from tests.journeys.running import House, eventually, write

from triplegate.samples.http import Server

pytestmark = pytest.mark.timeout(60)

ADD = {"name": "add", "description": "Adds."}
READ = {"name": "read", "description": "Reads.\u200b"}


@pytest.fixture(scope="module")
def reach_tools(tmp_path_factory):
    """A gateway that runs before a server with two tools, one of them suspicious."""
    folder, ready, over = tmp_path_factory.mktemp("tools"), threading.Event(), threading.Event()
    address = []

    async def serve():
        async with Server(Offering(tools=f"{json.dumps(ADD)},{json.dumps(READ)}".encode())) as server:
            address.append(server.url)
            ready.set()
            await asyncio.to_thread(over.wait, 120)

    serving = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    serving.start()
    assert ready.wait(10)
    paid = f"pay: {{url: {address[0]}/mcp, pins: off, approval: {{tools: [add], by: admin}}}}"
    files = f"files: {{url: {address[0]}/mcp}}"
    write(folder, f"mcp: {{identity: none, pins: enforce}}\nservers: {{{files}, {paid}}}\n")
    with House(folder) as running:
        running.admin("GET", "/whoami")
        yield running
    over.set()
    serving.join(10)


def audited(directory, number):
    """What the audit log of a gateway that runs says of a call."""
    path = directory / ".triplegate" / "triplegate.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        return list(database.execute("SELECT action, subject FROM audit WHERE detail LIKE ?", (f"{number} %",)))


@pytest.fixture
def reach(command, reach_tools):
    def call(*words):
        return command(*words, "--config", str(reach_tools.directory), TRIPLEGATE_ADMIN_TOKEN=reach_tools.owner)

    return call


def test_definitions_are_listed_compared_and_approved(reach, tmp_path):
    listed = json.loads(reach("mcp", "pins", "--standing", "new", "--format", "json").out)
    assert [(one["tool"], one["change"], one["findings"]) for one in listed] == [
        ("add", "new", "-"),
        ("read", "new", "hidden"),
    ]
    shown = reach("mcp", "diff", "files", "read")
    assert shown.status == 0
    assert "  ! hidden at /description: U+200B ZERO WIDTH SPACE" in shown.out.splitlines()
    assert "  + Reads.⟨U+200B⟩" in shown.out.splitlines()
    assert "add" in reach("mcp", "diff", "files").out
    some = reach("mcp", "approve", "files", "--all")
    assert some.status == 1
    assert [line.split()[:3] for line in some.out.splitlines()[:2]] == [
        ["approved", "files", "add"],
        ["left", "waiting", "files"],
    ]
    assert reach("mcp", "approve", "files", "read", "--suspicious").status == 0
    again = reach("mcp", "approve", "files", "--all")
    assert (again.status, again.err) == (1, "no definition at files waits; see `triplegate mcp pins`\n")
    assert reach("mcp", "pins", "--output", str(tmp_path / "pins.csv"), "--format", "csv").status == 0
    assert "approved" in (tmp_path / "pins.csv").read_text()


@pytest.mark.parametrize(("word", "state"), [("approve-call", "approved"), ("decline-call", "declined")])
def test_a_call_that_waits_is_decided_on_once(reach, reach_tools, word, state):
    with ThreadPoolExecutor(1) as pool:
        sent = modern("tools/call", {"name": "pay__add", "arguments": {"n": [1, 2]}})
        waiting = pool.submit(httpx.post, f"{reach_tools.url}/mcp", timeout=40, **sent)
        [one] = eventually(lambda: json.loads(reach("mcp", "approvals", "--format", "json").out), within=30.0)
        assert (one["tool"], one["by"], one["state"], one["actor"]) == ("pay__add", "admin", "waiting", "")
        assert one["arguments"].replace(" ", "") == '{"n":[1,2]}'
        done = reach("mcp", word, one["id"])
        assert (done.status, done.out.split()[:3]) == (0, [state, one["id"], "pay__add"])
        told = waiting.result(40).text
    assert ("approval_declined" in told) is (state == "declined")
    assert json.loads(reach("mcp", "approvals", "--format", "json").out) == []
    assert reach("mcp", "approvals", "--all", "--output", "waits.txt").status == 0
    assert one["id"] in Path("waits.txt").read_text()
    [kept] = [
        row for row in json.loads(reach("mcp", "approvals", "--all", "--format", "json").out) if row["id"] == one["id"]
    ]
    assert (kept["state"], bool(kept["actor"]), kept["arguments"][:7]) == (state, True, "sha256 ")
    again = reach("mcp", word, one["id"])
    assert (again.status, again.err) == (1, "409: It does not wait any more.\n")
    assert audited(reach_tools.directory, one["id"]) == [(f"mcp.call.{state}", "pay/pay__add")]


def test_only_calls_that_are_there_are_decided_on(reach):
    nothing = reach("mcp", "approve-call", "none")
    assert (nothing.status, nothing.err) == (1, "404: No such approval.\n")


def test_what_is_meant_has_to_be_said(reach, command, place):
    assert reach("mcp", "approve", "files").status == 2
    assert reach("mcp", "approve", "files", "add", "--all").status == 2
    unknown = reach("mcp", "approve", "files", "nothing", "--reject")
    assert (unknown.status, len(unknown.err.splitlines())) == (1, 1)
    alone = command("mcp", "pins")
    assert (alone.status, len(alone.err.splitlines())) == (1, 1)
