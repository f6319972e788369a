"""The client of the commands: either era, whole answers and streams, and what is no MCP endpoint."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from tests.gates.mcp.offering import Offering

from triplegate.cli.failures import Failed
from triplegate.cli.mcp_client import McpClient, RpcFailed

URL = "http://gateway.test/mcp"
ERAS = pytest.mark.parametrize("era", ["modern", "legacy"])


def client_of(offering, *, streams=False, session="s1", key="k"):
    """A client before this server, without a socket."""

    def answer(request):
        async def body():
            return request.content

        found = asyncio.run(offering(SimpleNamespace(body=body, headers=dict(request.headers))))
        headers = dict(found.headers)
        content = found.body
        if b"initialize" in request.content and session:
            headers["mcp-session-id"] = session
        if streams and found.status == 200 and content:
            note = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n'
            content = b": here\n\n" + note + b"event: message\ndata: " + content + b"\n\n"
            headers["content-type"] = "text/event-stream"
        return httpx.Response(found.status, headers=headers, content=content)

    return McpClient(URL, key, transport=httpx.MockTransport(answer))


@ERAS
@pytest.mark.parametrize("streams", [False, True])
def test_either_era_is_found_out_and_asked_in_its_own_way(era, streams):
    offering = Offering(era, tools=b'{"name":"a"}')
    with client_of(offering, streams=streams) as client:
        client.begin()
        assert client.era == era
        assert [tool["name"] for tool in client.list("tools/list", "tools")] == ["a"]
    method, _, headers = offering.asked[-1]
    assert method == "tools/list"
    assert headers["authorization"] == "Bearer k"
    if era == "modern":
        assert headers["mcp-method"] == "tools/list"
    else:
        assert (headers["mcp-session-id"], headers["mcp-protocol-version"]) == ("s1", "2025-11-25")
        assert "notifications/initialized" in offering.methods


def test_names_travel_in_the_header_too():
    offering = Offering("modern", prompts=b'{"name":"p"}')
    with client_of(offering) as client:
        client.begin()
        assert client.ask("prompts/get", {"name": "grüße"})["messages"]
    assert offering.asked[-1][2]["mcp-name"] == "=?base64?Z3LDvMOfZQ==?="


@ERAS
def test_an_error_is_told_with_its_code(era):
    with client_of(Offering(era)) as client:
        client.begin()
        with pytest.raises(RpcFailed, match="-32601: no"):
            client.ask("vendor/x")


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (500, b"<html>", "500: what answers at http://gateway.test/mcp is no MCP endpoint"),
        (401, b"no", "401: .*TRIPLEGATE_KEY must hold a key"),
        (200, b"[]", "no MCP endpoint"),
        (404, b'{"id":1}', "404: what answers"),
    ],
)
def test_what_is_no_endpoint_is_told_in_a_sentence(status, content, said):
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=content))
    with McpClient(URL, None, transport=transport) as client, pytest.raises(Failed, match=said):
        client.begin()


def test_what_does_not_answer_is_told_in_a_sentence():
    def refuse(request):
        raise httpx.ConnectError("refused")

    with McpClient(URL, None, transport=httpx.MockTransport(refuse)) as client, pytest.raises(Failed, match="refused"):
        client.begin()


def test_a_modern_endpoint_that_refuses_is_not_asked_the_older_way():
    asked = []

    def answer(request):
        asked.append(request.headers["mcp-method"])
        return httpx.Response(400, json={"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": "other"}})

    with McpClient(URL, None, transport=httpx.MockTransport(answer)) as client, pytest.raises(RpcFailed):
        client.begin()
    assert asked == ["server/discover"]


def test_a_list_in_a_circle_ends():
    pages = iter([{"tools": [{"name": "a"}], "nextCursor": "2"}, {"tools": [{"name": "b"}], "nextCursor": "2"}])

    def answer(request):
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": None, "result": next(pages)})

    with McpClient(URL, None, transport=httpx.MockTransport(answer)) as client:
        assert [tool["name"] for tool in client.list("tools/list", "tools")] == ["a", "b"]
