"""Definitions that wait are listed, compared and approved from the command line."""

import asyncio
import json
import threading

import pytest
from tests.gates.mcp.offering import Offering
from tests.journeys.running import House, write

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
    write(folder, f"mcp: {{identity: none, pins: enforce}}\nservers: {{files: {{url: {address[0]}/mcp}}}}\n")
    with House(folder) as running:
        running.admin("GET", "/whoami")
        yield running
    over.set()
    serving.join(10)


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


def test_what_is_meant_has_to_be_said(reach, command, place):
    assert reach("mcp", "approve", "files").status == 2
    assert reach("mcp", "approve", "files", "add", "--all").status == 2
    unknown = reach("mcp", "approve", "files", "nothing", "--reject")
    assert (unknown.status, len(unknown.err.splitlines())) == (1, 1)
    alone = command("mcp", "pins")
    assert (alone.status, len(alone.err.splitlines())) == (1, 1)
