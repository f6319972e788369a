"""What a worker knows of servers, tools and calls, as pages show it."""

import json
from types import SimpleNamespace

from tests.app.conftest import CONFIGURATION, read
from tests.gates.mcp.offering import Offering
from tests.journeys.running import write

from triplegate.app import Building
from triplegate.app.tool_views import call_views, server_views, session_views, tool_views
from triplegate.core.identity import Principal
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.samples.http import Server

TOOLS = [
    {"name": "read", "description": "Reads.\u200b" + "x" * 400, "annotations": {"readOnlyHint": True, "title": "R"}},
    {"name": "send", "description": "Sends.", "annotations": {"readOnlyHint": False, "destructiveHint": True}},
    {"name": "odd", "description": {"no": "text"}},
]


async def test_servers_and_tools_are_shown_as_they_were_last_listed(tmp_path):
    offering = Offering(tools=",".join(map(json.dumps, TOOLS)).encode(), prompts=b'{"name":"p"}')
    async with Server(offering) as server:
        address = f"{server.url}/mcp"
        rules = "pins: enforce, approval: {tools: [send], by: admin, when: args.n > 1}"
        servers = f"servers: {{files: {{url: {address}, {rules}}}, gone: {{url: http://127.0.0.1:9/mcp}}}}\n"
        write(tmp_path, CONFIGURATION + servers)
        made = Building(read(tmp_path), tmp_path, {})
        await made.open()
        try:
            before = server_views(made.gateway.snapshot)
            assert [(one.name, one.state, one.pins) for one in before] == [
                ("files", "unknown", "enforce"),
                ("gone", "unknown", "off"),
            ]
            gate = made.gateway.snapshot.gates["mcp"]
            await gate.catalog.load(gate.servers.values(), ("tool", "prompt"), patient=True)
            files, gone = made.tools.servers()
            assert (files.place, files.era, files.state, files.error) == (address, "modern", "up", "")
            assert (files.tools, files.prompts, files.resources) == (3, 1, 0)
            assert (gone.state, gone.error) == ("down", gone.reason)
            assert gone.since > 0
            first, second, odd = made.tools.tools()
            assert (first.shown, first.hints, first.standing) == ("read", ("read only",), "new")
            assert first.description.startswith("Reads.xx")
            assert first.description.endswith("…")
            assert (first.approval, second.approval) == ("", "by the admin when args.n > 1")
            assert (second.hints, odd.description) == (("destructive",), "it cannot be read")
        finally:
            await made.close()


def test_without_a_configuration_there_is_nothing():
    assert (server_views(None), tool_views(None)) == ([], [])


def test_calls_of_the_mcp_gate_are_shown_the_oldest_first():
    principal = Principal("acme", "web", "ci")

    def call(number, gate, started, who):
        return SimpleNamespace(
            id=number,
            gate=SimpleNamespace(name=gate),
            principal=who,
            started=started,
            tool="files__read",
            call=SimpleNamespace(method="tools/call"),
            inbound=SimpleNamespace(method="POST"),
        )

    live = [
        call("E1", "mcp", 9.0, principal),
        call("E2", "mcp", 5.0, principal),
        call("E3", "api", 1.0, principal),
        call("E4", "mcp", 1.0, None),
    ]
    found = call_views(live, 10.0)
    assert [(one.id, one.seconds, one.method, one.team) for one in found] == [
        ("E2", 5.0, "tools/call", "web"),
        ("E1", 1.0, "tools/call", "web"),
    ]


def test_sessions_are_shown_that_may_still_be_open():
    log, who = SessionLog(), Principal("acme", "web", "ci")
    log.note("a" * 32, who, "dev", "2025-11-25", '{"name":"x\u200b"}'.encode(), 1_000.0)
    log.note("b" * 32, who, "", "2025-11-25", b"", 2_000.0)
    first, second = session_views([log], "/mcp", 2_500.0)
    assert (first.path, second.path, second.client) == ("/mcp", "/mcp/dev", "x⟨U+200B⟩")
    assert len(session_views([log], "/mcp", 3_000.0)) == 1
    assert "aaaa" not in str(second)
