"""`triplegate mcp`: what an endpoint offers, and the use of a tool, from a terminal."""

import asyncio
import http.server
import json
import threading
from types import SimpleNamespace

import pytest
from tests.gates.mcp.offering import Offering
from tests.servers.spawn import free_port

TOOLS = b'{"name":"echo","description":"Says\\nwhat it %b."},{"name":"bad","title":"Fails"}' % (b"hears " * 30)


class Told(Offering):
    """Its tools say what they were told; one fails, one asks."""

    def answer(self, method, params):
        if method != "tools/call":
            return super().answer(method, params)
        if params["name"] == "ask":
            return {"resultType": "input_required", "inputRequests": {"name": {}}}
        content = [
            {"type": "text", "text": json.dumps(params["arguments"]) + "\x1b[31m"},
            {"type": "image", "data": "QUJD", "mimeType": "image/png"},
            {"type": "hologram", "x": 1},
        ]
        return {"content": content, "isError": params["name"] == "bad", "resultType": "complete"}


@pytest.fixture(params=["modern", "legacy"])
def endpoint(request):
    """A server of either era on a port."""
    offering = Told(request.param, tools=TOOLS, prompts=b"", resources=b'{"uri":"a:1","name":"a"}')

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["content-length"]))

            async def body():
                return content

            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = asyncio.run(offering(SimpleNamespace(body=body, headers=headers)))
            sent = answer.body or b""
            self.send_response(answer.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *words):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    offering.url = f"http://127.0.0.1:{server.server_address[1]}/mcp"
    yield offering
    server.shutdown()
    server.server_close()


def test_tools_are_listed_in_lines_and_whole(command, endpoint, tmp_path):
    listed = command("mcp", "list", "--url", endpoint.url)
    assert (listed.status, listed.err) == (0, "")
    head, echo, bad = listed.out.splitlines()
    assert head.split() == ["name", "description"]
    assert echo.startswith("echo  Says what it hears")
    assert len(echo) < 120
    assert bad.split() == ["bad", "Fails"]
    whole = json.loads(command("mcp", "list", "--url", endpoint.url, "--format", "json").out)
    assert [tool["name"] for tool in whole] == ["echo", "bad"]
    assert command("mcp", "list", "--url", endpoint.url, "--output", "tools.txt").out == ""
    assert (tmp_path / "tools.txt").read_text().splitlines()[2].split() == ["bad", "Fails"]
    resources = command("mcp", "list", "--url", endpoint.url, "--kind", "resource", "--format", "csv")
    assert resources.out == "name,description\na:1,\n"


def test_a_tool_is_called_and_its_failure_is_the_status(command, endpoint):
    called = command("mcp", "call", "echo", '{"a": 1}', "--url", endpoint.url)
    assert (called.status, called.err) == (0, "")
    assert called.out.splitlines() == ['{"a": 1}[31m', "[image image/png, 3 bytes]", '{"type": "hologram", "x": 1}']
    failed = command("mcp", "call", "bad", "--url", endpoint.url, "--format", "json")
    assert (failed.status, json.loads(failed.out)["isError"]) == (1, True)
    asks = command("mcp", "call", "ask", "--url", endpoint.url)
    assert (asks.status, asks.out) == (1, "")
    assert "asks for more than arguments (name)" in asks.err


@pytest.mark.parametrize("arguments", ["{", "[]", "7"])
def test_arguments_that_are_no_object_are_a_mistake_of_the_caller(command, arguments):
    assert command("mcp", "call", "echo", arguments, "--url", "http://127.0.0.1:9/mcp").status == 2


def test_an_endpoint_is_looked_at_as_a_whole(command, endpoint):
    seen = command("mcp", "inspect", "--url", endpoint.url)
    assert (seen.status, seen.err) == (0, "")
    first, capabilities, *lists = seen.out.splitlines()
    version = "2026-07-28" if endpoint.era == "modern" else "2025-11-25"
    assert first.startswith(f"{endpoint.url}: {version} ({endpoint.era})")
    assert capabilities == "capabilities: prompts, resources, tools"
    assert [line.partition(",")[0] for line in lists] == [
        "tools/list: 2 items",
        "prompts/list: 0 items",
        "resources/list: 1 items",
        "resources/templates/list: -32601: no",
    ]


def test_the_gateway_is_found_by_the_environment_and_its_key_is_shown(command, endpoint):
    url = endpoint.url.removesuffix("/mcp")
    done = command("mcp", "list", TRIPLEGATE_URL=url, TRIPLEGATE_KEY="tg_live_k")
    assert (done.status, done.err) == (0, "")
    assert endpoint.asked[-1][2]["authorization"] == "Bearer tg_live_k"


def test_without_a_gateway_or_an_endpoint_it_says_so(command, place):
    for words in (("list",), ("call", "echo"), ("inspect",)):
        for where in ((), ("--config", str(place))):
            alone = command("mcp", *words, *where)
            assert (alone.status, alone.out) == (1, "")
            assert "no gateway runs on this configuration" in alone.err
    away = command("mcp", "inspect", "--url", "http://127.0.0.1:9/mcp")
    assert (away.status, len(away.err.splitlines())) == (1, 1)
    both = command("mcp", "list", "--url", "http://127.0.0.1:9/mcp", "--path", "dev")
    assert both.status == 2
