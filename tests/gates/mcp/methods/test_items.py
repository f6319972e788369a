"""prompts/get, resources/read and completion/complete: found by one table, in all four pairs of eras."""

import json

import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers

from triplegate.gates.mcp.methods.items import not_found
from triplegate.samples.http import Answer

PROMPT = b'{"name":"hello","arguments":[{"name":"who"}],"x-new":{"a":1.50}}'
RESOURCE = b'{"uri":"file:///a.txt","name":"a"}'
PAIRS = pytest.mark.parametrize(
    ("client", "upstream"), [(a, b) for a in ("modern", "legacy") for b in ("modern", "legacy")]
)


def offering(era, template=b""):
    return Offering(era, tools=b"", prompts=PROMPT, resources=RESOURCE, resourceTemplates=template, completions=True)


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
    ask = (await opened(client, offering("modern"), offering("legacy"))).ask
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
        ("completion/complete", {"ref": {"type": "ref/resource"}}),
    ],
)
async def test_what_names_nothing_reaches_no_server(opened, method, params):
    behind = offering("legacy")
    answer = await (await opened("legacy", behind)).ask(method, params)
    assert answer.json()["error"]["code"] == -32602
    assert method not in behind.methods


@PAIRS
async def test_a_resource_that_its_server_has_not_is_said_as_the_client_expects(opened, client, upstream):
    behind = offering(upstream)
    behind.missing.add("file:///none")
    answer = await (await opened(client, behind)).ask("resources/read", {"uri": "file:///none"})
    modern_client = client == "modern"
    assert answer.status_code == (400 if modern_client else 200)
    assert answer.json()["error"]["code"] == (-32602 if modern_client else -32002)
    assert answer.json()["error"]["data"] == {"uri": "file:///none"}


@PAIRS
async def test_what_is_read_says_how_long_it_may_be_kept(opened, client, upstream):
    ask = (await opened(client, offering(upstream))).ask
    read = (await ask("resources/read", {"uri": "file:///a.txt"})).json()["result"]
    if client == "modern":
        assert (read["ttlMs"], read["cacheScope"]) == ((0, "private") if upstream == "legacy" else (9, "public"))
    else:
        assert set(read) == {"contents"}


@PAIRS
async def test_a_template_is_listed_read_and_completed(opened, client, upstream):
    behind = offering(upstream, template=b'{"uriTemplate":"t://{id}/x","name":"t"}')
    other = offering("modern", template=b'{"uriTemplate":"u://{id}","name":"u"}')
    ask = (await opened(client, behind, other)).ask
    listed = (await ask("resources/templates/list")).json()["result"]["resourceTemplates"]
    assert [one["uriTemplate"] for one in listed] == ["t://{id}/x", "u://{id}"]
    read = (await ask("resources/read", {"uri": "t://7/x"})).json()["result"]
    assert read["contents"][0]["text"] == "read t://7/x"
    params = {"ref": {"type": "ref/resource", "uri": "t://{id}/x"}, "argument": {"name": "id", "value": ""}}
    said = (await ask("completion/complete", params)).json()["result"]["completion"]["values"]
    assert said == ['{"type":"ref/resource","uri":"t://{id}/x"}']
    assert "resources/read" not in other.methods
    assert (await ask("resources/read", {"uri": "v://7"})).json()["error"]["data"] == {"uri": "v://7"}


async def test_a_uri_that_no_list_names_is_read_where_its_scheme_is(opened):
    first = Offering("modern", resources=b'{"uri":"a:1","name":"n"},{"uri":"x:1","name":"n"}')
    second = Offering(
        "modern", resources=b'{"uri":"x:2","name":"n"}', resourceTemplates=b'{"uriTemplate":"b:{i}/c","name":"n"}'
    )
    ask = (await opened("modern", first, second)).ask
    for uri, server in (("a:9", first), ("b:9", second)):
        assert "result" in (await ask("resources/read", {"uri": uri})).json()
        assert server.asked[-1][1]["uri"] == uri
    for uri in ("x:9", "c:9", "a", ""):
        assert (await ask("resources/read", {"uri": uri})).json()["error"]["code"] == -32602


@PAIRS
async def test_one_template_of_two_servers_is_told_apart_both_ways(opened, client, upstream):
    template = b'{"uriTemplate":"t://{id}","name":"t"}'
    first, second = offering("modern", template=template), offering(upstream, template=template)
    ask = (await opened(client, first, second)).ask
    listed = (await ask("resources/templates/list")).json()["result"]["resourceTemplates"]
    assert [one["uriTemplate"] for one in listed] == ["mcp+files:t://{id}", "mcp+more1:t://{id}"]
    read = (await ask("resources/read", {"uri": "mcp+more1:t://7"})).json()["result"]
    assert read["contents"] == [{"uri": "mcp+more1:t://7", "text": "read t://7"}]
    params = {"ref": {"type": "ref/resource", "uri": "mcp+more1:t://{id}"}}
    said = (await ask("completion/complete", params)).json()["result"]["completion"]["values"]
    assert said == ['{"type":"ref/resource","uri":"t://{id}"}']
    second.missing.add("t://8")
    gone = await ask("resources/read", {"uri": "mcp+more1:t://8"})
    assert gone.json()["error"]["data"] == {"uri": "mcp+more1:t://8"}
    assert "error" in (await ask("resources/read", {"uri": "t://7"})).json()
    assert "resources/read" not in first.methods


@PAIRS
@pytest.mark.parametrize("form", ["json", "stream", "large"])
async def test_links_of_tools_and_prompts_lead_to_the_server_that_gave_them(opened, client, upstream, form):
    class Linking(Offering):
        def answer(self, method, params):
            if method in ("tools/call", "prompts/get"):
                link = {"type": "resource_link", "uri": "file:///a", "name": "a"}
                shown = {"type": "resource", "resource": {"uri": "t://7", "text": "seven"}}
                large = [{"type": "text", "text": "x" * 1_200_000}] if form == "large" else []
                more = {"resultType": "complete"} if self.era == "modern" else {}
                said = (
                    {"content": [*large, link, shown]} if method == "tools/call" else {"messages": [{"content": link}]}
                )
                return said | more
            return super().answer(method, params)

        async def __call__(self, request):
            answer = await super().__call__(request)
            if form == "stream" and self.asked and self.methods[-1] in ("tools/call", "prompts/get"):
                return Answer(b"data: " + answer.body + b"\n\n", content_type="text/event-stream")
            return answer

    shared = {
        "resources": b'{"uri":"file:///a","name":"a"}',
        "resourceTemplates": b'{"uriTemplate":"t://{id}","name":"t"}',
    }
    shared |= {"tools": b'{"name":"l","inputSchema":{"type":"object"}}', "prompts": b'{"name":"p"}'}
    first, second = Linking("modern", **shared), Linking(upstream, **shared)
    ask = (await opened(client, first, second)).ask
    listed = (await ask("resources/list")).json()["result"]["resources"]
    assert [one["uri"] for one in listed] == ["mcp+files:file:///a", "mcp+more1:file:///a"]
    await ask("resources/templates/list")
    told = result_of(await ask("tools/call", {"name": "more1__l", "arguments": {}}))
    link, shown = told["content"][-2:]
    assert (link["uri"], shown["resource"]["uri"]) == ("mcp+more1:file:///a", "mcp+more1:t://7")
    prompted = result_of(await ask("prompts/get", {"name": "more1__p"}))
    assert prompted["messages"][0]["content"]["uri"] == "mcp+more1:file:///a"
    read = (await ask("resources/read", {"uri": link["uri"]})).json()["result"]
    assert read["contents"] == [{"uri": "mcp+more1:file:///a", "text": "read file:///a"}]
    assert "resources/read" not in first.methods


def result_of(answer):
    """Of a response that is one JSON, or the last event of a stream."""
    text = answer.text if answer.headers["content-type"] == "application/json" else answer.text.rpartition("data: ")[2]
    return json.loads(text)["result"]


async def test_a_template_is_no_way_around_what_a_path_shows(opened):
    behind = offering("modern", template=b'{"uriTemplate":"file:///{+path}","name":"t"}')
    more = 'virtual_servers: {some: {tools: ["*"], resources: ["files__file:///{+path}", "files__file:///open/*"]}}\n'
    ask = (await opened("modern", behind, virtual="/some", more=more)).ask
    assert "result" in (await ask("resources/read", {"uri": "file:///open/a"})).json()
    for uri in ("file:///a.txt", "mcp+files:file:///a.txt", "file:///secret", "mcp+files:file:///secret"):
        assert (await ask("resources/read", {"uri": uri})).json()["error"]["data"] == {"uri": uri}
    assert behind.methods.count("resources/read") == 1


@pytest.mark.parametrize(("naming", "name"), [("always", "files__hello"), ("collisions", "hello"), ("never", "hello")])
async def test_names_are_made_as_it_is_written(opened, naming, name):
    ask = (await opened("modern", offering("modern"), more=f"mcp: {{naming: {naming}}}\n")).ask
    assert [one["name"] for one in (await ask("prompts/list")).json()["result"]["prompts"]] == [name]
    assert "result" in (await ask("prompts/get", {"name": name})).json()


async def test_a_servers_tools_are_shown_as_it_is_written(house, serve, http):
    behind = Offering("modern", tools=b'{"name":"a","description":"old"}')
    gate = await house(servers(await serve(behind), s0=", overrides: {a: {name: look, description: 'It looks.'}}"))
    client = Client(http, f"{gate.url}/mcp", "modern")
    http.headers.update(bearer(gate.key()))
    listed = (await client.ask("tools/list")).json()["result"]["tools"]
    assert listed == [{"name": "files__look", "description": "It looks."}]
    assert "error" in (await client.ask("tools/call", {"name": "files__a"})).json()
    await client.ask("tools/call", {"name": "files__look"})
    assert behind.asked[-1][1]["name"] == "a"


OWN_PATH = (
    'virtual_servers: {own: {tools: ["*"], naming: never, separator: ".", overrides: {files__a: {name: look}}}}\n'
)


async def test_a_path_has_names_of_its_own(opened, http):
    behind = Offering("modern", tools=b'{"name":"a","description":"old"},{"name":"b"}')
    overrides = "mcp: {separator: /}\n"
    client = await opened("modern", behind, virtual="/own", more=OWN_PATH + overrides)
    assert [one["name"] for one in (await client.ask("tools/list")).json()["result"]["tools"]] == ["b", "look"]
    await client.ask("tools/call", {"name": "look"})
    assert behind.asked[-1][1]["name"] == "a"
    client.url = client.url.removesuffix("/own")
    assert [one["name"] for one in (await client.ask("tools/list")).json()["result"]["tools"]] == ["files/a", "files/b"]


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


SHOWN = b'{"name":"t","_meta":{"ui":{"resourceUri":"ui://%b"}}}'


async def test_what_a_tool_wants_shown_is_read_from_its_own_server(opened):
    """Listed or not, and whether or not another server's tool names the same."""
    first = Offering("modern", tools=SHOWN % b"same/x", resources=b"")
    second = Offering(
        "modern", tools=SHOWN % b"same/x" + b"," + SHOWN.replace(b'"t"', b'"u"') % b"own/y", resources=b""
    )
    ask = (await opened("modern", first, second)).ask
    listed = (await ask("tools/list")).json()["result"]["tools"]
    shown = {tool["name"]: tool["_meta"]["ui"]["resourceUri"] for tool in listed}
    assert shown == {
        "files__t": "ui://files.mcp/same/x",
        "more1__t": "ui://more1.mcp/same/x",
        "more1__u": "ui://own/y",
    }
    for tool, own in (("files__t", "ui://same/x"), ("more1__t", "ui://same/x"), ("more1__u", "ui://own/y")):
        read = (await ask("resources/read", {"uri": shown[tool]})).json()["result"]["contents"]
        assert read == [{"uri": shown[tool], "text": f"read {own}"}]
    assert first.methods.count("resources/read") == 1
    for uri in ("ui://same/x", "ui://nobody/z"):
        assert (await ask("resources/read", {"uri": uri})).json()["error"]["code"] == -32602


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
