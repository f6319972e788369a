"""Progressive discovery: three tools lead to all others, and to nothing that the caller may not use."""

import msgspec
import pytest
from tests.gates.mcp.messages import META, bearer, initialize, legacy, modern
from tests.gates.mcp.offering import Offering
from tests.gates.mcp.test_gate import servers

SCHEMA = b'{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}'
TOOLS = (
    b'{"name":"read","description":"Reads a file.","x-new":1.50,"inputSchema":{"type":"object"}},'
    b'{"name":"where","description":"Reads weather of a region.","inputSchema":%b},'
    b'{"name":"rm","description":"Removes a file."}' % SCHEMA
)
ERAS = pytest.mark.parametrize("era", ["modern", "legacy"])


class Server(Offering):
    """Its tools tell what they were told."""

    def answer(self, method, params):
        if method != "tools/call":
            return super().answer(method, params)
        return {"content": [{"type": "text", "text": msgspec.json.encode(params).decode()}]}


class Asker:
    """A client of either era of one path."""

    def __init__(self, http, url, era):
        self.http, self.url, self.era, self.session = http, url, era, None

    async def ask(self, method, params=None):
        if self.era == "modern":
            return await self.http.post(self.url, **modern(method, params))
        self.session = self.session or await initialize(self.http, self.url)
        return await self.http.post(self.url, **legacy(method, params or {}, session=self.session))

    async def call(self, tool, /, **arguments):
        return await self.ask("tools/call", {"name": tool, "arguments": arguments})

    async def result(self, tool, /, **arguments):
        return (await self.call(tool, **arguments)).json()["result"]


@pytest.fixture
async def asker(house, serve, http):
    async def start(era, behind=None, more="mcp: {progressive: true}\n", path=""):
        behind = behind or Server("modern", tools=TOOLS)
        gate = await house(servers(await serve(behind), s0=', tools: {deny: ["rm"]}') + more)
        http.headers.update(bearer(gate.key()))
        made = Asker(http, f"{gate.url}/mcp{path}", era)
        made.house, made.behind = gate, behind
        return made

    return start


@ERAS
async def test_the_list_has_three_tools_that_find_the_others(asker, era):
    client = await asker(era)
    listed = (await client.ask("tools/list")).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["call_tool", "describe_tool", "search_tools"]
    found = await client.result("search_tools", query="read files")
    assert found["structuredContent"]["tools"][0] == {"name": "files__read", "description": "Reads a file."}
    assert msgspec.json.decode(found["content"][0]["text"]) == found["structuredContent"]
    assert (found.get("resultType") == "complete") is (era == "modern")
    told = await client.call("describe_tool", name="files__read")
    assert b'"name":"files__read","description":"Reads a file.","x-new":1.50' in told.content


@pytest.mark.parametrize("upstream", ["modern", "legacy"])
@ERAS
async def test_a_tool_is_called_through_another_as_if_it_were_called_itself(asker, era, upstream):
    client = await asker(era, Server(upstream, tools=TOOLS))
    result = await client.result("call_tool", name="files__read", arguments={"a": 1.5})
    said = msgspec.json.decode(result["content"][0]["text"])
    assert (said["name"], said["arguments"]) == ("read", {"a": 1.5})
    (record,) = [one for one in client.house.calls if one.target == "files__read"]
    assert record.route == "s0"


@ERAS
async def test_arguments_that_travel_in_headers_are_put_there(asker, era):
    client = await asker(era)
    await client.result("call_tool", name="files__where", arguments={"region": "é"})
    assert client.behind.asked[-1][2]["mcp-param-region"] == "=?base64?w6k=?="


@ERAS
async def test_a_denied_tool_is_unknown_to_all_three(asker, era):
    client = await asker(era)
    found = await client.result("search_tools", query="removes file")
    assert {tool["name"] for tool in found["structuredContent"]["tools"]} == {"files__read", "files__where"}
    for name in ("files__rm", "rm", "files__none", "call_tool"):
        direct = (await client.call(name)).json() if name != "call_tool" else None
        through = (await client.call("call_tool", name=name, arguments={})).json()["error"]
        assert (through["code"], through["message"]) == (-32602, f"Unknown tool: {name}")
        assert direct is None or direct["error"] == through
        described = await client.result("describe_tool", name=name)
        assert (described["isError"], described["content"][0]["text"]) == (True, f"Unknown tool: {name}")
    assert "tools/call" not in client.behind.methods


async def test_a_tool_of_another_team_is_not_found(house, serve, http):
    theirs = await serve(Server("modern", tools=b'{"name":"reader","description":"Reads what is theirs."}'))
    ours = await serve(Server("modern", tools=TOOLS))
    gate = await house(servers(ours, theirs, s1=", teams: [lab]") + "mcp: {progressive: true}\n")
    http.headers.update(bearer(gate.key(team="lab")))
    lab = Asker(http, f"{gate.url}/mcp", "modern")
    assert "more1__reader" in (await lab.call("search_tools", query="reads")).text
    http.headers.update(bearer(gate.key()))
    found = (await lab.result("search_tools", query="theirs"))["structuredContent"]
    assert found == {"tools": [], "found": 0}
    assert (await lab.result("describe_tool", name="more1__reader"))["isError"] is True


@pytest.mark.parametrize(
    "arguments", [{}, {"name": 7}, {"name": "files__read", "arguments": []}, {"name": "files__read", "arguments": "{}"}]
)
async def test_a_call_that_says_no_tool_or_no_arguments_is_refused(asker, arguments):
    client = await asker("modern")
    assert (await client.call("call_tool", **arguments)).json()["error"]["code"] == -32602


async def test_arguments_that_are_said_twice_are_refused(asker, http):
    client = await asker("modern")
    request = modern("tools/call", {"name": "call_tool", "arguments": {}})
    text = msgspec.json.encode(request["json"]).replace(
        b'"arguments":{}', b'"arguments":{"name":"files__read","name":"files__where"}'
    )
    answer = await http.post(
        client.url, content=text, headers=request["headers"] | {"content-type": "application/json"}
    )
    assert answer.json()["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("tool", "arguments"), [("search_tools", {}), ("search_tools", {"query": 7}), ("describe_tool", {})]
)
async def test_wrong_arguments_of_a_search_are_the_tools_own_error(asker, tool, arguments):
    client = await asker("legacy")
    assert (await client.result(tool, **arguments))["isError"] is True


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (0, 1), (-3, 1), (1000, 2)])
async def test_a_search_shows_as_many_as_are_asked_for(asker, limit, shown):
    client = await asker("modern")
    found = (await client.result("search_tools", query="reads", limit=limit))["structuredContent"]
    assert (len(found["tools"]), found["found"]) == (shown, 2)


async def test_long_descriptions_are_cut_in_a_search(asker):
    tools = msgspec.json.encode({"name": "long", "description": "word " * 200})
    client = await asker("modern", Server("modern", tools=tools))
    found = (await client.result("search_tools", query="word"))["structuredContent"]["tools"]
    assert len(found[0]["description"]) == 300


async def test_a_tool_that_asks_is_answered_through_the_same_tool(asker):
    class Asking(Server):
        def answer(self, method, params):
            if method != "tools/call" or "inputResponses" in params:
                return super().answer(method, params)
            question = {"method": "elicitation/create", "params": {"message": "Sure?", "requestedSchema": {}}}
            return {"resultType": "input_required", "inputRequests": {"sure": question}, "requestState": "s"}

    client = await asker("modern", Asking("modern", tools=TOOLS))
    able = META | {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
    params = {"_meta": able, "name": "call_tool", "arguments": {"name": "files__read", "arguments": {"a": 1}}}
    first = (await client.ask("tools/call", params)).json()["result"]
    assert first["resultType"] == "input_required"
    answers = {"inputResponses": {"sure": {"action": "accept"}}, "requestState": first["requestState"]}
    last = (await client.ask("tools/call", params | answers)).json()["result"]
    said = msgspec.json.decode(last["content"][0]["text"])
    assert (said["name"], said["arguments"], said["inputResponses"]) == ("read", {"a": 1}, answers["inputResponses"])


VIRTUAL = 'virtual_servers: {few: {tools: ["files__w*"], progressive: true}}\n'


async def test_a_path_may_be_searched_alone(asker):
    client = await asker("modern", more=VIRTUAL, path="/few")
    found = (await client.result("search_tools", query="reads"))["structuredContent"]["tools"]
    assert [tool["name"] for tool in found] == ["files__where"]
    assert (await client.call("call_tool", name="files__read")).json()["error"]["code"] == -32602
    client.url = client.url.removesuffix("/few")
    assert [tool["name"] for tool in (await client.ask("tools/list")).json()["result"]["tools"]] == [
        "files__read",
        "files__where",
    ]
    assert (await client.call("search_tools", query="a")).json()["error"]["code"] == -32602


async def test_limits_count_the_tool_that_is_meant(asker):
    limit = '{use: tool_limit, tools: ["files__read"], calls: 1, window: 1m}'
    more = f"mcp: {{progressive: true, policies: [{{use: key_auth}}, {limit}]}}\n"
    client = await asker("modern", more=more)
    assert "result" in (await client.call("call_tool", name="files__read", arguments={})).json()
    assert (await client.call("call_tool", name="files__read", arguments={})).status_code == 429
    assert "result" in (await client.call("call_tool", name="files__where", arguments={})).json()
