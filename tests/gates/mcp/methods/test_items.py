"""prompts/get, resources/read and completion/complete: found by one table, in all four pairs of eras."""

import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers

from triplegate.gates.mcp.methods.items import not_found

PROMPT = b'{"name":"hello","arguments":[{"name":"who"}],"x-new":{"a":1.50}}'
RESOURCE = b'{"uri":"file:///a.txt","name":"a"}'
PAIRS = pytest.mark.parametrize(
    ("client", "upstream"), [(a, b) for a in ("modern", "legacy") for b in ("modern", "legacy")]
)


def offering(era, **more):
    return Offering(era, tools=b"", prompts=PROMPT, resources=RESOURCE, resourceTemplates=b"", completions=True, **more)


class Client:
    """One client of either era."""

    def __init__(self, http, url, era):
        self.http, self.url, self.era, self.session = http, url, era, None

    async def ask(self, method, params=None):
        if self.era == "modern":
            return await self.http.post(self.url, **modern(method, params))
        self.session = self.session or await initialize(self.http, self.url)
        return await self.http.post(self.url, **legacy(method, params or {}, session=self.session))


@pytest.fixture
async def opened(house, serve, http):
    """A gate before these servers, and a client of one era."""

    async def start(era, *upstreams, virtual="", more=""):
        gate = await house(servers(*[await serve(one) for one in upstreams]) + more)
        http.headers.update(bearer(gate.key()))
        return Client(http, f"{gate.url}/mcp{virtual}", era)

    return start


@PAIRS
async def test_a_prompt_is_listed_and_fetched(opened, client, upstream):
    behind = offering(upstream)
    ask = (await opened(client, behind)).ask
    listed = (await ask("prompts/list")).json()["result"]
    assert listed["prompts"] == [{"name": "files__hello", "arguments": [{"name": "who"}], "x-new": {"a": 1.5}}]
    assert ("ttlMs" in listed) == (client == "modern")
    got = await ask("prompts/get", {"name": "files__hello", "arguments": {"who": "you"}})
    assert got.json()["result"]["messages"][0]["content"]["text"] == "hello {'who': 'you'}"
    _, _, headers = behind.asked[-1]
    assert headers.get("mcp-name") == ("hello" if upstream == "modern" else None)


@PAIRS
async def test_a_resource_is_listed_and_read_under_its_own_uri(opened, client, upstream):
    ask = (await opened(client, offering(upstream))).ask
    assert [one["uri"] for one in (await ask("resources/list")).json()["result"]["resources"]] == ["file:///a.txt"]
    read = (await ask("resources/read", {"uri": "file:///a.txt"})).json()["result"]
    assert read["contents"] == [{"uri": "file:///a.txt", "text": "read file:///a.txt"}]


@PAIRS
async def test_completions_reach_the_server_of_their_prompt(opened, client, upstream):
    ask = (await opened(client, offering(upstream))).ask
    params = {"ref": {"type": "ref/prompt", "name": "files__hello"}, "argument": {"name": "who", "value": "y"}}
    answer = await ask("completion/complete", params)
    assert answer.json()["result"]["completion"]["values"] == ['{"type":"ref/prompt","name":"hello"}']
    assert b'"x":1.5' in answer.content


@pytest.mark.parametrize(("client", "status", "code"), [("modern", 400, -32602), ("legacy", 200, -32002)])
async def test_a_resource_that_nobody_has_is_named_in_the_error(opened, client, status, code):
    ask = (await opened(client, offering("modern"))).ask
    answer = await ask("resources/read", {"uri": "file:///none"})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["code"], error["data"]) == (code, {"uri": "file:///none"})


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("prompts/get", {}),
        ("prompts/get", {"name": "files__none"}),
        ("prompts/get", {"name": "files__hello", "arguments": []}),
        ("resources/read", {"uri": 7}),
        ("completion/complete", {}),
        ("completion/complete", {"ref": []}),
        ("completion/complete", {"ref": {"type": "ref/tool", "name": "a"}}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "files__none"}}),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "file:///{none}"}}),
    ],
)
async def test_what_names_nothing_reaches_no_server(opened, method, params):
    behind = offering("legacy")
    answer = await (await opened("legacy", behind)).ask(method, params)
    assert answer.json()["error"]["code"] == -32602
    assert method not in behind.methods


async def test_one_uri_of_two_servers_is_told_apart_by_their_aliases(opened):
    first, second = offering("modern"), offering("legacy")
    ask = (await opened("modern", first, second)).ask
    uris = [one["uri"] for one in (await ask("resources/list")).json()["result"]["resources"]]
    assert uris == ["mcp+files:file:///a.txt", "mcp+more1:file:///a.txt"]
    await ask("resources/read", {"uri": uris[1]})
    assert second.asked[-1][:2] == ("resources/read", {"uri": "file:///a.txt"})
    assert "resources/read" not in first.methods
    unclear = await ask("resources/read", {"uri": "file:///a.txt"})
    assert unclear.json()["error"]["data"] == {"uri": "file:///a.txt"}


VIRTUAL = 'virtual_servers: {some: {tools: ["*"]}, all: {tools: ["*"], prompts: ["files__h*"], resources: ["files__file:///a*"]}}\n'


@pytest.mark.parametrize(("virtual", "sees"), [("/some", False), ("/all", True)])
async def test_a_virtual_server_shows_the_prompts_and_resources_it_names(opened, virtual, sees):
    behind = offering("modern")
    ask = (await opened("modern", behind, virtual=virtual, more=VIRTUAL)).ask
    assert len((await ask("prompts/list")).json()["result"]["prompts"]) == sees
    assert len((await ask("resources/list")).json()["result"]["resources"]) == sees
    assert ("result" in (await ask("prompts/get", {"name": "files__hello"})).json()) is sees
    assert ("result" in (await ask("resources/read", {"uri": "file:///a.txt"})).json()) is sees


def test_unknown_and_denied_look_the_same_whatever_is_named():
    for kind in ("tool", "prompt", "resource", "template"):
        assert not_found(kind, "x").rendering.jsonrpc == -32602
